//! The suite of every backend, on the store in memory.

use std::sync::Arc;

use farcall_core::clock::ManualClock;
use farcall_store::{
    MemoryStore,
    conformance::{Backend, fixture::START},
};

use crate::suite::Hand;

#[expect(clippy::unused_async, reason = "the suite waits for other stores")]
async fn open() -> Backend {
    let clock = Arc::new(ManualClock::at(START));
    let store = MemoryStore::new(clock.clone());
    Backend {
        second: Box::new(store.clone()),
        store: Box::new(store),
        clock: Box::new(Hand(clock)),
        database: None,
        keep: Box::new(()),
    }
}

farcall_store::store_suite!(open);

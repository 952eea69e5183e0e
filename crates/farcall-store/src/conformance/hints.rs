//! What can be heard of what happens.

use std::collections::BTreeMap;

use tokio::sync::broadcast::Receiver;

use super::fixture::{claimed, enqueued, running};
use crate::{Hint, JobStore, Reach};

/// What was heard since the last look. A store may hear of itself a moment later.
async fn heard(hints: &mut Receiver<Hint>, awaited: Hint) {
    while hints.recv().await.unwrap() != awaited {}
}

pub async fn what_happens_can_be_heard(store: &dyn JobStore) {
    let mut hints = store.hints();
    let id = enqueued(store).await;
    heard(&mut hints, Hint::Queued).await;
    let fence = claimed(store).await.fence;
    heard(&mut hints, Hint::Changed(id)).await;
    store.release(fence).await.unwrap();
    heard(&mut hints, Hint::Queued).await;
    claimed(store).await;
    store.cancel(id, Reach::All).await.unwrap();
    heard(&mut hints, Hint::CancelRequested(id)).await;
    let other = running(store).await.id;
    let nothing = BTreeMap::new();
    store.answer(other, Reach::All, &nothing).await.unwrap();
    heard(&mut hints, Hint::Answered(other)).await;
}

//! A server whose clock somebody sets.

use async_trait::async_trait;
use farcall_store::{
    JobStore, PostgresStore,
    conformance::{TestClock, queue},
};

use crate::pg::{Hand, Raw, SERVER, database};

/// The clock of the server itself; setting it is setting the store's.
struct ClockOfTheServer(Hand);

#[async_trait]
impl TestClock for ClockOfTheServer {
    async fn advance(&self, milliseconds: u32) {
        self.0.advance(milliseconds).await;
    }

    async fn jump(&self, milliseconds: i64) {
        self.0.move_by(milliseconds).await;
    }
}

#[tokio::test]
async fn a_server_whose_clock_is_set_back_keeps_no_job_waiting() {
    let url = SERVER.url(&database().await);
    let store = PostgresStore::open(&url).await.unwrap();
    let clock = ClockOfTheServer(Hand(Raw::open(&url).await.0));
    queue::a_clock_that_is_set_back_keeps_no_job_waiting(&store, &clock).await;
    store.close().await;
}

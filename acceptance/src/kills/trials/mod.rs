//! What else may happen to a server: it stands still, its clock is set, its database goes away.
//!
//! Each trial is one such story, told with the jobs and the checks of the kills. It panics where
//! a promise is broken.

mod clock;
mod outage;
mod slots;
mod stillness;

use std::{path::PathBuf, sync::Arc, time::Duration};

use farcall_testpg::Durability;
use serde_json::json;

use super::{
    brew::{BREW, Order, pause},
    caller::{fresh, start},
    random::Random,
    rig::Rig,
    run::{Engine, Options, Shared, scratch},
};
use crate::{Gate, McpClient, gate::Held};

pub use self::{
    clock::a_clock_is_set,
    outage::{a_standby_takes_over, the_database_falls_silent, the_database_restarts},
    slots::{Hands, a_thing_is_given_to_one, two_things_are_given_to_two},
    stillness::{a_server_stands_still, a_server_wakes_while_another_works},
};

impl Rig {
    /// One for a single trial with servers of `program`.
    async fn alone(engine: Engine, program: PathBuf) -> Self {
        Self::with(engine, program, None).await
    }

    /// The same with a bug for the servers to have.
    async fn with(engine: Engine, program: PathBuf, plant: Option<&str>) -> Self {
        let options = Options {
            kills: 0,
            seed: u64::from(std::process::id()),
            rigs: 1,
            engine,
            plant: plant.map(ToOwned::to_owned),
            scratch: scratch(),
            program,
        };
        let mut random = Random::new(options.seed);
        // A server that ends without warning must find what it has answered.
        let shared = Arc::new(Shared::new(options, &mut random, Durability::Disk));
        // Longer than a server waits for its database.
        let http = reqwest::Client::builder().timeout(Duration::from_secs(40));
        Self::new(shared, http.build().unwrap(), random).await
    }

    /// Starts the job of `order`, and returns its id.
    async fn started(&self, client: &McpClient, order: Order) -> String {
        self.books.open().place(order, BREW);
        let id = start(client, &self.books, BREW, order).await;
        id.ok()
            .flatten()
            .expect("a server that is well takes jobs in")
    }

    /// Starts a job whose stage `stage` pauses until what is returned is dropped. Whoever runs
    /// the stage again does not pause.
    async fn started_and_held(&mut self, client: &McpClient, stage: u32) -> (String, Held) {
        let mut order = fresh(&self.books, &mut self.random);
        order.pauses_at = stage;
        let gate = Gate::close(self.folder.path(), &pause(order.number));
        let id = self.started(client, order).await;
        (id, gate.reached().await)
    }

    /// Closes the gate again at which the job `id` pauses.
    fn gate_of(&self, id: &str) -> Gate {
        let books = self.books.open();
        let mut acknowledged = books.acknowledged();
        let (placed, _) = acknowledged.find(|(_, known)| *known == id).unwrap();
        Gate::close(self.folder.path(), &pause(placed.order.number))
    }

    /// Sees that the job `id` has ended as the first attempt at it, or is at it.
    async fn is_the_first_attempt(&self, id: &str) {
        let records = self.records().jobs().await;
        let record = records.iter().find(|record| record.id == id).unwrap();
        assert_eq!((record.attempt, record.losses), (1, 0), "{record:?}");
    }

    /// Sees that all jobs end, and that everything is in order then.
    async fn ends_well(mut self) {
        let faults = self.look().await;
        assert!(faults.is_empty(), "{faults:?}");
        let end = self.finish().await;
        assert!(end.is_ok(), "{end:?}");
    }
}

/// Asks for the end of the job `id` of the kind `job`.
async fn cancel(client: &McpClient, job: &str, id: &str) {
    let tool = format!("cancel_{job}");
    client.call(&tool, json!({"job_id": id})).await;
}

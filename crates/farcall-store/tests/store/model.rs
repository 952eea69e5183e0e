//! Random commands to a store and to the reference in memory: both say the same, always.
//!
//! `FARCALL_MODEL_CASES` sets how many sequences are tried. From a thousand on, the test fails where
//! the commands have not brought the stores to say everything that matters.

mod command;
mod lockstep;
mod subject;

use std::{
    cell::RefCell,
    sync::{Arc, Mutex},
};

use farcall_core::clock::ManualClock;
use farcall_store::{JobStore, SqliteStore, conformance::fixture::START};
use proptest::{
    prelude::*,
    test_runner::{TestError, TestRunner},
};

#[cfg(feature = "postgres-tests")]
use self::subject::Postgres;
use self::{
    command::commands,
    lockstep::Both,
    subject::{Sqlite, Subject, in_memory},
};

/// How many sequences of commands are tried where nobody says it.
const CASES: u32 = 2_000;

/// A server takes several times longer than a file in memory: two minutes for these on two busy
/// cores, six for as many as above.
#[cfg(feature = "postgres-tests")]
const CASES_OF_POSTGRES: u32 = 800;

#[test]
fn sqlite_does_what_the_reference_does() {
    let folder = in_memory();
    runtime().block_on(async {
        let clock = Arc::new(ManualClock::at(START));
        let store = SqliteStore::open_careless(folder.path(), clock).await;
        store.unwrap().close().await;
    });
    let empty = folder.path().join("jobs.sqlite3");
    hold_against_the_reference(CASES, async || Sqlite::open(&empty).await);
}

#[cfg(feature = "postgres-tests")]
#[test]
fn postgres_does_what_the_reference_does() {
    hold_against_the_reference(CASES_OF_POSTGRES, Postgres::open);
}

/// Tries many sequences of commands, each on a store that `open` makes.
fn hold_against_the_reference<S: Subject>(cases: u32, open: impl AsyncFn() -> S + Sync) {
    let cases = std::env::var("FARCALL_MODEL_CASES").map_or(cases, |cases| cases.parse().unwrap());
    let (open, seen) = (&open, &Seen::default());
    // A store has threads of its own, but waits for them most of the time.
    std::thread::scope(|scope| {
        let halves = [cases / 2, cases.div_ceil(2)];
        let halves = halves.map(|cases| scope.spawn(move || try_some(cases, open, seen)));
        for half in halves {
            half.join()
                .unwrap()
                .unwrap_or_else(|found| panic!("{found}"));
        }
    });
    if cases >= 1_000 {
        let missing = seen.0.lock().unwrap().clone();
        assert!(missing.is_empty(), "nobody said {missing:?}");
    }
}

/// What must have been said before the commands are believed to reach everything; what was said
/// is taken out.
struct Seen(Mutex<Vec<&'static str>>);

impl Default for Seen {
    fn default() -> Self {
        Self(Mutex::new(vec![
            "KeyConflict",
            "StaleClaim",
            "refused",
            "was_there: Some(Key)",
            "was_there: Some(Arguments)",
            "alone: true",
            "counted: true",
            "counted_losses: 2",
            "cancelled: [Fence",
            "suspect_waits: Some",
            "Some(Now(",
            "Some(Requested(",
            "Some(WasOver(",
            "is_asking: true",
            "code: Cancelled",
            "code: Internal",
            "code: QueueTimeout",
            "code: UserError",
            "code: WorkerLost",
            "state: Succeeded",
            "attempt: 4",
            "must not run again",
            "2 times in all",
        ]))
    }
}

impl Seen {
    fn note(&self, text: &str) {
        let mut missing = self.0.lock().unwrap();
        missing.retain(|awaited| !text.contains(awaited));
    }
}

fn try_some<S: Subject>(cases: u32, open: &impl AsyncFn() -> S, seen: &Seen) -> Result<(), String> {
    let mut runner = TestRunner::new(ProptestConfig {
        cases,
        source_file: Some(file!()),
        ..ProptestConfig::default()
    });
    let (runtime, kept) = (runtime(), RefCell::new(None));
    let answer = runner.run(&commands(), |commands| {
        runtime.block_on(async {
            let subject = match kept.take() {
                Some(subject) => subject,
                None => open().await,
            };
            let subject = Both::new(subject, seen).run(commands).await;
            kept.replace(subject.emptied().await);
        });
        Ok(())
    });
    if let Some(subject) = kept.into_inner() {
        runtime.block_on(async { subject.store().close().await });
    }
    answer.map_err(|error| match error {
        TestError::Fail(reason, commands) => format!("{reason}\n{commands:#?}"),
        TestError::Abort(reason) => reason.to_string(),
    })
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

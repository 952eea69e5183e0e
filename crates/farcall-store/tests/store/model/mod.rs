//! Random commands, held against a model that is small enough to be seen to be right.

mod reference;

use std::time::Duration;

use farcall_core::id::JobId;
use farcall_store::{
    Fence, JobStore, Lost, NewJob, Reach, SqliteStore, StoreError, Success, Which,
    conformance::fixture::{
        artifact, checkpoint, claim, employed, failure, locations, names, new_job, outcome, report,
        success, wanted_job, worker_lost,
    },
};
use proptest::prelude::*;

use self::reference::Model;
use crate::suite::open_in;

/// What is asked of both. Jobs are picked by position; `age` is how many claims ago the fence
/// was given.
#[derive(Clone, Debug)]
enum Command {
    Enqueue { name: &'static str, total: u32 },
    Claim(&'static [&'static str], Which),
    Write { job: usize, age: i64, write: Write },
    Cancel(usize),
    Lose,
    GiveUp,
    Reopen,
}

/// What a worker asks.
#[derive(Clone, Debug)]
enum Write {
    Report(u32),
    Checkpoint { stage: u32, file: &'static str },
    Restart { total: u32 },
    Succeed { file: &'static str },
    Fail,
    Release,
    Retry,
}

/// What both answer.
#[derive(Debug, PartialEq)]
enum Answer {
    Done,
    Stale,
    Refused,
    Claimed(Option<(Fence, u32, bool, Option<u32>)>),
    Lost(Vec<Lost>),
    Failed(Vec<JobId>),
}

/// The suite's workers know the second one only.
const NAMES: [&str; 2] = ["encode", "render"];
const FILES: [&str; 3] = ["a.txt", "b.txt", "c.txt"];

fn commands() -> impl Strategy<Value = Vec<Command>> {
    let file = || prop::sample::select(&FILES[..]);
    let write = prop_oneof![
        4 => (0..5_u32).prop_map(Write::Report),
        4 => (0..5_u32, file()).prop_map(|(stage, file)| Write::Checkpoint { stage, file }),
        1 => (0..5_u32).prop_map(|total| Write::Restart { total }),
        2 => file().prop_map(|file| Write::Succeed { file }),
        1 => Just(Write::Fail),
        2 => Just(Write::Release),
        2 => Just(Write::Retry),
    ];
    // Mostly the claim that holds.
    let age = prop_oneof![6 => Just(0), 1 => Just(1), 1 => Just(-1)];
    let known =
        || prop_oneof![3 => Just(&NAMES[..]), 1 => Just(&NAMES[..1]), 1 => Just(&NAMES[1..])];
    let which = prop_oneof![2 => Just(Which::Others), 1 => Just(Which::Suspect)];
    let command = prop_oneof![
        4 => (prop::sample::select(&NAMES[..]), 0..5_u32)
            .prop_map(|(name, total)| Command::Enqueue { name, total }),
        8 => (known(), which).prop_map(|(known, which)| Command::Claim(known, which)),
        14 => (0..4_usize, age, write)
            .prop_map(|(job, age, write)| Command::Write { job, age, write }),
        1 => (0..4_usize).prop_map(Command::Cancel),
        2 => Just(Command::Lose),
        1 => Just(Command::GiveUp),
        1 => Just(Command::Reopen),
    ];
    prop::collection::vec(command, 1..50)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_store_does_what_the_model_does(commands in commands()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(commands));
    }
}

async fn run(commands: Vec<Command>) {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open_in(folder.path()).await.unwrap();
    let mut model = Model::default();
    for command in commands {
        if matches!(command, Command::Reopen) {
            store.close().await;
            store = open_in(folder.path()).await.unwrap();
        }
        let new = new_job();
        let fence = model.fence(&command);
        let expected = model.apply(&command, new.id);
        assert_eq!(
            ask(&store, command.clone(), new, fence).await,
            expected,
            "{command:?}"
        );
        assert_same(&store, &model).await;
    }
    store.close().await;
}

async fn ask(store: &SqliteStore, command: Command, new: NewJob, fence: Option<Fence>) -> Answer {
    match command {
        Command::Enqueue { name, total } => {
            let job = NewJob {
                job: name.to_owned(),
                total_stages: total,
                ..new
            };
            answer(store.enqueue(job).await.map(drop))
        }
        Command::Claim(known, which) => {
            let known: Vec<_> = known.iter().map(|name| wanted_job(name)).collect();
            let claim = claim(store, &known, which).await;
            Answer::Claimed(claim.map(|claim| {
                let stage = claim.checkpoint.map(|checkpoint| checkpoint.stage);
                (claim.fence, claim.attempt, claim.alone, stage)
            }))
        }
        Command::Write { write, .. } => match fence {
            Some(fence) => answer(ask_as_worker(store, fence, write).await),
            None => Answer::Done,
        },
        Command::Cancel(_) => match fence {
            Some(fence) => answer(store.cancel(fence.id, Reach::All).await.map(drop)),
            None => Answer::Done,
        },
        Command::Lose => Answer::Lost(worker_lost(store).await),
        Command::GiveUp => {
            employed(store).await;
            Answer::Failed(store.give_up(Duration::ZERO).await.unwrap())
        }
        Command::Reopen => Answer::Done,
    }
}

async fn ask_as_worker(store: &SqliteStore, fence: Fence, write: Write) -> Result<(), StoreError> {
    let made = |file| vec![artifact(file, &format!("{}/{file}", fence.epoch))];
    match write {
        Write::Report(stage) => store.report(fence, report(stage)).await,
        Write::Checkpoint { stage, file } => {
            store.checkpoint(fence, checkpoint(stage), made(file)).await
        }
        Write::Restart { total } => store.restart(fence, total, "f2".to_owned()).await,
        Write::Succeed { file } => {
            let success = Success {
                artifacts: made(file),
                ..success()
            };
            store.succeed(fence, success).await
        }
        Write::Fail => store.fail(fence, failure()).await,
        Write::Release => store.release(fence).await,
        Write::Retry => store.retry(fence, Duration::ZERO, String::new()).await,
    }
}

fn answer(result: Result<(), StoreError>) -> Answer {
    match result {
        Ok(()) => Answer::Done,
        Err(StoreError::StaleClaim) => Answer::Stale,
        Err(StoreError::Refused { .. }) => Answer::Refused,
        Err(error) => panic!("{error:?}"),
    }
}

async fn assert_same(store: &SqliteStore, model: &Model) {
    for job in &model.jobs {
        let found = outcome(store, job.id).await;
        let record = &found.record;
        assert_eq!(
            (record.state, record.stage, record.total_stages),
            (job.state, job.stage, job.total),
        );
        assert_eq!(
            (record.attempt, record.losses, record.counted_losses),
            (job.attempt, job.losses, job.counted),
        );
        assert_eq!(record.cancel_requested, job.is_cancelled);
        assert_eq!(record.error.as_ref().map(|error| error.code), job.error);
        assert_eq!(record.started_at.is_some(), job.epoch > 0);
        assert_eq!(names(&found.artifacts), job.published());
        assert_eq!(locations(store, job.id).await, job.locations());
    }
}

//! Random commands, held against a model that is small enough to be seen to be right.

mod reference;

use farcall_core::id::JobId;
use farcall_store::{
    Fence, JobStore, NewJob, Recovered, SqliteStore, StoreError, Success,
    conformance::fixture::{
        END, EXPIRY, START, artifact, checkpoint, failure, names, new_job, outcome, report, success,
    },
};
use proptest::prelude::*;

use self::reference::Model;

/// What is asked of both. Jobs are picked by position; `age` is how many claims ago the fence
/// was given.
#[derive(Clone, Debug)]
enum Command {
    Enqueue { name: &'static str, total: u32 },
    Claim(&'static [&'static str]),
    Write { job: usize, age: i64, write: Write },
    Recover { max_losses: u32 },
    FailOrphans(&'static [&'static str]),
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
}

/// What both answer.
#[derive(Debug, PartialEq)]
enum Answer {
    Done,
    Stale,
    Refused,
    Claimed(Option<(Fence, u32, Option<u32>)>),
    Recovered(Recovered),
    Failed(Vec<JobId>),
}

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
    ];
    // Mostly the claim that holds.
    let age = prop_oneof![6 => Just(0), 1 => Just(1), 1 => Just(-1)];
    let known =
        || prop_oneof![3 => Just(&NAMES[..]), 1 => Just(&NAMES[..1]), 1 => Just(&NAMES[1..])];
    let command = prop_oneof![
        4 => (prop::sample::select(&NAMES[..]), 0..5_u32)
            .prop_map(|(name, total)| Command::Enqueue { name, total }),
        6 => known().prop_map(Command::Claim),
        14 => (0..4_usize, age, write)
            .prop_map(|(job, age, write)| Command::Write { job, age, write }),
        1 => (1..4_u32).prop_map(|max_losses| Command::Recover { max_losses }),
        1 => known().prop_map(Command::FailOrphans),
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
    let mut store = SqliteStore::open(folder.path()).await.unwrap();
    let mut model = Model::default();
    for command in commands {
        if matches!(command, Command::Reopen) {
            store.close().await;
            store = SqliteStore::open(folder.path()).await.unwrap();
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
    let owned = |names: &[&str]| {
        names
            .iter()
            .map(|&name| name.to_owned())
            .collect::<Vec<_>>()
    };
    match command {
        Command::Enqueue { name, total } => {
            let job = NewJob {
                job: name.to_owned(),
                total_stages: total,
                ..new
            };
            answer(store.enqueue(job).await)
        }
        Command::Claim(known) => {
            let claim = store.claim(&owned(known), START).await.unwrap();
            Answer::Claimed(claim.map(|claim| {
                (
                    claim.fence,
                    claim.attempt,
                    claim.checkpoint.map(|checkpoint| checkpoint.stage),
                )
            }))
        }
        Command::Write { write, .. } => match fence {
            Some(fence) => answer(ask_as_worker(store, fence, write).await),
            None => Answer::Done,
        },
        Command::Recover { max_losses } => {
            Answer::Recovered(store.recover(max_losses, END, EXPIRY).await.unwrap())
        }
        Command::FailOrphans(known) => Answer::Failed(
            store
                .fail_orphans(&owned(known), END, EXPIRY)
                .await
                .unwrap(),
        ),
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
            store
                .succeed(
                    fence,
                    Success {
                        artifacts: made(file),
                        ..success()
                    },
                )
                .await
        }
        Write::Fail => store.fail(fence, failure()).await,
        Write::Release => store.release(fence).await,
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
            (
                record.state,
                record.stage,
                record.total_stages,
                record.attempt,
                record.losses
            ),
            (job.state, job.stage, job.total, job.attempt, job.losses),
        );
        assert_eq!(record.error.as_ref().map(|error| error.code), job.error);
        assert_eq!(record.started_at.is_some(), job.epoch > 0);
        assert_eq!(names(&found.artifacts), job.published());
    }
    assert_eq!(store.unfinished().await.unwrap(), model.unfinished());
    let mut locations = store.artifact_locations().await.unwrap();
    locations.sort();
    assert_eq!(locations, model.locations());
}

//! What is special about files, folders and several connections.

use std::{
    collections::HashSet, os::unix::fs::PermissionsExt, path::Path, sync::Arc, time::Duration,
};

use farcall_core::{clock::ManualClock, job::state::JobState, problem::ErrorCode};
use farcall_store::{
    Cancelled, Fence, JobStore, NewJob, Reach, SqliteStore, StoreError, Wanted, Which,
    conformance::{
        RawDatabase,
        fixture::{
            LEASE, START, checkpoint, claim, claimed, employed, enqueued, known, new_job, outcome,
            record, report, running, secrets, standing, success, unique_id,
        },
    },
};
use tokio::task::JoinSet;

use crate::suite::{Raw, open_in};

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn folder_and_files_are_for_their_owner_only() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("a/b");
    let store = open_in(&folder).await.unwrap();
    enqueued(&store).await;
    assert_eq!(mode(&folder), 0o700);
    for name in [
        "jobs.sqlite3",
        "jobs.sqlite3-wal",
        "jobs.sqlite3-shm",
        "lock",
    ] {
        assert_eq!(mode(&folder.join(name)), 0o600, "{name}");
    }
}

#[tokio::test]
async fn everything_survives_a_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let mut before = Vec::new();
    let store = open_in(folder.path()).await.unwrap();
    for state in [
        JobState::Succeeded,
        JobState::Failed,
        JobState::Running,
        JobState::Queued,
    ] {
        let id = standing(&store, state).await;
        before.push(outcome(&store, id).await);
    }
    store.make_secret("links", [7; 32]).await.unwrap();
    store.close().await;
    assert!(
        !folder.path().join("jobs.sqlite3-wal").exists(),
        "the log was not moved"
    );

    let store = open_in(folder.path()).await.unwrap();
    for before in before {
        assert_eq!(outcome(&store, before.record.id).await, before);
    }
    assert_eq!(secrets(&store, "links").await, [[7; 32]]);
    // Whoever ran it cannot be alive.
    let lost = store.rescue(&[]).await.unwrap();
    assert_eq!(lost.len(), 1);
    let again = claim(&store, &known(), Which::Suspect).await.unwrap();
    assert_eq!(again.checkpoint, Some(checkpoint(2)));
}

#[tokio::test]
async fn a_folder_in_use_is_refused_until_it_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let first = open_in(folder.path()).await.unwrap();
    let error = open_in(folder.path()).await.unwrap_err();
    assert!(matches!(&error, StoreError::Locked { folder: named } if named == folder.path()));
    assert!(
        error.to_string().contains("is in use by another farcall"),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("FARCALL_DATA_DIR"));
    // The refused one has taken nothing from the first.
    enqueued(&first).await;

    first.close().await;
    let second = open_in(folder.path()).await.unwrap();
    drop(second);
    // Its last write may still be on the way.
    let free = async {
        while open_in(folder.path()).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    let limit = Duration::from_secs(10);
    tokio::time::timeout(limit, free).await.unwrap();
}

/// `farcall jobs` beside a running server.
#[tokio::test]
async fn another_process_may_look_and_cancel_beside_the_one_that_has_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let attach = async || {
        let clock = Arc::new(ManualClock::at(START));
        SqliteStore::attach(folder.path(), clock).await
    };
    let error = attach().await.unwrap_err();
    assert!(matches!(error, StoreError::NoStore { .. }), "{error:?}");
    // Nothing was made by looking, also not of a database that somebody has just begun.
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    let file = folder.path().join("jobs.sqlite3");
    std::fs::File::create(&file).unwrap();
    let error = attach().await.unwrap_err();
    assert!(matches!(error, StoreError::NoStore { .. }), "{error:?}");
    assert_eq!(file.metadata().unwrap().len(), 0);

    let store = open_in(folder.path()).await.unwrap();
    let fence = running(&store).await;
    let beside = attach().await.unwrap();
    assert_eq!(
        record(&beside, fence.id).await,
        record(&store, fence.id).await
    );
    // No lease is over for it, however long its own process is there.
    assert!(beside.workers().await.unwrap()[0].is_live);
    assert_eq!(beside.rescue(&[]).await.unwrap(), []);
    let cancelled = beside.cancel(fence.id, Reach::All).await.unwrap();
    assert!(matches!(cancelled, Some(Cancelled::Requested(_))));
    let queued = enqueued(&beside).await;
    beside.close().await;

    let worker = employed(&store).await;
    assert_eq!(store.beat(worker, LEASE).await.unwrap().cancelled, [fence]);
    assert_eq!(claimed(&store).await.fence.id, queued);
    store.close().await;

    let raw = Raw::open(folder.path()).await;
    let older = "DELETE FROM _sqlx_migrations WHERE version > 1 AND $1 = $1";
    assert!(raw.execute(older, fence.id).await.unwrap() > 0);
    let error = attach().await.unwrap_err();
    assert!(
        matches!(error, StoreError::OlderSchema { version: 1 }),
        "{error:?}"
    );
}

/// Moving the log would keep it from writing.
#[tokio::test]
async fn whoever_looked_leaves_the_log_to_the_process_that_has_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_in(folder.path()).await.unwrap();
    let queued = enqueued(&store).await;
    let log = folder.path().join("jobs.sqlite3-wal");
    let before = log.metadata().unwrap().len();
    assert!(before > 0);
    let clock = Arc::new(ManualClock::at(START));
    let beside = SqliteStore::attach(folder.path(), clock).await.unwrap();
    record(&beside, queued).await;
    beside.close().await;
    assert_eq!(log.metadata().unwrap().len(), before);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_that_write_wait_for_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_in(folder.path()).await.unwrap();
    let clock = Arc::new(ManualClock::at(START));
    let beside = SqliteStore::attach(folder.path(), clock).await.unwrap();
    let stores = [Arc::new(store), Arc::new(beside)];
    let mut writers = JoinSet::new();
    for number in 0..40 {
        let store = Arc::clone(&stores[number % 2]);
        writers.spawn(async move { enqueued(store.as_ref()).await });
    }
    let written: HashSet<_> = writers.join_all().await.into_iter().collect();
    let ids: Vec<_> = written.iter().copied().collect();
    for store in stores {
        assert_eq!(store.records(&ids).await.unwrap().len(), 40);
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    std::fs::File::create(&file).unwrap();
    let error = open_in(&file.join("data")).await.unwrap_err();
    assert!(matches!(error, StoreError::Folder { .. }), "{error:?}");
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_in(folder.path()).await.unwrap();
    let id = enqueued(&store).await;
    store.close().await;
    let raw = Raw::open(folder.path()).await;
    let later = "INSERT INTO _sqlx_migrations (version, description, success, checksum,
                                               execution_time)
                 SELECT 9999, 'later', 1, x'00', 0 FROM jobs WHERE id = $1";
    assert_eq!(raw.execute(later, id).await, Ok(1));

    let error = open_in(folder.path()).await.unwrap_err();
    assert!(
        matches!(error, StoreError::NewerSchema { version: 9999 }),
        "{error:?}"
    );
    assert!(error.to_string().contains("`9999`"), "{error}");
    let clock = Arc::new(ManualClock::at(START));
    let beside = SqliteStore::attach(folder.path(), clock).await;
    let error = beside.unwrap_err();
    assert!(
        matches!(error, StoreError::NewerSchema { version: 9999 }),
        "{error:?}"
    );

    let undo = "DELETE FROM _sqlx_migrations WHERE version = 9999 AND $1 = $1";
    assert_eq!(raw.execute(undo, id).await, Ok(1));
    let store = open_in(folder.path()).await.unwrap();
    assert!(store.record(id, Reach::All).await.unwrap().is_some());
}

#[tokio::test]
async fn a_migration_that_was_changed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_in(folder.path()).await.unwrap();
    store.close().await;
    let raw = Raw::open(folder.path()).await;
    let change = "UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 1 AND $1 = $1";
    assert_eq!(raw.execute(change, unique_id()).await, Ok(1));
    let error = open_in(folder.path()).await.unwrap_err();
    assert!(matches!(error, StoreError::Migration(_)), "{error:?}");
}

/// A statement that inserts a sound job with these values of `sequence, id, idem_key`.
macro_rules! replacing {
    ($values:literal) => {
        concat!(
            "INSERT OR REPLACE INTO jobs (
                sequence, id, idem_key, owner, job, fingerprint, state, rank, priority, run_at,
                suspect, alone, epoch, attempt, losses, counted_losses, restarts, max_losses,
                stage, total_stages, message, is_asking, created_at, updated_at, keep_ms,
                args_hash, can_ask)
             SELECT ",
            $values,
            ", owner, job, fingerprint, 'queued', 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 3, 'm', 0,
                1, 1, 1, args_hash, 0
             FROM jobs WHERE id = $1"
        )
    };
}

#[tokio::test]
async fn replacing_is_no_way_around_the_rules() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_in(folder.path()).await.unwrap();
    let raw = Raw::open(folder.path()).await;
    let keyed = NewJob {
        key: Some("k".to_owned()),
        ..new_job()
    };
    let id = store.enqueue(keyed).await.unwrap().record.id;
    let fence = claimed(&store).await.fence;
    store.succeed(fence, success()).await.unwrap();
    let before = outcome(&store, id).await;
    for statement in [
        replacing!("NULL, id, NULL"),
        replacing!("sequence, 'ffffffffffffffffffffffffffffffff', NULL"),
        replacing!("NULL, 'ffffffffffffffffffffffffffffffff', idem_key"),
        "INSERT OR REPLACE INTO arguments (job, value)
         SELECT sequence, '{}' FROM jobs WHERE id = $1",
        "UPDATE OR IGNORE jobs SET state = 'queued' WHERE id = $1",
        "UPDATE OR REPLACE jobs SET message = 'other' WHERE id = $1",
    ] {
        let answer = raw.execute(statement, id).await;
        assert!(!matches!(answer, Ok(1..)), "{statement}: {answer:?}");
        assert_eq!(outcome(&store, id).await, before, "{statement}");
    }
}

#[tokio::test]
async fn replacing_a_checkpoint_does_not_take_it_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_in(folder.path()).await.unwrap();
    let raw = Raw::open(folder.path()).await;
    let id = standing(&store, JobState::Running).await;
    for statement in [
        "INSERT OR REPLACE INTO checkpoints (job, stage, value)
         SELECT sequence, 1, '1' FROM jobs WHERE id = $1",
        "INSERT OR REPLACE INTO checkpoints (job, stage, value)
         SELECT sequence, 4, '1' FROM jobs WHERE id = $1",
    ] {
        let answer = raw.execute(statement, id).await;
        assert!(answer.is_err(), "{statement}: {answer:?}");
    }
    store.release(Fence { id, epoch: 2 }).await.unwrap();
    assert_eq!(claimed(&store).await.checkpoint, Some(checkpoint(2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_workers_on_four_threads_take_each_job_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open_in(folder.path()).await.unwrap());
    let mut waiting = HashSet::new();
    for _ in 0..100 {
        waiting.insert(enqueued(store.as_ref()).await);
    }
    let worker = employed(store.as_ref()).await;
    let mut workers = JoinSet::new();
    for _ in 0..64 {
        let store = Arc::clone(&store);
        workers.spawn(async move {
            let mut taken = Vec::new();
            let wanted = Wanted {
                worker,
                programs: &known(),
                which: Which::Others,
                limit: 1,
                adopt_after: Duration::ZERO,
            };
            while let Some(claim) = store.claim(wanted).await.unwrap().pop() {
                store.report(claim.fence, report(1)).await.unwrap();
                taken.push(claim.fence.id);
            }
            taken
        });
    }
    let taken = workers.join_all().await.concat();
    assert_eq!(taken.len(), 100);
    assert_eq!(taken.into_iter().collect::<HashSet<_>>(), waiting);
}

#[tokio::test]
async fn a_write_that_is_given_up_half_way_leaves_the_writer_free() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_in(folder.path()).await.unwrap();
    let fence = running(&store).await;
    for polls in 0..40 {
        let checkpoint = checkpoint(1);
        let write = store.checkpoint(fence, checkpoint, vec![]);
        give_up_after(polls, write).await;
        store.report(fence, report(1)).await.unwrap();
    }
    store
        .fail(fence, farcall_store::conformance::fixture::failure())
        .await
        .unwrap();
}

/// Polls `future` a few times and drops it, as a cancelled call would.
async fn give_up_after(polls: u32, future: impl Future) {
    let mut future = Box::pin(future);
    for _ in 0..polls {
        let poll = std::future::poll_fn(|context| {
            std::task::Poll::Ready(future.as_mut().poll(context).is_ready())
        });
        if poll.await {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn only_a_full_disk_is_told_to_the_caller() {
    assert_eq!(StoreError::StaleClaim.problem().code(), ErrorCode::Internal);
    let full = StoreError::Full(sqlx::Error::PoolTimedOut).problem();
    assert_eq!(full.code(), ErrorCode::StorageFull);
    assert!(full.cause().is_some());
    let locked = StoreError::Locked {
        folder: "/srv/secret".into(),
    }
    .problem();
    assert!(
        !locked.public_message().contains("/srv"),
        "{}",
        locked.public_message()
    );
}

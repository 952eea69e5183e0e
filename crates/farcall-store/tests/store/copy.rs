//! Copies of a store that is in use.

use std::{os::unix::fs::PermissionsExt, path::Path, sync::Arc};

use farcall_core::{
    clock::{ManualClock, Timestamp},
    id::JobId,
    job::state::JobState,
    question::Question,
};
use farcall_store::{
    Fence, JobStore, Reach, SqliteStore, StoreError, Volume, Which,
    conformance::fixture::{
        KEPT, START, artifact, checkpoint, claim, claimed, employed, enqueued, known, names,
        new_job, outcome, record, report, running, secrets, standing, success, worker_lost,
    },
};
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::suite::open_in;

/// A store, and a process beside it that copies.
struct Rig {
    folder: TempDir,
    clock: Arc<ManualClock>,
    store: SqliteStore,
}

impl Rig {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(START));
        let store = SqliteStore::open(folder.path(), clock.clone());
        Self {
            store: store.await.unwrap(),
            folder,
            clock,
        }
    }

    /// Copies into `folder`, and says what is in it.
    async fn copied_to(&self, folder: &Path) -> (Volume, Vec<String>) {
        let beside = SqliteStore::attach(self.folder.path(), self.clock.clone());
        let beside = beside.await.unwrap();
        let copy = beside.copy(folder, || true).await.unwrap();
        let mut copy = copy.unwrap();
        let mut files = Vec::new();
        loop {
            let more = copy.next_files().await.unwrap();
            if more.is_empty() {
                break;
            }
            files.extend(more.into_iter().map(|file| file.artifact.location));
        }
        let volume = copy.volume().await.unwrap();
        copy.close(folder).await.unwrap();
        beside.close().await;
        (volume, files)
    }

    /// A server's store on a copy.
    async fn restored(&self) -> (SqliteStore, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        self.copied_to(folder.path()).await;
        (open_in(folder.path()).await.unwrap(), folder)
    }
}

#[tokio::test]
async fn what_is_over_is_in_a_copy_as_it_was() {
    let rig = Rig::new().await;
    let store = &rig.store;
    let (good, bad) = (
        standing(store, JobState::Succeeded).await,
        standing(store, JobState::Failed).await,
    );
    let keyed = farcall_store::NewJob {
        key: Some("k".to_owned()),
        ..new_job()
    };
    let keyed = store.enqueue(keyed).await.unwrap().record.id;
    store.make_secret("links", [7; 32]).await.unwrap();

    let folder = tempfile::tempdir().unwrap();
    let (volume, files) = rig.copied_to(folder.path()).await;
    assert_eq!(files, ["1/notes.txt", "1/film.gif"]);
    let counts = (volume.jobs, volume.unfinished, volume.files);
    assert_eq!((counts, volume.file_bytes), ((3, 1, 2), 6));
    let expected = Volume {
        record_bytes: volume.record_bytes,
        ..rig.store.volume().await.unwrap()
    };
    assert_eq!(volume, expected);

    let file = folder.path().join("jobs.sqlite3");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(
        folder.path().read_dir().unwrap().count(),
        1,
        "it is one file"
    );
    let copy = open_in(folder.path()).await.unwrap();
    for id in [good, bad, keyed] {
        assert_eq!(outcome(&copy, id).await, outcome(store, id).await);
        assert_eq!(
            copy.order(id).await.unwrap(),
            store.order(id).await.unwrap()
        );
    }
    assert_eq!(secrets(&copy, "links").await, [[7; 32]]);
}

/// What a job has on its way, of which nothing may be left: its folder is not in the copy.
async fn midway(store: &dyn JobStore) -> Fence {
    let fence = running(store).await;
    let log = vec!["a line".to_owned()];
    let told = farcall_store::Report { log, ..report(1) };
    store.report(fence, told).await.unwrap();
    let staged = vec![artifact("notes.txt", "1/notes.txt")];
    store
        .checkpoint(fence, checkpoint(2), staged)
        .await
        .unwrap();
    let question = [("size".to_owned(), Question::form("?"))];
    store.ask(fence, &question).await.unwrap();
    let answer = [("size".to_owned(), json!(1))].into();
    store.answer(fence.id, Reach::All, &answer).await.unwrap();
    fence
}

/// Claims `id` in a copy, and sees that it begins from zero with nothing counted.
async fn begins_again(copy: &dyn JobStore, id: JobId, attempt: u32) {
    let there = record(copy, id).await;
    assert_eq!((there.state, there.stage), (JobState::Queued, 0));
    assert_eq!(there.worker, None);
    let claim = match claim(copy, &known(), Which::Others).await {
        Some(claim) => claim,
        None => claimed(copy).await,
    };
    assert_eq!((claim.fence.id, claim.checkpoint), (id, None));
    assert_eq!(claim.attempt, attempt);
    assert_eq!(copy.staged(claim.fence).await.unwrap(), []);
    // The question of before is forgotten, and its answer.
    let question = [("size".to_owned(), Question::form("?"))];
    let answers = copy.ask(claim.fence, &question).await.unwrap();
    assert!(answers.is_empty());
    copy.report(claim.fence, report(1)).await.unwrap();
    assert_eq!(record(copy, id).await.stage, 1);
    copy.succeed(claim.fence, success()).await.unwrap();
    assert_eq!(names(&outcome(copy, id).await.artifacts), ["film.gif"]);
    let log = copy.log(id, Reach::All, 1, 9).await.unwrap().unwrap();
    assert_eq!(log.lines.len(), 1, "what it said stays");
}

#[tokio::test]
async fn what_runs_begins_again_and_nothing_is_counted() {
    let rig = Rig::new().await;
    let fence = midway(&rig.store).await;
    let before = record(&rig.store, fence.id).await;
    let (copy, _folder) = rig.restored().await;
    assert_eq!(copy.workers().await.unwrap(), []);
    let waits = record(&copy, fence.id).await;
    assert_eq!((waits.losses, waits.message.as_str()), (0, "queued"));
    assert_eq!(waits.started_at, before.started_at);
    begins_again(&copy, fence.id, 1).await;
    // The one that was copied has gone on meanwhile.
    assert_eq!(record(&rig.store, fence.id).await, before);
}

#[tokio::test]
async fn what_waits_with_a_checkpoint_begins_again_as_well() {
    let rig = Rig::new().await;
    let released = midway(&rig.store).await;
    rig.store.release(released).await.unwrap();
    let (copy, _folder) = rig.restored().await;
    begins_again(&copy, released.id, 1).await;
    copy.close().await;

    // A second try is still one, and is not made early.
    let fence = claimed(&rig.store).await.fence;
    let message = "attempt 1 failed: no such scene".to_owned();
    let retried = rig.store.retry(fence, KEPT, message.clone());
    retried.await.unwrap();
    let (copy, _folder) = rig.restored().await;
    let waits = record(&copy, fence.id).await;
    assert_eq!((waits.attempt, waits.message), (1, message));
    assert_eq!(waits.run_at, record(&rig.store, fence.id).await.run_at);
    assert_eq!(claim(&copy, &known(), Which::Others).await, None);
}

#[tokio::test]
async fn a_suspect_stays_one_and_is_no_nearer_to_its_end() {
    let rig = Rig::new().await;
    let fence = midway(&rig.store).await;
    worker_lost(&rig.store).await;
    let again = claimed(&rig.store).await;
    assert!(again.alone);
    let (copy, _folder) = rig.restored().await;
    let waits = record(&copy, fence.id).await;
    assert_eq!((waits.losses, waits.counted_losses), (1, 0));
    assert_eq!(claim(&copy, &known(), Which::Others).await, None);
    begins_again(&copy, fence.id, 2).await;
}

#[tokio::test]
async fn what_has_no_way_behind_it_is_left_alone() {
    let rig = Rig::new().await;
    let queued = enqueued(&rig.store).await;
    let before = rig.store.details(queued).await.unwrap();
    let (copy, _folder) = rig.restored().await;
    assert_eq!(copy.details(queued).await.unwrap(), before);
}

#[tokio::test]
async fn what_was_told_to_stop_has_stopped_and_what_has_expired_is_gone() {
    let rig = Rig::new().await;
    let expired = standing(&rig.store, JobState::Succeeded).await;
    rig.clock.advance(u32::try_from(KEPT.as_millis()).unwrap());
    employed(&rig.store).await;
    let fence = midway(&rig.store).await;
    rig.store.cancel(fence.id, Reach::All).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (volume, files) = rig.copied_to(folder.path()).await;
    assert_eq!((volume.jobs, volume.files, files.len()), (1, 0, 0));
    // On a clock on which it has not expired.
    let copy = open_in(folder.path()).await.unwrap();
    assert_eq!(copy.record(expired, Reach::All).await.unwrap(), None);
    let stopped = record(&copy, fence.id).await;
    let error = stopped.error.unwrap();
    assert_eq!(error.code.as_str(), "cancelled");
    assert_eq!(stopped.expires_at, Some(Timestamp(START.0 + 2 * 8_000)));
}

#[tokio::test]
async fn a_folder_that_has_a_store_is_not_written_over() {
    let rig = Rig::new().await;
    let queued = enqueued(&rig.store).await;
    let beside = SqliteStore::attach(rig.folder.path(), rig.clock.clone());
    let beside = beside.await.unwrap();
    let error = beside.copy(rig.folder.path(), || true).await.unwrap_err();
    assert!(matches!(error, StoreError::Database(_)), "{error:?}");
    record(&rig.store, queued).await;
    let error = beside
        .copy(Path::new("/nowhere"), || true)
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Folder { .. }), "{error:?}");
}

#[tokio::test]
async fn a_copy_that_is_not_wanted_any_more_is_over_at_once_and_another_can_be_made() {
    let rig = Rig::new().await;
    for _ in 0..50 {
        enqueued(&rig.store).await;
    }
    let beside = SqliteStore::attach(rig.folder.path(), rig.clock.clone());
    let beside = beside.await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let copy = beside.copy(folder.path(), || false).await.unwrap();
    assert!(copy.is_none());
    folder.close().unwrap();
    let (volume, _) = rig.copied_to(tempfile::tempdir().unwrap().path()).await;
    assert_eq!(volume.jobs, 50);
}

/// Whoever is answered before a copy is begun is in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_copy_is_of_one_moment_while_others_write() {
    let rig = Rig::new().await;
    let store = Arc::new(rig.store);
    let mut writers = JoinSet::new();
    for _ in 0..4 {
        let store = Arc::clone(&store);
        writers.spawn(async move {
            for _ in 0..50 {
                enqueued(store.as_ref()).await;
            }
        });
    }
    employed(store.as_ref()).await;
    let beside = SqliteStore::attach(rig.folder.path(), rig.clock.clone());
    let beside = beside.await.unwrap();
    for _ in 0..5 {
        let answered = enqueued(store.as_ref()).await;
        let folder = tempfile::tempdir().unwrap();
        let copy = beside.copy(folder.path(), || true).await.unwrap();
        let copy = copy.unwrap();
        copy.close(folder.path()).await.unwrap();
        let copy = open_in(folder.path()).await.unwrap();
        assert!(copy.record(answered, Reach::All).await.unwrap().is_some());
        assert!(claim(&copy, &known(), Which::Others).await.is_some());
        copy.close().await;
    }
    writers.join_all().await;
}

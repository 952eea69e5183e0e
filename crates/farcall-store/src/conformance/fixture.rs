//! Jobs for the suite, and the ways to bring them somewhere.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    time::Duration,
};

use farcall_core::{
    JsonObject, allowance::ToolAllowance, artifact::Artifact, clock::Timestamp, id::JobId,
    job::state::JobState, principal::Scope, problem::ErrorCode, question::Askable,
    trace::TraceParent,
};
use serde_json::json;

use crate::{
    CallerName, Checkpoint, Claim, Fence, JobError, JobRecord, JobStore, Lost, NewJob, NewToken,
    NewWorker, Outcome, Reach, Report, Rights, Success, Terms, TokenId, Wanted, WantedJob, Which,
    WorkerId,
};

/// Where the store's clock stands at the beginning of each sentence.
pub const START: Timestamp = Timestamp(1_000_000);

/// The live secrets called `name`, newest first.
pub async fn secrets(store: &dyn JobStore, name: &str) -> Vec<[u8; 32]> {
    let read = store.secrets(name).await.unwrap();
    read.live.iter().map(|secret| secret.value).collect()
}

/// How long the jobs of the suite are kept.
pub const KEPT: Duration = Duration::from_secs(8);

/// Until when a job is kept that ended at [`START`].
pub const EXPIRY: Timestamp = Timestamp(1_008_000);

/// The lease of the suite's workers.
pub const LEASE: Duration = Duration::from_secs(30);

fn fresh_bits() -> [u8; 16] {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let number = LAST.fetch_add(1, Ordering::Relaxed);
    // The oldest job must not always have the smallest id.
    let process = u128::from(std::process::id()) << 64;
    (process | u128::from(number.reverse_bits())).to_be_bytes()
}

/// An id that no other call returns, nor one in a process that shares the folder.
pub fn unique_id() -> JobId {
    JobId::from_random(fresh_bits())
}

/// A job called `render`, with three stages.
pub fn new_job() -> NewJob {
    NewJob {
        id: unique_id(),
        owner: "alice".to_owned(),
        job: "render".to_owned(),
        arguments: JsonObject::from_iter([("frames".to_owned(), json!(48))]),
        total_stages: 3,
        fingerprint: "f1".to_owned(),
        terms: Terms {
            priority: 0,
            keep_for: KEPT,
            queue_timeout: None,
            max_losses: 2,
        },
        key: None,
        args_hash: [0xab; 32],
        unique_for: None,
        can_ask: Askable::NOBODY,
        max_open: None,
        trace: TraceParent::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    }
}

/// A worker that knows the job `render`.
pub fn new_worker() -> NewWorker {
    NewWorker {
        id: WorkerId::from_random(fresh_bits()),
        host: "here".to_owned(),
        identity: "boot/7".to_owned(),
        programs: BTreeMap::from([("render".to_owned(), "f1".to_owned())]),
        slots: BTreeMap::from([("gpu".to_owned(), 1)]),
    }
}

/// A declaration that a worker can take jobs of.
pub fn wanted_job(name: &str) -> WantedJob {
    WantedJob {
        name: name.to_owned(),
        fingerprint: "f1".to_owned(),
        concurrency: None,
    }
}

/// What the suite's workers know.
pub fn known() -> Vec<WantedJob> {
    vec![wanted_job("render")]
}

/// An artifact whose bytes are at `location`.
pub fn artifact(name: &str, location: &str) -> Artifact {
    Artifact::new(name, "text/plain", 3, "ab".repeat(32), location)
}

/// The checkpoint after `stage` stages; the second leaves something in the work folder.
pub fn checkpoint(stage: u32) -> Checkpoint {
    Checkpoint {
        stage,
        value: json!({"finished": stage}),
        work: (stage == 2).then(|| "ab".repeat(16)),
    }
}

/// A report of `stage`.
pub fn report(stage: u32) -> Report {
    Report {
        stage,
        message: format!("[{stage}/3] working"),
        progress: Some(0.5),
        log: Vec::new(),
    }
}

/// A success with a value and one more artifact.
pub fn success() -> Success {
    Success {
        value: Some(json!({"frames": 48})),
        artifacts: vec![artifact("film.gif", "1/film.gif")],
    }
}

/// A failure of the program.
pub fn failure() -> JobError {
    JobError {
        code: ErrorCode::UserError,
        message: "no such scene".to_owned(),
    }
}

/// Accepts [`new_job`].
pub async fn enqueued(store: &dyn JobStore) -> JobId {
    let job = new_job();
    let id = job.id;
    store.enqueue(job).await.unwrap();
    id
}

/// The worker whose lease holds; a new one where there is none.
pub async fn employed(store: &dyn JobStore) -> WorkerId {
    let workers = store.workers().await.unwrap();
    if let Some(live) = workers.into_iter().find(|worker| worker.is_live) {
        return live.worker.id;
    }
    let worker = new_worker();
    let id = worker.id;
    store.register(worker, LEASE).await.unwrap();
    id
}

/// Claims one job of `which` for the [`employed`] worker.
pub async fn claim(store: &dyn JobStore, programs: &[WantedJob], which: Which) -> Option<Claim> {
    let wanted = Wanted {
        worker: employed(store).await,
        programs,
        which,
        limit: 1,
        adopt_after: Duration::ZERO,
    };
    store.claim(wanted).await.unwrap().pop()
}

/// Claims the best job; where there is none, one that has lost its worker.
pub async fn claimed(store: &dyn JobStore) -> Claim {
    match claim(store, &known(), Which::Others).await {
        Some(claim) => claim,
        None => claim(store, &known(), Which::Suspect)
            .await
            .expect("a job is queued"),
    }
}

/// Sees that no job can be claimed.
pub async fn nothing_to_claim(store: &dyn JobStore) {
    for which in [Which::Others, Which::Suspect] {
        assert_eq!(claim(store, &known(), which).await, None);
    }
}

/// Declares the [`employed`] worker lost.
pub async fn worker_lost(store: &dyn JobStore) -> Vec<Lost> {
    let worker = employed(store).await;
    store.rescue(&[worker]).await.unwrap()
}

/// Accepts a job and claims it, where no other is queued.
pub async fn running(store: &dyn JobStore) -> Fence {
    let id = enqueued(store).await;
    let claim = claimed(store).await;
    assert_eq!(claim.fence.id, id, "another job was queued");
    claim.fence
}

/// A job in `state`. Unless it is queued, it is in its second claim (the first was released),
/// has finished two of three stages, and has left `notes.txt` in them.
pub async fn standing(store: &dyn JobStore, state: JobState) -> JobId {
    if state == JobState::Queued {
        return enqueued(store).await;
    }
    let first = running(store).await;
    store.release(first).await.unwrap();
    let fence = claimed(store).await.fence;
    assert_eq!(fence.id, first.id, "another job was queued");
    let notes = vec![artifact("notes.txt", "1/notes.txt")];
    store.checkpoint(fence, checkpoint(2), notes).await.unwrap();
    match state {
        JobState::Queued | JobState::Running => {}
        JobState::Succeeded => store.succeed(fence, success()).await.unwrap(),
        JobState::Failed => store.fail(fence, failure()).await.unwrap(),
    }
    fence.id
}

/// The record of a job that is there.
pub async fn record(store: &dyn JobStore, id: JobId) -> JobRecord {
    store
        .record(id, Reach::All)
        .await
        .unwrap()
        .expect("the job has a record")
}

/// The outcome of a job that is there.
pub async fn outcome(store: &dyn JobStore, id: JobId) -> Outcome {
    store
        .outcome(id, Reach::All)
        .await
        .unwrap()
        .expect("the job has a record")
}

/// Where the files are that the job still needs, in order.
pub async fn locations(store: &dyn JobStore, id: JobId) -> Vec<String> {
    let needed = store.needed(&[id]).await.unwrap();
    let mut locations = needed
        .into_iter()
        .next()
        .map_or(vec![], |job| job.locations);
    locations.sort();
    locations
}

/// The names of artifacts, in order.
pub fn names(artifacts: &[Artifact]) -> Vec<&str> {
    artifacts
        .iter()
        .map(|artifact| artifact.name.as_str())
        .collect()
}

/// The name of the suite's caller.
pub fn ci() -> CallerName {
    CallerName::parse("ci").unwrap()
}

/// A token that no other call returns, and that lives until somebody ends it.
pub fn new_token() -> NewToken {
    static LAST: AtomicU32 = AtomicU32::new(0);
    let number = LAST.fetch_add(1, Ordering::Relaxed);
    NewToken {
        id: TokenId::parse(&format!("{number:012}")).unwrap(),
        digest: [7; 32],
        lives_for: None,
    }
}

/// What it may do.
pub fn rights() -> Rights {
    Rights {
        scopes: BTreeSet::from([Scope::Call]),
        tools: Some(ToolAllowance::new(["add", "get_*"]).unwrap()),
        max_open_jobs: Some(3),
    }
}

/// Names `ci`, and returns its token.
pub async fn admitted(store: &dyn JobStore) -> TokenId {
    let token = new_token();
    assert!(store.admit(&ci(), &rights(), &token).await.unwrap());
    token.id
}

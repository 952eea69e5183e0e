//! The process ends at each crash point; the next one finds all of the step, or nothing.

use std::{
    collections::BTreeMap,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use farcall_core::{
    job::state::JobState,
    question::{Askable, Asking, Question},
};
use farcall_store::{
    CRASH_POINTS, CallerStore, JobRecord, JobStore, Listed, NewJob, Reach, Revoked, Rotation,
    SqliteStore, StoreError, Token,
    conformance::fixture::{
        LEASE, admitted, artifact, checkpoint, ci, claimed, employed, failure, names, new_job,
        new_token, outcome, report, running, secrets, success,
    },
};
use serde_json::json;

use crate::suite::open_in;

const FOLDER: &str = "FARCALL_STORE_TEST_FOLDER";

/// The operation that a crash point belongs to, and whether it has happened then.
fn parts(point: &str) -> (&str, bool) {
    let point = point.strip_prefix("store.").unwrap();
    let (operation, moment) = point.split_once('.').unwrap();
    (operation, moment == "committed")
}

/// What runs in the process that ends: what the operation needs, then the operation itself.
#[tokio::test]
#[ignore = "another test runs it, in a process of its own"]
async fn the_process_that_ends() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    // The points of `migrate` are passed here.
    let store = open_in(Path::new(&folder)).await.unwrap();
    let point = std::env::var("FARCALL_CRASH_AT").unwrap();
    run(&store, parts(&point).0).await.unwrap();
}

async fn run(store: &SqliteStore, operation: &str) -> Result<(), StoreError> {
    let mut job = new_job();
    job.can_ask = Askable::NOBODY.with(Asking::Roots);
    match operation {
        "make_secret" => store.make_secret("links", [1; 32]).await,
        "rotate_secrets" => {
            let fresh = [("links", [1; 32]), ("state", [2; 32])];
            store
                .rotate_secrets(&fresh, Rotation::AtOnce)
                .await
                .map(drop)
        }
        "admit" => {
            admitted(store).await;
            Ok(())
        }
        "rotate" => {
            admitted(store).await;
            store.rotate(&ci(), &new_token(), LEASE).await.map(drop)
        }
        "revoke" => {
            admitted(store).await;
            store.revoke(&Revoked::Caller(ci())).await.map(drop)
        }
        "use" => store.used(&admitted(store).await).await,
        "register" => {
            employed(store).await;
            Ok(())
        }
        "beat" => store.beat(employed(store).await, LEASE).await.map(drop),
        "enqueue" => store.enqueue(job).await.map(drop),
        "give_up" => {
            job.terms.queue_timeout = Some(Duration::ZERO);
            store.enqueue(job).await?;
            store.give_up(&[], LEASE).await.map(drop)
        }
        "delete" => {
            job.terms.keep_for = Duration::ZERO;
            let id = store.enqueue(job).await?.record.id;
            store.fail(claimed(store).await.fence, failure()).await?;
            store.delete(&[id]).await.map(drop)
        }
        _ => run_under_a_fence(store, operation, job).await,
    }
}

async fn run_under_a_fence(
    store: &SqliteStore,
    operation: &str,
    job: NewJob,
) -> Result<(), StoreError> {
    let question = [("folders".to_owned(), Question::roots())];
    store.enqueue(job).await?;
    let fence = claimed(store).await.fence;
    match operation {
        "claim" => Ok(()),
        "report" => store.report(fence, report(1)).await,
        "checkpoint" => {
            let notes = vec![artifact("notes.txt", "1/notes.txt")];
            store.checkpoint(fence, checkpoint(1), notes).await
        }
        "restart" => store.restart(fence, 5, "f2".to_owned()).await,
        "succeed" => store.succeed(fence, success()).await,
        "fail" => store.fail(fence, failure()).await,
        "retry" => store.retry(fence, Duration::ZERO, "again".to_owned()).await,
        "release" => store.release(fence).await,
        "ask" => store.ask(fence, &question).await.map(drop),
        "answer" => {
            store.ask(fence, &question).await?;
            let answers = [("folders".to_owned(), json!(1))].into();
            store.answer(fence.id, Reach::All, &answers).await.map(drop)
        }
        "cancel" => store.cancel(fence.id, Reach::All).await.map(drop),
        "learn" => store.learn(employed(store).await, BTreeMap::new()).await,
        "unregister" => store.unregister(employed(store).await).await,
        "rescue" => store.rescue(&[employed(store).await]).await.map(drop),
        other => panic!("no test passes `{other}`"),
    }
}

/// Whether the store says that the operation has happened; `None` where nobody can see it.
async fn is_done(store: &SqliteStore, operation: &str) -> Option<bool> {
    let job = newest(store).await;
    Some(match (operation, &job) {
        // The end of a lease means nothing to the next process, and to open is to migrate.
        ("beat" | "migrate", _) => return None,
        ("admit", _) => !store.callers().await.unwrap().callers.is_empty(),
        ("rotate", _) => tokens(store).await.len() == 2,
        ("revoke", _) => tokens(store).await[0].revoked_at.is_some(),
        ("use", _) => tokens(store).await[0].last_used_at.is_some(),
        ("make_secret", _) => !secrets(store, "links").await.is_empty(),
        ("rotate_secrets", _) => {
            let both = [secrets(store, "links").await, secrets(store, "state").await];
            assert_eq!(both[0].len(), both[1].len());
            !both[0].is_empty()
        }
        ("register", _) => !store.workers().await.unwrap().is_empty(),
        ("learn", _) => store.workers().await.unwrap()[0].worker.programs.is_empty(),
        ("enqueue", job) => job.is_some(),
        ("delete", None) => store.expired(1).await.unwrap().is_empty(),
        (_, None) => panic!("{operation}: the job is lost"),
        ("claim", Some(job)) => job.started_at.is_some(),
        ("report" | "checkpoint", Some(job)) => job.stage == 1,
        ("restart", Some(job)) => job.total_stages == 5,
        ("succeed", Some(job)) => job.state == JobState::Succeeded,
        ("fail" | "give_up", Some(job)) => job.state == JobState::Failed,
        ("retry", Some(job)) => job.message == "again",
        ("release", Some(job)) => job.state == JobState::Queued && job.attempt == 0,
        ("ask", Some(job)) => job.is_asking,
        ("answer", Some(job)) => !job.is_asking,
        ("cancel", Some(job)) => job.cancel_requested,
        ("unregister", Some(job)) => job.losses == 1 && store.workers().await.unwrap().is_empty(),
        ("rescue", Some(job)) => job.losses == 1,
        (other, _) => panic!("no test looks at `{other}`"),
    })
}

/// Those of the one caller.
async fn tokens(store: &SqliteStore) -> Vec<Token> {
    let callers = store.callers().await.unwrap().callers;
    callers.into_iter().next().unwrap().tokens
}

async fn newest(store: &SqliteStore) -> Option<JobRecord> {
    let one = Listed {
        limit: 1,
        ..Listed::default()
    };
    store.list(one).await.unwrap().pop()
}

fn crash(point: &str, folder: &Path) {
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "crash::the_process_that_ends"])
        .env("FARCALL_CRASH_AT", point)
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.signal(), Some(9), "{point} was not passed");
}

#[tokio::test]
async fn a_step_that_was_cut_off_is_there_or_not_but_never_half() {
    for point in CRASH_POINTS {
        let folder = tempfile::tempdir().unwrap();
        crash(point, folder.path());
        let store = open_in(folder.path()).await.unwrap();
        let (operation, has_happened) = parts(point);
        if let Some(is_done) = is_done(&store, operation).await {
            assert_eq!(is_done, has_happened, "{point}");
        }

        // And whatever was running can be brought to its end, with what was kept.
        store.rescue(&[]).await.unwrap();
        store.give_up(&[], LEASE).await.unwrap();
        let Some(job) = newest(&store).await else {
            continue;
        };
        if !job.state.is_terminal() {
            let claim = claimed(&store).await;
            let is_kept = *point == "store.checkpoint.committed";
            assert_eq!(claim.checkpoint, is_kept.then(|| checkpoint(1)), "{point}");
            store.succeed(claim.fence, success()).await.unwrap();
            let files = outcome(&store, job.id).await.artifacts;
            let expected: &[_] = if is_kept {
                &["notes.txt", "film.gif"]
            } else {
                &["film.gif"]
            };
            assert_eq!(names(&files), expected, "{point}");
        }
        running(&store).await;
    }
}

/// What the planted bug has to be found by, in a process that has it.
#[tokio::test]
#[ignore = "another test runs it, in a process of its own"]
async fn the_process_without_a_fence() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_in(folder.path()).await.unwrap();
    farcall_store::conformance::fences::a_claim_that_was_handed_on_is_stale(&store).await;
}

#[test]
fn the_suite_catches_a_missing_fence() {
    for (plant, is_sound) in [("", true), ("no-fence", false)] {
        let ended = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--ignored", "crash::the_process_without_a_fence"])
            .env("FARCALL_PLANT", plant)
            .output()
            .unwrap();
        assert_eq!(ended.status.success(), is_sound, "{plant}: {ended:?}");
    }
}

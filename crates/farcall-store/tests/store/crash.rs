//! The process ends at each crash point; the next one finds all of the step, or nothing.

use std::{
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, Stdio},
};

use farcall_core::job::state::JobState;
use farcall_store::{
    CRASH_POINTS, JobStore, SqliteStore,
    conformance::fixture::{
        END, EXPIRY, artifact, checkpoint, claimed, enqueued, failure, names, outcome, running,
        success,
    },
};

const FOLDER: &str = "FARCALL_STORE_TEST_FOLDER";

/// What runs in the process that ends: one job to success, one to failure.
#[tokio::test]
#[ignore = "another test runs it, in a process of its own"]
async fn the_process_that_ends() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    let store = SqliteStore::open(Path::new(&folder)).await.unwrap();
    enqueued(&store).await;
    let fence = claimed(&store).await.fence;
    let notes = vec![artifact("notes.txt", "1/notes.txt")];
    store.checkpoint(fence, checkpoint(1), notes).await.unwrap();
    if std::env::var("FARCALL_CRASH_AT")
        .unwrap()
        .contains(".fail.")
    {
        store.fail(fence, failure()).await.unwrap();
    } else {
        store.succeed(fence, success()).await.unwrap();
    }
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
        let store = SqliteStore::open(folder.path()).await.unwrap();
        let jobs = store.unfinished().await.unwrap();
        let (verb, moment) = point
            .strip_prefix("store.")
            .unwrap()
            .split_once('.')
            .unwrap();
        let is_done = moment == "committed";

        match verb {
            "enqueue" => {
                assert_eq!(jobs.len(), usize::from(is_done), "{point}");
                continue;
            }
            "succeed" | "fail" if is_done => {
                assert!(jobs.is_empty(), "{point}");
                let published = if verb == "succeed" { 2 } else { 0 };
                let locations = store.artifact_locations().await.unwrap();
                assert_eq!(locations.len(), published, "{point}");
                continue;
            }
            _ => assert_eq!(jobs.len(), 1, "{point}"),
        }
        let has_started = is_done || verb != "claim";
        let found = outcome(&store, jobs[0]).await.record;
        let expected = if has_started {
            JobState::Running
        } else {
            JobState::Queued
        };
        assert_eq!(found.state, expected, "{point}");

        // And it can be brought to its end, with what was kept.
        store.recover(2, END, EXPIRY).await.unwrap();
        let claim = claimed(&store).await;
        assert_eq!(claim.attempt, 1 + u32::from(has_started), "{point}");
        let has_checkpoint = is_done || matches!(verb, "succeed" | "fail");
        let has_checkpoint = has_checkpoint && verb != "claim";
        assert_eq!(
            claim.checkpoint,
            has_checkpoint.then(|| checkpoint(1)),
            "{point}"
        );
        store.succeed(claim.fence, success()).await.unwrap();
        let files = outcome(&store, jobs[0]).await.artifacts;
        let expected: &[_] = if has_checkpoint {
            &["notes.txt", "film.gif"]
        } else {
            &["film.gif"]
        };
        assert_eq!(names(&files), expected, "{point}");
        running(&store).await;
    }
}

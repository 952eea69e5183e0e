//! `farcall jobs list`.

use std::time::Duration;

use farcall_core::problem::ErrorCode;
use farcall_store::{JobError, Report, Success};
use serde_json::Value;

use super::place::{Place, on_each_engine};
use crate::harness::shows;

/// What a caller may call itself, and a job may say.
const RUDE: &str = "eve\u{1b}[2J\u{9b}K\u{202e}";

/// One of each kind, and what a caller can do to a terminal.
async fn fill(place: &Place) {
    let done = place.run(|_| {}).await;
    let success = Success {
        value: None,
        artifacts: Vec::new(),
    };
    place.store.succeed(done, success).await.unwrap();
    let failed = place.run(|job| RUDE.clone_into(&mut job.owner)).await;
    let error = JobError {
        code: ErrorCode::UserError,
        message: "no scene\r\nroot@host:~# \u{7}".to_owned(),
    };
    place.store.fail(failed, error).await.unwrap();
    let running = place.run(|job| "élise".clone_into(&mut job.owner)).await;
    let report = Report {
        stage: 2,
        message: "[2/3] rendering frames".to_owned(),
        progress: Some(0.409),
        log: Vec::new(),
    };
    place.store.report(running, report).await.unwrap();
    place.enqueue(|job| "encode".clone_into(&mut job.job)).await;
}

on_each_engine! {
    async fn each_job_has_a_line(place: &Place) {
        fill(place).await;
        let ended = place.jobs(&["list"]).run().await;
        assert!(!ended.stdout.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\r', '\u{7}']));
        shows!(ended, @r"
        exit 0
        ---- stdout
        ID        JOB     STATE      STAGE    AGE TOOK OWNER                        MESSAGE
        [JOB]  encode  queued     0/3      [SPAN] - alice                        queued
        [JOB]  render  running    2/3 40%  [SPAN] [SPAN] élise                        [2/3] rendering frames
        [JOB]  render  failed     0/3      [SPAN] [SPAN] eve\u{1b}[2J\u{9b}K\u{202e}  user_error: no scene\r\nroot@host:~# \u{7}
        [JOB]  render  succeeded  3/3      [SPAN] [SPAN] alice                        done
        ---- stderr
        ");
    }

    async fn json_is_one_object(place: &Place) {
        fill(place).await;
        let ended = place.jobs(&["list", "--json"]).run().await;
        assert!(!ended.stdout.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{ended}");
        let seen: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(seen["more"], false);
        assert_eq!(seen["jobs"][2]["owner"], RUDE);
        shows!(serde_json::to_string_pretty(&seen["jobs"][1]).unwrap(), @r#"
        {
          "job_id": "[JOB]",
          "job": "render",
          "owner": "élise",
          "state": "running",
          "stage": 2,
          "total_stages": 3,
          "message": "[2/3] rendering frames",
          "progress": 0.409,
          "attempt": 1,
          "losses": 0,
          "worker": "[JOB]",
          "created_at": "[TIME]",
          "updated_at": "[TIME]",
          "started_at": "[TIME]"
        }
        "#);
    }

    async fn what_is_asked_for_is_listed_and_no_more(place: &Place) {
        fill(place).await;
        for (filter, lines) in [
            (["--state", "failed"], 1),
            (["--state", "queued"], 1),
            (["--job", "render"], 3),
            (["--owner", "alice"], 2),
            (["--owner", RUDE], 1),
        ] {
            let ended = place.jobs(&["list"]).arguments(&filter).run().await;
            assert_eq!(ended.stdout.lines().count(), lines + 1, "{filter:?}: {ended}");
            assert_eq!((ended.exit, ended.stderr.as_str()), (0, ""));
        }
        shows!(place.jobs(&["list", "--limit", "1"]).run().await, @r"
        exit 0
        ---- stdout
        ID        JOB     STATE   STAGE  AGE TOOK OWNER  MESSAGE
        [JOB]  encode  queued  0/3    [SPAN] - alice  queued
        ---- stderr
        these are the newest 1, there are more: --limit NUMBER, or --state, --job and --owner
        ");
        shows!(place.jobs(&["list", "--job", "print"]).run().await, @r"
        exit 0
        ---- stdout
        ---- stderr
        there are no such jobs
        ");
        shows!(place.jobs(&["list", "--job", "print", "--json"]).run().await, @r#"
        exit 0
        ---- stdout
        {"jobs":[],"more":false}
        ---- stderr
        "#);
    }

    async fn nothing_is_no_failure(place: &Place) {
        shows!(place.jobs(&["list"]).run().await, @r"
        exit 0
        ---- stdout
        ---- stderr
        there are no jobs
        ");
    }

    async fn a_job_that_waits_says_for_what(place: &Place) {
        let fence = place.run(|_| {}).await;
        let message = "attempt 1 failed: the disk is slow".to_owned();
        let after = Duration::from_mins(5);
        place.store.retry(fence, after, message).await.unwrap();
        let asking = place.run(|_| {}).await;
        let question = [("size".to_owned(), farcall_core::question::Question::form("?"))];
        place.store.ask(asking, &question).await.unwrap();
        let stopping = place.run(|_| {}).await;
        place.store.cancel(stopping.id, farcall_store::Reach::All).await.unwrap();
        shows!(place.jobs(&["list"]).run().await, @r"
        exit 0
        ---- stdout
        ID        JOB     STATE    STAGE  AGE TOOK OWNER  MESSAGE
        [JOB]  render  running  0/3    [SPAN] [SPAN] alice  is told to stop; starting
        [JOB]  render  running  0/3    [SPAN] [SPAN] alice  waits for an answer of its caller
        [JOB]  render  queued   0/3    [SPAN] [SPAN] alice  attempt 1 failed: the disk is slow
        ---- stderr
        ");
    }
}

//! `farcall jobs show`.

use farcall_core::{artifact::Artifact, question::Question};
use farcall_store::{
    Checkpoint, Report, Success,
    conformance::fixture::{failure, worker_lost},
};
use serde_json::{Value, json};

use super::place::{Place, on_each_engine};
use crate::harness::shows;

fn gif() -> Artifact {
    Artifact::new(
        "film.gif",
        "image/gif",
        3 << 20,
        "ab".repeat(32),
        "x/1-film.gif",
    )
}

/// A job in the middle of its way, with everything that there can be.
async fn midway(place: &Place) -> String {
    place.run(|_| {}).await;
    worker_lost(place.store.as_ref()).await;
    let fence = place.claim().await;
    let checkpoint = Checkpoint {
        stage: 1,
        value: json!(1),
        work: None,
    };
    place
        .store
        .checkpoint(fence, checkpoint, vec![gif()])
        .await
        .unwrap();
    let lines = (1..=12).map(|number| format!("line {number}\u{1b}[K"));
    let report = Report {
        stage: 2,
        message: "[2/3] rendering frames".to_owned(),
        progress: Some(0.5),
        log: lines.collect(),
    };
    place.store.report(fence, report).await.unwrap();
    let question = [("sure".to_owned(), Question::form("Remove 3 files?"))];
    place.store.ask(fence, &question).await.unwrap();
    fence.id.to_string()
}

on_each_engine! {
    async fn an_unfinished_job_with_all_that_can_be_said(place: &Place) {
        let id = midway(place).await;
        let ended = place.jobs(&["show", &id[..8], "--log", "2"]).run().await;
        assert!(!ended.stdout.contains('\u{1b}'));
        shows!(ended, @r"
        exit 0
        ---- stdout
        id        [JOB]
        job       render
        owner     alice
        state     running, stage 2/3 50%, waits for an answer of its caller
        message   [2/3] rendering frames
        created   [TIME], [SPAN] ago
        started   [TIME], [SPAN] ago
        changed   [TIME], [SPAN] ago
        attempts  2; lost its worker once, 0 of them counted
        kept      1 of 3 stages are finished, the next attempt goes on after them
        worker    [JOB] on here
        asks      sure: Remove 3 files?
        file      film.gif, 3.0 MiB, image/gif, not published yet
                  sha256 [SHA256]
        log       lines 11 to 12
                  [TIME] line 11\u{1b}[K
                  [TIME] line 12\u{1b}[K
        ---- stderr
        ");
    }

    async fn the_same_as_json(place: &Place) {
        let id = midway(place).await;
        let ended = place.jobs(&["show", &id, "--log", "1", "--json"]).run().await;
        let seen: Value = serde_json::from_str(&ended.stdout).unwrap();
        shows!(serde_json::to_string_pretty(&seen).unwrap());
    }

    async fn a_job_that_is_over_has_its_files(place: &Place) {
        let fence = place.run(|_| {}).await;
        let success = Success {
            value: None,
            artifacts: vec![gif()],
        };
        place.store.succeed(fence, success).await.unwrap();
        let id = fence.id.to_string();
        let show = || place.jobs(&["show", &id]);
        let public = show().variable("PUBLIC_BASE_URL", "https://mcp.example.com");
        shows!(public.run().await, @r"
        exit 0
        ---- stdout
        id        [JOB]
        job       render
        owner     alice
        state     succeeded, stage 3/3
        message   done
        created   [TIME], [SPAN] ago
        started   [TIME], [SPAN] ago
        finished  [TIME], [SPAN] ago, after [SPAN]
        expires   [TIME], in [SPAN]
        attempts  1
        file      film.gif, 3.0 MiB, image/gif
                  sha256 [SHA256]
                  https://mcp.example.com/files/[JOB]/film.gif
        ---- stderr
        ");
        for (name, value, url) in [
            ("MCP_PORT", "8123", Some("http://127.0.0.1:8123/files/")),
            ("OTHER", "", Some("http://127.0.0.1:8900/files/")),
            ("MCP_PORT", "0", None),
        ] {
            let ended = show().variable(name, value).run().await;
            let line = ended.stdout.lines().find(|line| line.contains("/files/"));
            assert_eq!(line.is_some(), url.is_some(), "{ended}");
            assert!(url.is_none_or(|url| line.unwrap().contains(url)), "{ended}");
        }
    }

    async fn a_failed_job_says_why(place: &Place) {
        let fence = place.run(|_| {}).await;
        place.store.fail(fence, failure()).await.unwrap();
        shows!(place.jobs(&["show", &fence.id.to_string().to_uppercase()]).run().await, @r"
        exit 0
        ---- stdout
        id        [JOB]
        job       render
        owner     alice
        state     failed, stage 0/3
        message   starting
        error     user_error: no such scene
        created   [TIME], [SPAN] ago
        started   [TIME], [SPAN] ago
        finished  [TIME], [SPAN] ago, after [SPAN]
        expires   [TIME], in [SPAN]
        attempts  1
        ---- stderr
        ");
    }

    async fn an_id_that_is_not_there(place: &Place) {
        let id = place.enqueue(|_| {}).await;
        for typed in ["0123", "xyz", &"0".repeat(32), &"0".repeat(33), &format!("{id}0"), "\u{1b}"] {
            let ended = place.jobs(&["show", typed]).run().await;
            assert_eq!(ended.exit, 1, "{ended}");
            assert!(ended.stdout.is_empty(), "{ended}");
            assert!(!ended.stderr.contains('\u{1b}'), "{ended}");
            assert!(ended.stderr.contains("there is no job whose id begins with"), "{ended}");
        }
        shows!(place.jobs(&["show", "0123"]).run().await, @r"
        exit 1
        ---- stdout
        ---- stderr
        error: there is no job whose id begins with `0123`
        hint: `jobs list` has those there are; one that has expired is not there any more
        ");
    }

    async fn digits_that_several_ids_begin_with(place: &Place) {
        use farcall_core::id::JobId;

        for last in 0..5 {
            let mut bits = [0xab; 16];
            bits[15] = last;
            place.enqueue(|job| job.id = JobId::from_random(bits)).await;
        }
        shows!(place.jobs(&["show", "abab"]).run().await, @r"
        exit 1
        ---- stdout
        ---- stderr
        error: several ids begin with `abab`: [JOB], [JOB], [JOB], …
        hint: write more of the one that is meant
        ");
        let whole = format!("{}03", "ab".repeat(15));
        let ended = place.jobs(&["show", &whole]).run().await;
        assert!(ended.stdout.contains(&whole), "{ended}");
    }
}

//! Slow work of a service as a durable job: begun once, asked after until it is done, whatever happens to
//! the server in between.

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{
    probe::{self, Probe},
    project,
};
use crate::harness::{Project, until};

const RENDER: &str = r#"
[job.render]
description = "Render a scene."
stages = ["sending", "rendering", "encoding"]
params.scene = { type = "string", description = "Scene." }
params.frames = { type = "integer", default = 24, description = "Frames." }

[job.render.request]
service = "probe"
method = "POST"
path = "/renders/{scene}"

[job.render.request.upstream]
status_url = "/links/status"
state = "/state"
done = ["done"]
failed = ["broken"]
progress = "/fraction"
result = "/value"
interval = "20ms"

[tool.ping]
description = "Ask the probe."
request = { service = "probe", path = "/ping" }
"#;

fn render(probe: &Probe) -> Project {
    project(probe, RENDER)
}

fn accepted(probe: &Probe) {
    let body = json!({"links": {"status": "/base/jobs/1"}}).to_string();
    probe.answer(probe::json("202 Accepted", &body));
}

/// What every poll is answered from now on.
fn stands(probe: &Probe, status: &Value) {
    probe.otherwise(probe::json("200 OK", &status.to_string()));
}

fn lines(probe: &Probe) -> Vec<String> {
    let received = probe.received().into_iter();
    received.map(|received| received.line).collect()
}

/// Waits until the service has been asked again.
async fn asked_again(probe: &Probe, seen: &mut Vec<String>) {
    probe.received();
    until("a poll", async || {
        let more = lines(probe);
        let is_asked = !more.is_empty();
        seen.extend(more);
        is_asked.then_some(())
    })
    .await;
}

#[tokio::test]
async fn slow_work_is_a_job_like_any_other() {
    let probe = Probe::start().await;
    let server = render(&probe).serve().await;
    let names: Vec<_> = server
        .tools()
        .await
        .iter()
        .map(|tool| tool["name"].clone())
        .collect();
    let expected = [
        "start_render",
        "get_render_status",
        "get_render_result",
        "cancel_render",
        "ping",
    ];
    assert_eq!(names, expected);

    accepted(&probe);
    stands(&probe, &json!({"state": "waiting"}));
    let id = server.start("render", json!({"scene": "a b"})).await;
    let status = server
        .status_when("render", &id, |status| {
            status["message"].as_str().unwrap().contains("waiting")
        })
        .await;
    assert_eq!(
        (&status["stage"], &status["total_stages"]),
        (&json!(2), &json!(3))
    );
    let begun = probe.received().into_iter().next().unwrap();
    assert_eq!(begun.line, "POST /base/renders/a%20b HTTP/1.1");
    assert_eq!(begun.json(), json!({"frames": 24}));

    let early = server
        .value("get_render_result", json!({"job_id": id}))
        .await;
    assert_eq!(
        (&early["ready"], &early["state"]),
        (&json!(false), &json!("running"))
    );
    stands(&probe, &json!({"state": "rendering", "fraction": 0.5}));
    server
        .status_when("render", &id, |status| status["progress"] == 0.5)
        .await;
    stands(&probe, &json!({"state": "encoding", "fraction": 0.9}));
    server
        .status_when("render", &id, |status| status["stage"] == 3)
        .await;
    stands(
        &probe,
        &json!({"state": "done", "value": {"film": "x\u{202e}"}}),
    );
    let result = server.result("render", &id).await;
    assert_eq!(result["result"], json!({"film": "x"}));
    assert!(
        lines(&probe)
            .iter()
            .all(|line| line == "GET /base/jobs/1 HTTP/1.1")
    );
    server.stop().await;
}

/// P9: what was begun is known by its status URL, which is the checkpoint.
#[tokio::test]
async fn after_a_kill_the_work_is_asked_after_and_not_begun_again() {
    let probe = Probe::start().await;
    let project = render(&probe);
    let server = project.serve().await;
    accepted(&probe);
    stands(&probe, &json!({"state": "rendering"}));
    let id = server.start("render", json!({"scene": "a"})).await;
    server
        .status_when("render", &id, |status| status["stage"] == 2)
        .await;
    let mut seen = lines(&probe);
    server.kill();
    seen.extend(lines(&probe));

    let server = project.serve().await;
    asked_again(&probe, &mut seen).await;
    stands(&probe, &json!({"state": "done", "value": 1}));
    assert_eq!(server.result("render", &id).await["result"], 1);
    seen.extend(lines(&probe));
    let begun = seen.iter().filter(|line| line.starts_with("POST ")).count();
    assert_eq!(begun, 1, "{seen:?}");
    server.stop().await;
}

/// P18: so it is where the server stops in order.
#[tokio::test]
async fn a_server_that_stops_leaves_the_work_to_the_next() {
    let probe = Probe::start().await;
    let project = render(&probe).with("FARCALL_DRAIN", "0s");
    let server = project.serve().await;
    accepted(&probe);
    stands(&probe, &json!({"state": "rendering"}));
    let id = server.start("render", json!({"scene": "a"})).await;
    server
        .status_when("render", &id, |status| status["stage"] == 2)
        .await;
    let mut seen = lines(&probe);
    server.signal(Signal::TERM);
    server.stop().await;
    seen.extend(lines(&probe));
    stands(&probe, &json!({"state": "done", "value": 1}));
    let server = project.serve().await;
    assert_eq!(server.result("render", &id).await["result"], 1);
    seen.extend(lines(&probe));
    let begun = seen.iter().filter(|line| line.starts_with("POST ")).count();
    assert_eq!(begun, 1, "{seen:?}");
    server.stop().await;
}

/// Jobs run at least once: nobody knows whether what was not answered was begun.
#[tokio::test]
async fn a_kill_before_the_answer_begins_the_work_again_unless_that_does_harm() {
    for (on_lost, times) in [("rerun", 2), ("fail", 1)] {
        let probe = Probe::start().await;
        let toml = RENDER.replace(
            "[job.render]\n",
            &format!("[job.render]\non_lost = \"{on_lost}\"\n"),
        );
        let project = project(&probe, &toml);
        let server = project.serve().await;
        probe.silence();
        let id = server.start("render", json!({"scene": "a"})).await;
        let mut seen = Vec::new();
        until("the request", async || {
            seen.extend(lines(&probe));
            (!seen.is_empty()).then_some(())
        })
        .await;
        server.kill();
        accepted(&probe);
        stands(&probe, &json!({"state": "done", "value": 1}));
        let server = project.serve().await;
        let end = server.ended("render", &id).await;
        if on_lost == "fail" {
            assert_eq!(end["error_code"], "worker_lost", "{end}");
        } else {
            assert_eq!(end["state"], "succeeded", "{end}");
        }
        seen.extend(lines(&probe));
        let begun = seen.iter().filter(|line| line.starts_with("POST ")).count();
        assert_eq!(begun, times, "{on_lost}: {seen:?}");
        server.stop().await;
    }
}

#[tokio::test]
async fn a_cancelled_job_asks_no_longer() {
    let probe = Probe::start().await;
    let server = render(&probe).serve().await;
    accepted(&probe);
    stands(&probe, &json!({"state": "rendering"}));
    let id = server.start("render", json!({"scene": "a"})).await;
    server
        .status_when("render", &id, |status| status["stage"] == 2)
        .await;
    server.value("cancel_render", json!({"job_id": id})).await;
    let end = server.ended("render", &id).await;
    assert_eq!(
        (&end["state"], &end["error_code"]),
        (&json!("failed"), &json!("cancelled"))
    );
    probe.received();
    // Several times as long as the pause between two polls.
    for _ in 0..100 {
        server.value("ping", json!({})).await;
    }
    assert!(
        lines(&probe)
            .iter()
            .all(|line| line == "GET /base/ping HTTP/1.1")
    );
    server.stop().await;
}

#[tokio::test]
async fn a_failure_of_the_work_is_told_and_what_cannot_be_sent_is_no_job() {
    let probe = Probe::start().await;
    let server = render(&probe).serve().await;
    let (error, _) = server
        .call("start_render", json!({"scene": ".."}))
        .await
        .failure();
    assert!(error.contains("`scene` would lead elsewhere"), "{error}");
    assert!(probe.received().is_empty());

    accepted(&probe);
    stands(
        &probe,
        &json!({"state": "broken", "reason": "no such scene"}),
    );
    let id = server.start("render", json!({"scene": "a"})).await;
    let end = server.ended("render", &id).await;
    assert_eq!(end["error_code"], "user_error");
    assert!(
        end["error"].as_str().unwrap().contains("no such scene"),
        "{end}"
    );
    server.stop().await;
}

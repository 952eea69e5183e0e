//! Slow work that is begun once and asked after.

use std::{sync::Arc, time::Duration};

use farcall_config::file::{Method, Presence, Request, Upstream};
use farcall_core::{context::CallContext, job::Job, problem::ErrorCode};
use serde_json::{Value, json};

use crate::{
    declare::{job, parameter, request, service, text},
    host::Run,
    probe::{Probe, json as json_answer, with},
};

fn upstream() -> Upstream {
    Upstream {
        status_url: "/links/status".to_owned(),
        state: "/state".to_owned(),
        done: vec!["done".to_owned()],
        failed: vec!["broken".to_owned()],
        progress: Some("/fraction".to_owned()),
        result: Some("/value".to_owned()),
        interval: Duration::from_millis(1),
    }
}

fn render(path: &str) -> Request {
    Request {
        upstream: Some(upstream()),
        ..request(Method::Post, path)
    }
}

fn slow(probe: &Probe, stages: &[&str]) -> Job {
    let parameters = vec![parameter("scene", text(), Presence::Required)];
    job(
        service(&probe.url("/api")),
        render("/renders/{scene}"),
        parameters,
        stages,
    )
}

fn begun(probe: &Probe, status_url: &str) {
    let body = json!({"links": {"status": status_url}}).to_string();
    probe.answer(json_answer("202 Accepted", &body));
}

#[tokio::test]
async fn work_is_begun_once_and_asked_after_until_it_is_done() {
    let probe = Probe::start().await;
    begun(&probe, "/api/jobs/1#top");
    for answer in [
        json!({"state": "waiting"}),
        json!({"state": "rendering", "fraction": 0.25}),
        json!({"state": "rendering", "fraction": 0.75}),
        json!({"state": "encoding"}),
        json!({"state": "rendering"}),
        json!({"state": "done", "value": {"url": "x\u{202e}"}}),
    ] {
        probe.answer_json(&answer);
    }
    let job = slow(&probe, &["sending", "rendering", "encoding"]);
    assert_eq!(
        job.program.stages().collect::<Vec<_>>(),
        ["sending", "rendering", "encoding"]
    );
    let run = Arc::new(Run::default());
    let result = run.all(&job, json!({"scene": "a b"})).await.unwrap();
    assert_eq!(result, json!({"url": "x"}));
    assert_eq!(run.stages(), ["sending", "rendering", "encoding"]);
    assert_eq!(*run.messages.lock().unwrap(), ["waiting"]);
    assert_eq!(*run.fractions.lock().unwrap(), [0.25, 0.75]);
    let lines: Vec<_> = probe
        .received()
        .into_iter()
        .map(|received| received.line)
        .collect();
    assert_eq!(lines[0], "POST /api/renders/a%20b HTTP/1.1");
    assert_eq!(lines.len(), 7);
    assert!(
        lines[1..]
            .iter()
            .all(|line| line == "GET /api/jobs/1 HTTP/1.1")
    );
}

#[tokio::test]
async fn one_stage_gets_one_before_it() {
    let probe = Probe::start().await;
    begun(&probe, "/jobs/1");
    probe.answer_json(&json!({"state": "done", "value": 7}));
    let job = slow(&probe, &["running"]);
    let run = Arc::new(Run::default());
    assert_eq!(run.all(&job, json!({"scene": "a"})).await.unwrap(), 7);
    assert_eq!(run.stages(), ["starting", "running"]);
}

#[tokio::test]
async fn a_server_that_starts_again_only_asks_on() {
    let probe = Probe::start().await;
    begun(&probe, "jobs/1");
    let job = slow(&probe, &["running"]);
    let kept = Arc::new(Run::default())
        .step(&job, 0, json!({"scene": "a"}))
        .await
        .unwrap();
    assert_eq!(kept, Value::from(probe.url("/jobs/1")));
    probe.received();
    // Another process, with the same file, and what was kept.
    let job = slow(&probe, &["running"]);
    probe.answer_json(&json!({"state": "done", "value": "v"}));
    let result = Arc::new(Run::default()).step(&job, 1, kept).await.unwrap();
    assert_eq!(result, "v");
    assert_eq!(probe.only().line, "GET /jobs/1 HTTP/1.1");
}

#[tokio::test]
async fn only_a_url_of_the_service_itself_is_asked() {
    let probe = Probe::start().await;
    let elsewhere = Probe::start().await;
    let job = slow(&probe, &["running"]);
    for (status_url, told) in [
        (elsewhere.url("/jobs/1"), "is not its own"),
        (
            format!("http://localhost:{}/", probe.port),
            "is not its own",
        ),
        (
            format!("https://127.0.0.1:{}/", probe.port),
            "is not its own",
        ),
        (format!("//127.0.0.1:{}/", elsewhere.port), "is not its own"),
        (
            format!("\\\\127.0.0.1:{}/", elsewhere.port),
            "is not its own",
        ),
        (
            "http://169.254.169.254/latest/meta-data".to_owned(),
            "is not its own",
        ),
        ("http://[::ffff:127.0.0.1]/".to_owned(), "is not its own"),
        ("file:///etc/passwd".to_owned(), "is not its own"),
        (
            format!("http://user:pw@127.0.0.1:{}/", probe.port),
            "has a name or a password",
        ),
        ("http://".to_owned(), "is none"),
        ("x".repeat(40_000), "is too long"),
    ] {
        begun(&probe, &status_url);
        let run = Arc::new(Run::default());
        let problem = run.all(&job, json!({"scene": "a"})).await.unwrap_err();
        let sentence = problem.public_message();
        assert!(sentence.contains(told), "{status_url:.80}: {sentence}");
        assert_eq!(probe.received().len(), 1, "{status_url:.80}");
        // What was kept by another version of the file is judged again.
        let problem = run
            .step(&job, 1, Value::from(status_url))
            .await
            .unwrap_err();
        assert!(problem.public_message().contains(told));
    }
    assert!(probe.received().is_empty());
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn a_failure_of_the_work_is_told() {
    let probe = Probe::start().await;
    begun(&probe, "/jobs/1");
    probe.answer_json(&json!({"state": "broken", "reason": "no such scene"}));
    let run = Arc::new(Run::default());
    let problem = run
        .all(&slow(&probe, &["running"]), json!({"scene": "a"}))
        .await
        .unwrap_err();
    assert_eq!(problem.code(), ErrorCode::UserError);
    assert!(problem.is_final());
    assert_eq!(
        problem.public_message(),
        "the service `probe` says that the work is `broken`: {\"state\":\"broken\",\"reason\":\"no such scene\"}"
    );
}

#[tokio::test]
async fn an_outage_is_waited_out() {
    let probe = Probe::start().await;
    begun(&probe, "/jobs/1");
    probe.answer(with("text/html", "502 Bad Gateway", "nginx"));
    probe.answer(json_answer("429 Too Many Requests", "{}"));
    // The connection breaks off.
    probe.answer("HTTP/1.1 200 OK\r\ncontent-length: 9");
    probe.answer_json(&json!({"state": "done", "value": 1}));
    let run = Arc::new(Run::default());
    let result = run
        .all(&slow(&probe, &["running"]), json!({"scene": "a"}))
        .await
        .unwrap();
    assert_eq!(result, 1);
    assert_eq!(probe.received().len(), 5);
}

#[tokio::test]
async fn an_error_that_lasts_ends_the_wait() {
    let probe = Probe::start().await;
    for answer in [
        json_answer("410 Gone", "{}"),
        json_answer("200 OK", "{\"no\": 1}"),
        json_answer("200 OK", "nonsense"),
        "HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n".to_owned(),
    ] {
        begun(&probe, "/jobs/1");
        probe.answer(answer);
        let run = Arc::new(Run::default());
        let outcome = run
            .all(&slow(&probe, &["running"]), json!({"scene": "a"}))
            .await;
        assert!(outcome.is_err());
        assert_eq!(probe.received().len(), 2);
    }
}

#[tokio::test]
async fn a_cancelled_job_stops_asking() {
    let probe = Probe::start().await;
    begun(&probe, "/jobs/1");
    probe.otherwise("HTTP/1.1 503 Busy\r\nretry-after: 3000\r\ncontent-length: 0\r\n\r\n");
    let run = Arc::new(Run::default());
    let job = slow(&probe, &["running"]);
    let running = {
        let run = Arc::clone(&run);
        tokio::spawn(async move { run.all(&job, json!({"scene": "a"})).await })
    };
    run.cancellation.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(20), running)
        .await
        .unwrap();
    assert_eq!(ended.unwrap().unwrap_err().code(), ErrorCode::Cancelled);
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_there_is_a_job() {
    let probe = Probe::start().await;
    let job = slow(&probe, &["running"]);
    let before = job.before_start.unwrap();
    let start = |scene: &str| {
        let arguments = json!({"scene": scene}).as_object().unwrap().clone();
        before.run(CallContext::detached(), arguments)
    };
    assert!(start("a").await.is_ok());
    let problem = start("..").await.unwrap_err();
    assert!(
        problem
            .public_message()
            .contains("`scene` would lead elsewhere")
    );
    assert!(probe.received().is_empty());
}

#[tokio::test]
async fn a_request_alone_is_a_job_of_one_stage() {
    let probe = Probe::start().await;
    probe.answer_json(&json!({"n": [1, 2]}));
    let mut request = request(Method::Get, "/slow");
    request.pointer = Some("/n/1".to_owned());
    let job = job(service(&probe.url("")), request, Vec::new(), &["asking"]);
    let run = Arc::new(Run::default());
    assert_eq!(run.all(&job, json!({})).await.unwrap(), 2);
    assert_eq!(run.stages(), ["asking"]);
}

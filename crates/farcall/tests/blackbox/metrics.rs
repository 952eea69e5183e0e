//! `/metrics`: what was done is counted, for those who may read it, and says nothing of anybody.

use std::collections::BTreeMap;

use farcall::{json, prelude::*};
use reqwest::Method;

use crate::{
    harness::{Client, Engine, Reply, Server, Setup, on_each_engine, pace, soon},
    offers::{Callers, ended, print, printed, result, started, tools, tools_and_jobs},
};

/// Fall over.
#[tool]
fn fall() -> String {
    panic!("there was nothing to hold on to")
}

/// What was read, by series.
struct Read(BTreeMap<String, f64>);

impl Read {
    async fn by(client: &Client) -> Self {
        Self::of(&client.get("/metrics").await)
    }

    fn of(reply: &Reply) -> Self {
        assert_eq!(reply.status, 200, "{}", reply.text());
        let kind = "text/plain; version=0.0.4; charset=utf-8";
        assert_eq!(reply.header("content-type"), kind);
        assert_eq!(reply.header("cache-control"), "no-store");
        let text = reply.text();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let series = lines.map(|line| {
            let (series, value) = line.rsplit_once(' ').expect("a series without a value");
            (series.to_owned(), value.parse().unwrap())
        });
        Self(series.collect())
    }

    /// The value of a series; one that is not told is zero.
    fn value(&self, series: &str) -> f64 {
        self.0.get(series).copied().unwrap_or_default()
    }

    /// It is told, and has this value.
    #[track_caller]
    fn is(&self, series: &str, value: f64) {
        let told = self.0.get(series);
        assert!(
            told.is_some_and(|told| (told - value).abs() < 1e-9),
            "{series} is {told:?}, not {value}: {:#?}",
            self.0
        );
    }

    fn has(&self, part: &str) -> bool {
        self.0.keys().any(|series| series.contains(part))
    }
}

async fn server(engine: Engine) -> Server {
    let app = tools_and_jobs().tool::<fall>().token_verifier(Callers);
    engine.setup(app).start().await
}

on_each_engine! {
    async fn what_was_done_is_counted(engine: Engine) {
        let server = server(engine).await;
        let (alice, carol) = (server.with_token("alice-token"), server.with_token("carol-token"));
        let before = Read::by(&carol).await;
        before.is(r#"farcall_tool_calls_total{tool="add",outcome="ok"}"#, 0.0);
        // So that there is a rate of the first one.
        before.is(r#"farcall_job_attempts_total{kind="print",outcome="failed"}"#, 0.0);
        before.is(r#"farcall_tool_call_duration_seconds_bucket{tool="add",le="25"}"#, 0.0);
        for _ in 0..3 {
            alice.call("add", json!({"a": 1, "b": 2})).await.structured();
        }
        // The SDK's way counts as the plain one does.
        let add = json!({"name": "add", "arguments": {"a": 1, "b": 2}});
        alice.legacy("tools/call", add).send().await.structured();
        alice.call("add", json!({"a": "one"})).await.tool_error();
        alice.call("paint", json!({"coats": 1, "colour": "Blue"})).await.tool_error();
        alice.call("fall", json!({})).await.tool_error();
        alice.call("nothing-there", json!({})).await.rpc_error();
        let film = printed(&alice, "twelve bytes").await;
        let jammed = started(&alice, "print", json!({"text": "x", "jam": true})).await;
        ended(&alice, "print", &jammed).await;
        let files = result(&alice, "print", &film).await.structured();
        let url = files["url"].as_str().unwrap();
        let (_, target) = url.split_once("/files/").unwrap();
        let target = format!("/files/{target}");
        let sent = server.get(&target).await;
        assert_eq!(sent.status, 200);
        let part = server.http(Method::GET, &target).header("Range", "bytes=0-2").send().await;
        assert_eq!(part.status, 206);
        assert_eq!(server.http(Method::HEAD, &target).send().await.status, 200);
        let wrong = target.replace("sig=", "sig=0");
        assert_eq!(server.get(&wrong).await.status, 404);
        assert_eq!(server.get("/admin/jobs").await.status, 401);
        assert_eq!(server.with_token("nobody").get("/admin/jobs").await.status, 401);
        assert_eq!(alice.get("/admin/jobs").await.status, 403);
        assert_eq!(server.with_token("dave-token").get("/admin/jobs").await.status, 503);
        server.get("/somewhere/else").await;

        // What a job came to is counted once its record is written.
        let told = soon(async {
            loop {
                let told = Read::by(&carol).await;
                let ended = r#"farcall_job_attempts_total{kind="print",outcome="failed"}"#;
                if told.value(ended) > 0.0 && told.value("farcall_worker_running") < 0.5 {
                    return told;
                }
                pace().await;
            }
        })
        .await;
        for (series, value) in [
            (r#"farcall_tool_calls_total{tool="add",outcome="ok"}"#, 4.0),
            (r#"farcall_tool_calls_total{tool="add",outcome="failed"}"#, 1.0),
            (r#"farcall_tool_calls_total{tool="paint",outcome="failed"}"#, 1.0),
            (r#"farcall_tool_calls_total{tool="fall",outcome="internal"}"#, 1.0),
            (r#"farcall_tool_calls_total{tool="(none)",outcome="refused"}"#, 1.0),
            (r#"farcall_tool_calls_total{tool="start_print",outcome="ok"}"#, 2.0),
            (r#"farcall_tool_call_duration_seconds_count{tool="add"}"#, 5.0),
            (r#"farcall_auth_failures_total{reason="missing"}"#, 1.0),
            (r#"farcall_auth_failures_total{reason="wrong"}"#, 1.0),
            (r#"farcall_auth_failures_total{reason="insufficient"}"#, 1.0),
            (r#"farcall_auth_failures_total{reason="unavailable"}"#, 1.0),
            (r#"farcall_auth_failures_total{reason="link"}"#, 1.0),
            (r#"farcall_auth_failures_total{reason="expired"}"#, 0.0),
            (r#"farcall_http_requests_total{route="/files",status="200"}"#, 2.0),
            (r#"farcall_http_requests_total{route="/files",status="206"}"#, 1.0),
            (r#"farcall_http_requests_total{route="/admin",status="401"}"#, 2.0),
            (r#"farcall_http_requests_total{route="other",status="404"}"#, 1.0),
            // `log.csv` and `page.txt` of one, `log.csv` of none: it was jammed before.
            ("farcall_file_written_bytes_total", 8.0 + 12.0),
            ("farcall_file_sent_bytes_total", f64::from(u32::try_from(sent.body.len()).unwrap()) + 3.0),
            (r#"farcall_job_attempts_total{kind="print",outcome="succeeded"}"#, 1.0),
            (r#"farcall_job_attempts_total{kind="print",outcome="failed"}"#, 1.0),
            (r#"farcall_job_stage_duration_seconds_count{kind="print",stage="setting type"}"#, 2.0),
            // The one that is jammed never finishes it.
            (r#"farcall_job_stage_duration_seconds_count{kind="print",stage="printing"}"#, 1.0),
            ("farcall_store_up", 1.0),
            (r#"farcall_build_info{version="0.1.0"}"#, 1.0),
        ] {
            told.is(series, value);
        }
        assert!(told.value("farcall_worker_capacity") >= 1.0);
        assert!(told.value("process_resident_memory_bytes") > 1e6);
        assert!(told.value("process_open_fds") > 3.0);
        assert!(told.value("process_max_fds") > told.value("process_open_fds"));
        assert!(told.value("process_start_time_seconds") > 1.7e9);
        // What is counted has no names of callers, jobs or files.
        for part in ["alice", "carol", &film, &jammed, "page.txt", "nothing-there", "somewhere"] {
            assert!(!told.has(part), "{part}: {:#?}", told.0);
        }
    }

    async fn the_jobs_of_the_store_are_told_by_their_states(engine: Engine) {
        let gate = tokio_util::sync::CancellationToken::new();
        let options = farcall::RunnerOptions { concurrency: 1, ..farcall::RunnerOptions::default() };
        let app = tools().add_job(print(&gate)).token_verifier(Callers).runner(options);
        let server = engine.setup(app).start().await;
        let (alice, carol) = (server.with_token("alice-token"), server.with_token("carol-token"));
        let empty = Read::by(&carol).await;
        empty.is(r#"farcall_jobs{state="queued"}"#, 0.0);
        empty.is("farcall_job_queue_oldest_age_seconds", 0.0);
        let mut ids = Vec::new();
        for text in ["one", "two", "three"] {
            ids.push(started(&alice, "print", json!({"text": text})).await);
        }
        let told_when = async |series: &str, value: f64| {
            soon(async {
                loop {
                    let told = Read::by(&carol).await;
                    if (told.value(series) - value).abs() < 1e-9 {
                        return told;
                    }
                    pace().await;
                }
            })
            .await
        };
        let told = told_when(r#"farcall_jobs{state="running"}"#, 1.0).await;
        told.is(r#"farcall_jobs{state="queued"}"#, 2.0);
        told.is("farcall_worker_running", 1.0);
        told.is("farcall_worker_capacity", 1.0);
        soon(async {
            while Read::by(&carol).await.value("farcall_job_queue_oldest_age_seconds") <= 0.0 {
                pace().await;
            }
        })
        .await;
        gate.cancel();
        for id in &ids {
            ended(&alice, "print", id).await;
        }
        let told = told_when(r#"farcall_jobs{state="succeeded"}"#, 3.0).await;
        told.is(r#"farcall_jobs{state="queued"}"#, 0.0);
        told.is("farcall_job_queue_oldest_age_seconds", 0.0);
    }
}

#[tokio::test]
async fn metrics_are_for_callers_with_the_scope_admin() {
    let server = server(Engine::Sqlite).await;
    assert_eq!(server.get("/metrics").await.status, 401);
    let refused = server.with_token("alice-token").get("/metrics").await;
    assert_eq!(refused.status, 403);
    let challenge = "Bearer error=\"insufficient_scope\", scope=\"admin\"";
    assert_eq!(refused.header("www-authenticate"), challenge);
    let carol = server.with_token("carol-token");
    assert_eq!(
        carol.http(Method::HEAD, "/metrics").send().await.status,
        200
    );
    assert_eq!(
        carol.http(Method::POST, "/metrics").send().await.status,
        405
    );
    // Whom a tunnel lets through to a server that asks nobody is no operator.
    let open = Setup::new(tools()).start().await;
    let refused = open.get("/metrics").await;
    assert_eq!(refused.status, 403);
    assert!(refused.plain_error().contains("--scopes admin"));
}

#[tokio::test]
async fn an_address_of_their_own_asks_nobody_and_has_nothing_else() {
    let app = tools_and_jobs().token_verifier(Callers);
    let setup = Setup::new(app).with("FARCALL_METRICS", "127.0.0.1:0");
    let server = setup.start().await;
    let readings = server.at_its_metrics();
    assert_ne!(readings.address, server.address);
    server
        .with_token("alice-token")
        .call("add", json!({"a": 1, "b": 2}))
        .await
        .structured();
    let told = Read::by(&readings).await;
    told.is(r#"farcall_tool_calls_total{tool="add",outcome="ok"}"#, 1.0);
    told.is(r#"farcall_jobs{state="succeeded"}"#, 0.0);
    // Who reads there is not among the callers.
    let counted = r#"farcall_http_requests_total{route="/metrics",status="200"}"#;
    assert!(!Read::by(&readings).await.has(counted));
    for path in ["/", "/mcp", "/admin/jobs", "/files/x", "/readyz"] {
        // None of these is described as not being there.
        let answer = reqwest::get(format!("http://{}{path}", readings.address));
        assert_eq!(answer.await.unwrap().status(), 404, "{path}");
    }
    assert_eq!(
        readings.http(Method::POST, "/metrics").send().await.status,
        405
    );
    // A page that leads a name of its own to this machine reads nothing.
    let foreign = readings.http(Method::GET, "/metrics");
    let foreign = foreign.header("Host", "evil.example.com").send().await;
    assert_eq!(foreign.status, 403);
    server.stop().await;
}

#[tokio::test]
async fn servers_of_one_process_count_for_themselves() {
    let busy = Setup::new(tools()).with("FARCALL_METRICS", "127.0.0.1:0");
    let idle = Setup::new(tools()).with("FARCALL_METRICS", "127.0.0.1:0");
    let (busy, idle) = (busy.start().await, idle.start().await);
    busy.call("add", json!({"a": 1, "b": 2})).await.structured();
    let series = r#"farcall_tool_calls_total{tool="add",outcome="ok"}"#;
    Read::by(&busy.at_its_metrics()).await.is(series, 1.0);
    Read::by(&idle.at_its_metrics()).await.is(series, 0.0);
}

#[tokio::test]
async fn what_is_offered_no_more_is_told_no_more() {
    let setup = Setup::new(tools()).with("FARCALL_METRICS", "127.0.0.1:0");
    let server = setup.start().await;
    for tool in ["add", "echo"] {
        let arguments = json!({"a": 1, "b": 2, "text": "x"});
        server.call(tool, arguments).await;
    }
    assert!(
        Read::by(&server.at_its_metrics())
            .await
            .has(r#"tool="add""#)
    );
    server
        .exchange(&App::new("blackbox").tool::<fall>())
        .unwrap();
    let told = Read::by(&server.at_its_metrics()).await;
    assert!(!told.has(r#"tool="add""#), "{:#?}", told.0);
    told.is(r#"farcall_tool_calls_total{tool="fall",outcome="ok"}"#, 0.0);
}

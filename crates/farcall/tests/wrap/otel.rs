//! Spans, at a collector of OpenTelemetry.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    harness::{Project, Server, message, until},
    services::probe::{self, Probe, Received},
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

const TOML: &str = r#"
[tool.where]
description = "Say where this stands."
command = ["sh", "-c", "printenv TRACEPARENT || echo nowhere"]

[tool.fail]
description = "Fail."
command = ["false"]

[job.film]
description = "Make a film."
command = ["sh", "-c", "(printenv TRACEPARENT || echo nowhere) > trace.txt"]
stages = ["cutting"]
artifacts = ["trace.txt"]
"#;

/// A server that sends its spans to `collector`.
async fn server(collector: &Probe) -> Server {
    let project = Project::new(TOML)
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url("/base"))
        .with(
            "OTEL_EXPORTER_OTLP_HEADERS",
            "authorization=Bearer%20of-the-collector",
        )
        .with("OTEL_SERVICE_NAME", "farm")
        .with("FARCALL_LOG", "trace,hyper=trace,reqwest=trace");
    project.serve().await
}

async fn told(server: &Server, tool: &str, arguments: Value, meta: Value) -> Value {
    let params = json!({"name": tool, "arguments": arguments, "_meta": meta});
    let request = server.request("tools/call", tool, params);
    message(&server.execute(request.build().unwrap()).await)["result"].clone()
}

/// The spans that a request has, each as a collector reads it.
fn spans(received: &Received) -> Vec<Value> {
    assert_eq!(received.line, "POST /base/v1/traces HTTP/1.1");
    assert_eq!(received.header("content-type"), Some("application/json"));
    assert_eq!(
        received.header("authorization"),
        Some("Bearer of-the-collector")
    );
    let body = received.json();
    let [resource] = body["resourceSpans"].as_array().unwrap().as_slice() else {
        panic!("{body}");
    };
    let service = &resource["resource"]["attributes"][0];
    assert_eq!(
        *service,
        json!({"key": "service.name", "value": {"stringValue": "farm"}})
    );
    let scopes = resource["scopeSpans"].as_array().unwrap().iter();
    let spans = scopes.flat_map(|scope| scope["spans"].as_array().unwrap().clone());
    spans.inspect(is_whole).collect()
}

fn is_whole(span: &Value) {
    let digits = |key: &str, length: usize| {
        let id = span[key].as_str().unwrap_or_default();
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        assert!(
            id.len() == length && id.bytes().all(is_digit),
            "{key}: {span}"
        );
    };
    digits("traceId", 32);
    digits("spanId", 16);
    if span.get("parentSpanId").is_some() {
        digits("parentSpanId", 16);
    }
    let moment = |key: &str| span[key].as_str().unwrap().parse::<u128>().unwrap();
    let (begun, ended) = (moment("startTimeUnixNano"), moment("endTimeUnixNano"));
    assert!(
        begun > 1_700_000_000_000_000_000 && begun <= ended,
        "{span}"
    );
}

fn attributes(span: &Value) -> BTreeMap<&str, &str> {
    let attributes = span["attributes"].as_array().unwrap().iter();
    attributes
        .map(|attribute| {
            let value = &attribute["value"]["stringValue"];
            (attribute["key"].as_str().unwrap(), value.as_str().unwrap())
        })
        .collect()
}

#[tokio::test]
async fn calls_jobs_and_stages_are_spans_below_their_caller_and_programs_stand_below_them() {
    let collector = Probe::start().await;
    let server = server(&collector).await;
    let kept = json!({"traceparent": format!("00-{TRACE}-{PARENT}-01")});
    let quick = told(&server, "where", json!({}), kept.clone()).await;
    let failed = told(&server, "fail", json!({}), kept.clone()).await;
    assert_eq!(failed["isError"], true);
    told(&server, "nothing-of-ours", json!({}), kept.clone()).await;
    let started = told(&server, "start_film", json!({}), kept).await;
    let id = started["structuredContent"]["job_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let film = server.result("film", &id).await;
    let traced = String::from_utf8(server.download(&film["url"]).await).unwrap();
    // Who began this trace does not keep it, so nobody does, and it goes on as it came.
    let unkept = "00-11111111111111111111111111111111-2222222222222222-00";
    let alone = told(&server, "where", json!({}), json!({"traceparent": unkept})).await;
    assert_eq!(alone["content"][0]["text"], format!("{unkept}\n"));
    let own = told(&server, "where", json!({}), json!({})).await;
    let talk = server.talk();
    server.stop().await;

    let received = collector.received();
    let spans: Vec<_> = received.iter().flat_map(spans).collect();
    let named = |name: &str| {
        let found: Vec<_> = spans.iter().filter(|span| span["name"] == name).collect();
        assert!(!found.is_empty(), "no `{name}` in {spans:#?}");
        found
    };
    let place = |span: &Value| {
        let id = |key: &str| span[key].as_str().unwrap().to_owned();
        format!("00-{}-{}-01", id("traceId"), id("spanId"))
    };
    let [of_caller, of_nobody] = named("tools/call where")[..] else {
        panic!("{spans:#?}");
    };
    assert_eq!(
        (&of_caller["traceId"], &of_caller["parentSpanId"]),
        (&json!(TRACE), &json!(PARENT))
    );
    assert_eq!(
        (&of_caller["kind"], &of_caller["status"]),
        (&json!(2), &json!({}))
    );
    assert_eq!(
        quick["content"][0]["text"],
        format!("{}\n", place(of_caller))
    );
    assert_eq!(attributes(of_caller)["farcall.call.outcome"], "ok");
    assert_eq!(attributes(of_caller)["mcp.method.name"], "tools/call");
    assert!(attributes(of_caller)["farcall.request.id"].contains('-'));
    // Where nobody began a trace, this server does.
    assert_eq!(of_nobody.get("parentSpanId"), None);
    assert_eq!(own["content"][0]["text"], format!("{}\n", place(of_nobody)));
    let fail = named("tools/call fail")[0];
    assert_eq!(fail["status"]["code"], 2, "{fail}");

    let start = named("tools/call start_film")[0];
    let job = named("job film")[0];
    let stage = named("stage cutting")[0];
    assert_eq!(start["parentSpanId"], PARENT);
    assert_eq!(
        (&job["parentSpanId"], &job["kind"]),
        (&start["spanId"], &json!(5))
    );
    assert_eq!(
        (&stage["parentSpanId"], &stage["kind"]),
        (&job["spanId"], &json!(1))
    );
    for span in [start, job, stage] {
        assert_eq!(span["traceId"], TRACE);
    }
    assert_eq!(traced.trim(), place(stage));
    assert_eq!(attributes(job)["farcall.job.id"], id);
    assert_eq!(attributes(job)["farcall.job.outcome"], "succeeded");

    // What a caller made up is told to nobody, and what opens the collector is in no log.
    let all: String = received
        .iter()
        .map(|one| String::from_utf8_lossy(&one.body).into_owned())
        .collect();
    assert!(
        !all.contains("nothing-of-ours") && !all.contains("111111111111"),
        "{all}"
    );
    assert!(!talk.contains("of-the-collector"), "{talk}");
}

#[tokio::test]
async fn a_collector_that_is_away_holds_up_nobody() {
    let collector = Probe::start().await;
    collector.otherwise(probe::json("503 Service Unavailable", "{}"));
    let server = server(&collector).await;
    for _ in 0..20 {
        let answer = told(&server, "where", json!({}), json!({})).await;
        assert_ne!(answer["isError"], true);
    }
    until("a try", async || {
        (!collector.received().is_empty()).then_some(())
    })
    .await;
    server.stop().await;
}

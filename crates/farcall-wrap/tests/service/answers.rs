//! What is made of answers, good and bad.

use std::time::Duration;

use farcall_config::file::{Method, Output};
use farcall_core::{content::ToolOutput, problem::ErrorCode, tool::Tool};
use serde_json::{Value, json};

use crate::{
    declare::{call, refusal, request, service, tool, tool_with},
    probe::{Probe, json, with},
};

fn reading(probe: &Probe, output: Output, pointer: Option<&str>) -> Tool {
    let mut request = request(Method::Get, "/");
    request.pointer = pointer.map(str::to_owned);
    tool_with(service(&probe.url("")), request, Vec::new(), output)
}

fn object(value: &Value) -> Option<farcall_core::JsonObject> {
    value.as_object().cloned()
}

#[tokio::test]
async fn the_result_is_what_the_pointer_leads_to() {
    let probe = Probe::start().await;
    let body = json!({"data": {"items": [{"a/b": "x\u{1b}[31m\u{202e}y"}], "n": null}});
    for (pointer, result) in [
        (
            "/data/items/0",
            ToolOutput::structured(json!({"a/b": "xy"})),
        ),
        ("/data/items/0/a~1b", ToolOutput::text("xy")),
        ("/data/n", ToolOutput::structured(Value::Null)),
        (
            "",
            ToolOutput::structured(json!({"data": {"items": [{"a/b": "xy"}], "n": null}})),
        ),
    ] {
        probe.answer_json(&body);
        let tool = reading(&probe, Output::Json(None), Some(pointer));
        assert_eq!(call(&tool, json!({})).await.unwrap(), result, "{pointer}");
    }
    probe.answer_json(&body);
    let tool = reading(&probe, Output::Json(None), Some("/data/missing"));
    assert_eq!(
        refusal(&tool, json!({})).await,
        "the answer of the service `probe` has nothing at `/data/missing`; the operator should compare the pointer with an answer"
    );
    probe.answer_json(&body);
    let tool = reading(&probe, Output::Text, Some("/data/items"));
    assert_eq!(
        call(&tool, json!({})).await.unwrap(),
        ToolOutput::text(r#"[{"a/b":"xy"}]"#)
    );
}

#[tokio::test]
async fn a_declared_schema_holds() {
    let probe = Probe::start().await;
    let schema =
        json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]});
    let tool = reading(&probe, Output::Json(object(&schema)), None);
    assert_eq!(tool.declaration.output_schema, object(&schema));
    probe.answer_json(&json!({"n": 1}));
    assert_eq!(
        call(&tool, json!({})).await.unwrap().structured,
        Some(json!({"n": 1}))
    );
    probe.answer_json(&json!({"n": "one"}));
    let problem = call(&tool, json!({})).await.unwrap_err();
    assert_eq!(
        problem.public_message(),
        "the service `probe` answered another value than its declaration promises; the operator finds what is wrong in the server's log"
    );
    assert!(problem.cause().unwrap().to_string().contains("`n`"));
}

#[tokio::test]
async fn text_is_text_and_status_is_a_number() {
    let probe = Probe::start().await;
    let text = reading(&probe, Output::Text, None);
    probe.answer(with(
        "text/plain; charset=utf-8",
        "200 OK",
        "a\u{1b}[1mb\r\nc\u{e0041}",
    ));
    assert_eq!(
        call(&text, json!({})).await.unwrap(),
        ToolOutput::text("ab\nc")
    );
    probe.answer(json("200 OK", "{\"a\":1}"));
    assert_eq!(
        call(&text, json!({})).await.unwrap(),
        ToolOutput::text("{\"a\":1}")
    );
    let mut picture = with("image/png", "200 OK", "").into_bytes();
    picture = String::from_utf8(picture)
        .unwrap()
        .replace(": 0", ": 8")
        .into_bytes();
    picture.extend([0x89, b'P', 0, 0, 0xff, 0xfe, 0, 0xff]);
    probe.answer(picture);
    let sentence = refusal(&text, json!({})).await;
    assert!(sentence.contains("did not answer with text"), "{sentence}");

    let status = reading(&probe, Output::Status, None);
    probe.answer(with("text/html", "201 Created", "<p>"));
    assert_eq!(
        call(&status, json!({})).await.unwrap().structured,
        Some(json!({"status": 201}))
    );
    let json_ = reading(&probe, Output::Json(None), None);
    probe.answer("HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(
        call(&json_, json!({})).await.unwrap().structured,
        Some(json!({"status": 204}))
    );
}

#[tokio::test]
async fn what_is_no_json_is_told_with_what_it_is() {
    let probe = Probe::start().await;
    let tool = reading(&probe, Output::Json(None), None);
    for (answer, told) in [
        (
            with("text/html", "200 OK", "<html>"),
            "did not answer with JSON, but with `text/html`",
        ),
        (json("200 OK", "{\"a\": "), "did not answer with JSON; "),
        (
            json("200 OK", &"[".repeat(100_000)),
            "did not answer with JSON; ",
        ),
        (json("200 OK", "\u{feff}{}"), "did not answer with JSON; "),
    ] {
        probe.answer(answer);
        let sentence = refusal(&tool, json!({})).await;
        assert!(sentence.contains(told), "{sentence}");
    }
}

#[tokio::test]
async fn an_answer_is_read_to_its_limit_and_no_further() {
    let probe = Probe::start().await;
    let mut small = service(&probe.url(""));
    small.max_answer = 100;
    let body = format!("\"{}\"", "x".repeat(98));
    let json_ = tool(small.clone(), request(Method::Get, "/"), Vec::new());
    probe.answer(json("200 OK", &body));
    assert_eq!(
        call(&json_, json!({})).await.unwrap(),
        ToolOutput::text("x".repeat(98))
    );
    for answer in [
        json("200 OK", &format!("{body} ")),
        // Without a length, and without an end.
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n\"{}",
            "x".repeat(1 << 20)
        ),
        // With a length that is a lie.
        "HTTP/1.1 200 OK\r\ncontent-length: 1099511627776\r\n\r\n".to_owned() + &"x".repeat(1_000),
    ] {
        probe.answer(answer);
        let problem = call(&json_, json!({})).await.unwrap_err();
        assert_eq!(problem.code(), ErrorCode::OutputLimit, "{problem:?}");
        assert!(problem.public_message().contains("more than 100 bytes"));
    }
    let text = tool_with(small, request(Method::Get, "/"), Vec::new(), Output::Text);
    probe.answer(with("text/plain", "200 OK", &"ü".repeat(200)));
    let output = call(&text, json!({})).await.unwrap();
    let expected = format!("{}\n[cut: only the first 100 bytes]", "ü".repeat(50));
    assert_eq!(output, ToolOutput::text(expected));
}

#[tokio::test]
async fn an_error_is_told_with_its_status_and_its_beginning() {
    let probe = Probe::start().await;
    let tool = reading(&probe, Output::Json(None), None);
    probe.answer(json(
        "404 Not Found",
        "{\"detail\":\n  \"no such\u{1b}[31m city\"}",
    ));
    let problem = call(&tool, json!({})).await.unwrap_err();
    assert_eq!(
        problem.public_message(),
        "the service `probe` answered 404 Not Found: {\"detail\": \"no such city\"}"
    );
    assert_eq!(problem.code(), ErrorCode::UserError);
    assert_eq!(problem.details()["status"], 404);
    assert!(problem.is_final());

    probe.answer(with("text/html", "502 Bad Gateway", "<h1>nginx</h1>"));
    let problem = call(&tool, json!({})).await.unwrap_err();
    assert_eq!(
        problem.public_message(),
        "the service `probe` answered 502 Bad Gateway"
    );
    assert!(!problem.is_final());

    probe.answer("HTTP/1.1 503 Service Unavailable\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n");
    let problem = call(&tool, json!({})).await.unwrap_err();
    assert_eq!(problem.retry_after(), Some(Duration::from_secs(7)));

    probe.answer(with(
        "text/plain",
        "400 Bad Request",
        &"long ".repeat(100_000),
    ));
    let sentence = refusal(&tool, json!({})).await;
    assert!(
        sentence.len() < 600 && sentence.ends_with('…'),
        "{sentence}"
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_its_target_not_told() {
    let probe = Probe::start().await;
    let elsewhere = Probe::start().await;
    let tool = reading(&probe, Output::Json(None), None);
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let location = elsewhere.url("/secret");
        probe.answer(format!(
            "HTTP/1.1 {status}\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"
        ));
        assert_eq!(
            refusal(&tool, json!({})).await,
            format!(
                "the service `probe` answered {status}, and redirects are not followed; the operator should declare the final address"
            )
        );
    }
    assert_eq!(probe.received().len(), 5);
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn a_packed_answer_is_refused() {
    let probe = Probe::start().await;
    let tool = reading(&probe, Output::Text, None);
    probe.answer("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc");
    let sentence = refusal(&tool, json!({})).await;
    assert!(sentence.contains("packed its answer"), "{sentence}");
    assert!(probe.only().header("accept-encoding").is_none());
}

#[tokio::test]
async fn what_the_network_says_is_for_the_log() {
    let probe = Probe::start().await;
    let address = format!("127.0.0.1:{}", probe.port);
    let tool = reading(&probe, Output::Json(None), None);
    for answer in [
        "nonsense\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551615\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nx: \u{1}\r\n\r\n",
    ] {
        probe.answer(answer);
        let problem = call(&tool, json!({})).await.unwrap_err();
        assert_eq!(
            problem.public_message(),
            "the service `probe` broke off its answer; try again later"
        );
        assert!(
            !problem.cause().unwrap().to_string().contains(&address),
            "{problem:?}"
        );
    }
}

#[tokio::test]
async fn a_service_that_is_away_is_told_so() {
    let tool = tool(
        service("http://127.0.0.1:1/"),
        request(Method::Get, "/"),
        Vec::new(),
    );
    let problem = call(&tool, json!({})).await.unwrap_err();
    assert_eq!(
        problem.public_message(),
        "the service `probe` cannot be reached; try again later"
    );
    assert!(problem.cause().is_some());
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_given_up() {
    let probe = Probe::start().await;
    probe.silence();
    let mut service = service(&probe.url(""));
    service.timeout = Duration::from_millis(50);
    let tool = tool(service, request(Method::Get, "/"), Vec::new());
    let problem = call(&tool, json!({})).await.unwrap_err();
    assert_eq!(problem.code(), ErrorCode::Timeout);
    assert_eq!(
        problem.public_message(),
        "the service `probe` did not answer within 0.05 s"
    );
}

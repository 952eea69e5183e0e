//! What is sent for what is declared.

use farcall_config::file::{Kind, Method, Output, Presence};
use farcall_core::{content::ToolOutput, tool::SchemaOrigin};
use farcall_wrap::service::offers;
use serde_json::json;

use crate::{
    declare::{
        call, parameter, pieces, project, refusal, request, service, text, texts, tool, tool_entry,
    },
    probe::Probe,
};

#[tokio::test]
async fn values_become_text_by_their_kind() {
    let probe = Probe::start().await;
    let mut request = request(Method::Get, "/v{version}/cities/{city}");
    request.query = vec![
        ("days".to_owned(), pieces("{days}")),
        ("metric".to_owned(), pieces("{metric}")),
        ("tag".to_owned(), pieces("{tags}")),
        ("note".to_owned(), pieces("by {note}")),
    ];
    let number = Kind::Number {
        minimum: None,
        maximum: None,
    };
    let integer = Kind::Integer {
        minimum: None,
        maximum: None,
    };
    let parameters = vec![
        parameter("version", integer, Presence::Default(json!(2))),
        parameter("city", text(), Presence::Required),
        parameter("days", number, Presence::Optional),
        parameter("metric", Kind::Boolean, Presence::Optional),
        parameter("tags", texts(), Presence::Optional),
        parameter("note", text(), Presence::Optional),
    ];
    let tool = tool(service(&probe.url("")), request, parameters);
    let all = json!({
        "city": "São Paulo/Sé", "days": 1.5, "metric": true, "tags": ["a&b", "c,d"], "note": "me & you",
    });
    call(&tool, all).await.unwrap();
    assert_eq!(
        probe.only().line,
        "GET /v2/cities/S%C3%A3o%20Paulo%2FS%C3%A9?days=1.5&metric=true&tag=a%26b&tag=c%2Cd&note=by%20me%20%26%20you HTTP/1.1"
    );
    // What is left out is left out with its pair.
    call(&tool, json!({"city": "x"})).await.unwrap();
    assert_eq!(probe.only().line, "GET /v2/cities/x HTTP/1.1");
    call(&tool, json!({"city": "x", "version": 3, "tags": []}))
        .await
        .unwrap();
    assert_eq!(probe.only().line, "GET /v3/cities/x HTTP/1.1");
}

#[tokio::test]
async fn a_body_holds_what_is_named_nowhere_else() {
    let probe = Probe::start().await;
    let parameters = || {
        vec![
            parameter("id", text(), Presence::Required),
            parameter("title", text(), Presence::Required),
            parameter("tags", texts(), Presence::Optional),
        ]
    };
    let put = tool(
        service(&probe.url("")),
        request(Method::Put, "/things/{id}"),
        parameters(),
    );
    call(&put, json!({"id": "7", "title": "A", "tags": ["x"]}))
        .await
        .unwrap();
    let received = probe.only();
    assert_eq!(received.line, "PUT /things/7 HTTP/1.1");
    assert_eq!(received.json(), json!({"title": "A", "tags": ["x"]}));

    let mut named = request(Method::Delete, "/things/{id}");
    named.body = Some(vec!["title".to_owned()]);
    let delete = tool(service(&probe.url("")), named, parameters());
    call(&delete, json!({"id": "7", "title": "A", "tags": ["x"]}))
        .await
        .unwrap();
    let received = probe.only();
    assert_eq!(received.line, "DELETE /things/7 HTTP/1.1");
    assert_eq!(received.json(), json!({"title": "A"}));

    let post = tool(
        service(&probe.url("")),
        request(Method::Post, "/run"),
        Vec::new(),
    );
    call(&post, json!({})).await.unwrap();
    let received = probe.only();
    assert!(received.body.is_empty() && received.header("content-type").is_none());
    assert_eq!(received.header("content-length"), Some("0"));
}

#[tokio::test]
async fn the_path_of_the_base_url_goes_first() {
    let probe = Probe::start().await;
    for (base, path, line) in [
        ("", "/", "GET / HTTP/1.1"),
        ("/", "/a", "GET /a HTTP/1.1"),
        ("/api/v1", "/a/", "GET /api/v1/a/ HTTP/1.1"),
        ("/api/v1/", "/a%20b", "GET /api/v1/a%2520b HTTP/1.1"),
    ] {
        let tool = tool(
            service(&probe.url(base)),
            request(Method::Get, path),
            Vec::new(),
        );
        call(&tool, json!({})).await.unwrap();
        assert_eq!(probe.only().line, line, "{base} {path}");
    }
}

#[tokio::test]
async fn connections_are_used_again() {
    let probe = Probe::start().await;
    let tool = tool(
        service(&probe.url("")),
        request(Method::Get, "/"),
        Vec::new(),
    );
    for _ in 0..20 {
        call(&tool, json!({})).await.unwrap();
    }
    assert_eq!(probe.received().len(), 20);
    // One, unless the machine had others to run for as long as an idle one is kept.
    let connections = probe.connections();
    assert!(connections < 5, "{connections}");
}

#[tokio::test]
async fn headers_are_those_of_the_file() {
    let probe = Probe::start().await;
    let mut service = service(&probe.url(""));
    service
        .headers
        .insert("Accept".to_owned(), "text/csv".into());
    let tool = tool(service, request(Method::Get, "/"), Vec::new());
    call(&tool, json!({})).await.unwrap();
    let received = probe.only();
    let beginning = b"GET / HTTP/1.1\r\naccept: text/csv\r\n";
    assert!(received.head.starts_with(beginning), "{received:?}");
    assert_eq!(received.header("x-key"), Some("s3cret"));
    assert!(
        received
            .header("user-agent")
            .unwrap()
            .starts_with("farcall/")
    );
    assert_eq!(received.names(), ["accept", "host", "user-agent", "x-key"]);
}

#[tokio::test]
async fn what_no_schema_says_is_refused_in_words() {
    let probe = Probe::start().await;
    let parameters = vec![parameter("city", text(), Presence::Required)];
    let tool = tool(
        service(&probe.url("")),
        request(Method::Get, "/{city}"),
        parameters,
    );
    assert_eq!(tool.declaration.schema_origin, SchemaOrigin::Declared);
    for (city, sentence) in [
        ("", "`city` is empty, which a path cannot say; send a text"),
        (
            "..",
            "`city` would lead elsewhere: `.` and `..` are no names in a path; send the name itself",
        ),
        (
            "a\nb",
            "`city` has control characters in it, which no path has; send one line of plain text",
        ),
    ] {
        assert_eq!(refusal(&tool, json!({"city": city})).await, sentence);
    }
    let long = refusal(&tool, json!({"city": "?".repeat(20_000)})).await;
    assert_eq!(
        long,
        "the arguments make a URL of 60001 bytes, at most 32768 are sent; send shorter ones"
    );
    assert!(probe.received().is_empty());
}

#[tokio::test]
async fn an_answer_is_structured_and_text() {
    let probe = Probe::start().await;
    probe.answer_json(&json!({"b": 1, "a": [true]}));
    let tool = tool(
        service(&probe.url("")),
        request(Method::Get, "/"),
        Vec::new(),
    );
    let output = call(&tool, json!({})).await.unwrap();
    assert_eq!(output, ToolOutput::structured(json!({"b": 1, "a": [true]})));
}

#[test]
fn everything_that_cannot_work_is_told_at_once() {
    let files = Kind::Array {
        items: Box::new(Kind::File { root: "/".into() }),
        min_items: None,
        max_items: None,
    };
    let mut elsewhere = request(Method::Get, "/");
    elsewhere.service = "other".to_owned();
    let wrong = Output::Json(json!({"type": "nonsense"}).as_object().cloned());
    let entries = vec![
        tool_entry(
            request(Method::Post, "/"),
            vec![parameter("f", files, Presence::Required)],
            Output::Text,
        ),
        tool_entry(elsewhere, Vec::new(), Output::Text),
        tool_entry(request(Method::Get, "/"), Vec::new(), wrong),
    ];
    let faults = offers(&project(service("http://127.0.0.1:9"), entries)).unwrap_err();
    let told = faults.to_string();
    assert_eq!(faults.0.len(), 3, "{told}");
    assert!(
        told.contains("tool `ask`: `f` is a file of this machine"),
        "{told}"
    );
    assert!(
        told.contains("tool `ask`: there is no service `other`"),
        "{told}"
    );
    assert!(
        told.contains("tool `ask`: the schema of its output is invalid"),
        "{told}"
    );

    let mut service = service("http://169.254.169.254/");
    service.headers.insert("X\r\nY".to_owned(), "a".into());
    service.headers.insert("X-Z".to_owned(), "a\r\nb".into());
    service.allowed_addresses = vec!["10.0.0.0/99".to_owned()];
    let faults = offers(&project(service, Vec::new())).unwrap_err();
    assert_eq!(faults.0.len(), 4, "{faults}");
    assert!(!faults.to_string().contains("a\r\nb"));
}

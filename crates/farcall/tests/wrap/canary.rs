//! Secrets, in none of the places where one could look for them.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::harness::{Project, client, message};

const TOKEN: &str = "canary-of-the-bearer-token-0123456789";
const GUESS: &str = "canary-of-a-wrong-token-0123456789";
const SECRET: &str = "canary-of-the-shared-secret-0123456789";
const PREVIOUS: &str = "canary-of-the-previous-secret-0123456789";
const HEADER: &str = "canary-of-another-header-0123456789";
const TOML: &str = r#"
[tool.greet]
description = "Say hello."
command = ["echo", "hello"]

[tool.fail]
description = "Fail."
command = ["sh", "-c", "exit 3"]

[job.film]
description = "Make a film."
command = ["sh", "-c", "echo film > film.txt"]
artifacts = ["film.txt"]
"#;

#[tokio::test]
async fn a_secret_is_in_no_log_no_database_no_audit_and_no_answer() {
    let project = Project::new(TOML)
        .with("MCP_BEARER_TOKEN", TOKEN)
        .with("FARCALL_SECRET", SECRET)
        .with("FARCALL_PREVIOUS_SECRET", PREVIOUS)
        .with("FARCALL_AUDIT", "audit.jsonl")
        .with("FARCALL_AUDIT_VALUES", "1")
        .with("FARCALL_METRICS", "127.0.0.1:0")
        // What libraries say that are quiet otherwise, too; not what the SDK says of each answer, which
        // is the answer itself.
        .with("FARCALL_LOG", "trace,hyper=trace,rmcp=trace,sqlx=trace");
    let server = project.serve().await;
    let mut answers = String::new();
    let mut call = async |token: &str, tool: &str, arguments: Value| {
        let params = json!({"name": tool, "arguments": arguments});
        let request = server
            .request("tools/call", tool, params)
            .bearer_auth(token)
            .header("Cookie", format!("session={HEADER}"))
            .header("CF-Access-Client-Secret", HEADER)
            .header("X-Api-Key", HEADER);
        let answer = request.send().await.unwrap();
        let headers = format!("{:?}", answer.headers());
        let body = answer.text().await.unwrap();
        answers.extend([headers.as_str(), &body]);
        body
    };
    for token in [TOKEN, GUESS] {
        call(token, "greet", json!({})).await;
        call(token, "fail", json!({})).await;
        call(token, "nothing", json!({})).await;
    }
    let started = message(&call(TOKEN, "start_film", json!({})).await);
    let id = json!({"job_id": started["result"]["structuredContent"]["job_id"]});
    let link = loop {
        let result = message(&call(TOKEN, "get_film_result", id.clone()).await);
        if let Some(url) = result["result"]["structuredContent"]["url"].as_str() {
            break url.to_owned();
        }
        tokio::task::yield_now().await;
    };
    let file = client().get(&link).send().await.unwrap();
    assert_eq!(file.status(), 200);
    let signature = link.split("sig=").nth(1).unwrap().to_owned();
    let wrong = link.replace("exp=", "exp=1");
    assert_eq!(client().get(&wrong).send().await.unwrap().status(), 404);

    // What is refused before there is a caller, a tool or a request.
    for (path, headers, body) in [
        (
            "/mcp",
            [("Host", "evil.example.com"), ("Origin", "null")],
            "{}",
        ),
        ("/mcp", [("Accept", "x/y"), ("Mcp-Method", "x")], "{\"id\":"),
        (
            "/mcp",
            [("Accept", "*/*"), ("Content-Encoding", "br")],
            "{}",
        ),
        ("/nothing", [("Accept", "*/*"), ("Accept", "*/*")], ""),
        (
            "/admin/jobs/nothing/retry",
            [("X-A", "1"), ("X-B", "2")],
            "",
        ),
        ("/files/nothing?x=1", [("X-A", "1"), ("X-B", "2")], ""),
    ] {
        for token in [TOKEN, GUESS] {
            let request = client().post(server.origin() + path).bearer_auth(token);
            let request = request.header("Cookie", HEADER).header("X-Api-Key", HEADER);
            let request = headers.iter().fold(request, |request, (name, value)| {
                request.header(*name, *value)
            });
            let answer = request.body(body).send().await.unwrap();
            assert!(!answer.status().is_success(), "{path}: {answer:?}");
            let headers = format!("{:?}", answer.headers());
            answers.extend([headers, answer.text().await.unwrap()]);
        }
    }

    let metrics = server.metrics().await;
    for told in [
        r#"farcall_tool_calls_total{tool="greet",outcome="ok"} 1"#,
        r#"farcall_auth_failures_total{reason="wrong"} "#,
        r#"farcall_auth_failures_total{reason="link"} 1"#,
        r#"farcall_jobs{state="succeeded"} 1"#,
    ] {
        assert!(metrics.contains(told), "{told}: {metrics}");
    }
    let (talk, folder) = (server.talk(), project.path(""));
    server.stop().await;
    let mut seen = vec![
        ("the log".to_owned(), talk),
        ("an answer".to_owned(), answers),
        ("the metrics".to_owned(), metrics),
    ];
    read_all(&folder, &mut seen);
    assert!(
        seen.iter().any(|(place, _)| place.ends_with("audit.jsonl")),
        "{}",
        seen.len()
    );
    for (place, text) in &seen {
        for canary in [TOKEN, GUESS, SECRET, PREVIOUS, HEADER] {
            assert!(!text.contains(canary), "{canary} is in {place}");
        }
        // Who asked for it is shown it, and nobody else.
        if place != "an answer" {
            assert!(!text.contains(&signature), "a signature is in {place}");
        }
    }
}

/// All files below `folder`, whatever is in them.
fn read_all(folder: &Path, seen: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_all(&path, seen);
        } else {
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            seen.push((path.display().to_string(), text));
        }
    }
}

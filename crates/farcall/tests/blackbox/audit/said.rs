//! What is written down, and what of it.

use std::{fs, os::unix::fs::PermissionsExt};

use farcall::{
    Content, Message, Problem, Prompt, Resource, ResourceContent, Tool, ToolDeclaration,
    ToolOutput, Value, json,
};
use reqwest::Method;

use super::{Audited, lines};
use crate::{
    harness::{Setup, pace, soon},
    offers::{Callers, printed, result, started, tools_and_jobs},
    tasks::{self, exposed},
};

#[tokio::test]
async fn a_call_is_one_line_that_says_who_what_and_how_it_ended() {
    let audited = Audited::new(|setup| setup).await;
    let alice = audited.server.with_token("alice-token");
    let reply = alice.call("add", json!({"a": 2, "b": 3})).await;
    let asking = alice.tool("add", json!({"a": 2, "b": 3}));
    let asking = asking.capabilities(json!({"elicitation": {}}));
    asking.send().await.structured();
    let lines = audited.lines(2).await;
    let line = &lines[0];
    for (key, value) in [
        ("event", json!("call")),
        ("caller", json!("alice")),
        ("address", json!("127.0.0.1")),
        ("tool", json!("add")),
        ("outcome", json!("ok")),
        ("request_id", json!(reply.header("x-request-id"))),
        // Of `{"a":2,"b":3}`.
        (
            "arguments_sha256",
            json!("206f7b5543e6f2ef39bf334988fd7097b725caeed16588cd9d785480f2f0f8f6"),
        ),
    ] {
        assert_eq!(line[key], value, "{key}: {line}");
    }
    assert!(line["ms"].is_u64() && line["time"].is_string(), "{line}");
    assert_eq!(line.get("arguments"), None);
    // By the longer way it is the same.
    for key in [
        "event",
        "caller",
        "tool",
        "outcome",
        "arguments_sha256",
        "address",
    ] {
        assert_eq!(lines[1][key], line[key], "{key}");
    }
    let mode = fs::metadata(&audited.log).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_line_names_the_job_and_the_error() {
    let audited = Audited::new(|setup| setup).await;
    let alice = audited.server.with_token("alice-token");
    let id = started(&alice, "print", json!({"text": "hi"})).await;
    let unknown = "00000000000000000000000000000000";
    let calls = [
        (
            "cancel_print",
            json!({"job_id": unknown}),
            "unknown_job",
            Some(unknown),
        ),
        (
            "paint",
            json!({"coats": 1, "colour": "blue"}),
            "user_error",
            None,
        ),
        ("paint", json!({"coats": 99}), "user_error", None),
        ("nothing", json!({}), "refused", None),
    ];
    for (tool, arguments, _, _) in &calls {
        alice.call(tool, arguments.clone()).await;
    }
    let lines = audited.lines(5).await;
    assert_eq!(
        (&lines[0]["tool"], &lines[0]["job_id"]),
        (&json!("start_print"), &json!(id))
    );
    for (line, (tool, _, outcome, job)) in lines[1..].iter().zip(calls) {
        assert_eq!(line["tool"], tool);
        assert_eq!(line["outcome"], outcome, "{line}");
        assert_eq!(line.get("job_id").and_then(Value::as_str), job, "{line}");
    }
}

#[tokio::test]
async fn what_operators_ask_for_is_written_down() {
    let audited = Audited::new(|setup| setup).await;
    let carol = audited.server.with_token("carol-token");
    let id = printed(&audited.server.with_token("alice-token"), "hi").await;
    let unknown = "00000000000000000000000000000000";
    let asking = [
        (Method::GET, "/admin/jobs?limit=1".to_owned()),
        (Method::GET, format!("/admin/jobs/{id}")),
        (Method::POST, format!("/admin/jobs/{id}/retry")),
        (Method::POST, format!("/admin/jobs/{unknown}/cancel")),
    ];
    for (method, path) in asking {
        carol.http(method, &path).send().await;
    }
    let told = audited.lines_of("carol", 4).await;
    let told: Vec<_> = told
        .iter()
        .map(|line| {
            (
                line["tool"].as_str(),
                line["job_id"].as_str(),
                line["outcome"].as_str(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (Some("jobs/list"), None, Some("ok")),
            (Some("jobs/show"), Some(id.as_str()), Some("ok")),
            (Some("jobs/retry"), Some(id.as_str()), Some("refused")),
            (Some("jobs/cancel"), Some(unknown), Some("unknown_job")),
        ]
    );
}

#[tokio::test]
async fn values_are_written_where_that_is_wanted_and_their_hash_tells_them_apart() {
    let audited = Audited::new(|setup| setup.with("FARCALL_AUDIT_VALUES", "1")).await;
    let alice = audited.server.with_token("alice-token");
    for text in ["one\nline", "another"] {
        alice.call("echo", json!({"text": text})).await.structured();
    }
    let long = "x".repeat(100_000);
    alice.call("echo", json!({"text": long})).await.structured();
    let lines = audited.lines(3).await;
    assert_eq!(lines[0]["arguments"], json!({"text": "one\nline"}));
    assert_eq!(lines[1]["arguments"], json!({"text": "another"}));
    assert_ne!(lines[0]["arguments_sha256"], lines[1]["arguments_sha256"]);
    assert_eq!(lines[2].get("arguments"), None);
}

#[tokio::test]
async fn whoever_fetches_a_file_is_written_down() {
    let audited = Audited::new(|setup| setup).await;
    let alice = audited.server.with_token("alice-token");
    let id = printed(&alice, "hi").await;
    let left = result(&alice, "print", &id).await.structured();
    let url = left["artifacts"][1]["url"].as_str().unwrap();
    let link = url.split_once("/files/").unwrap().1;
    let path = format!("/files/{id}/page.txt");
    alice.get(&path).await;
    audited.server.get(&format!("/files/{link}")).await;
    audited.server.with_token("bob-token").get(&path).await;
    audited.server.get(&path).await;
    let seen = soon(async {
        loop {
            let text = fs::read_to_string(&audited.log).unwrap();
            let files: Vec<Value> = text
                .lines()
                .map(|line| serde_json::from_str::<Value>(line).unwrap())
                .filter(|line| line["event"] == "file")
                .collect();
            if files.len() == 4 {
                assert!(!text.contains("sig="), "{text}");
                return files;
            }
            pace().await;
        }
    })
    .await;
    let told = seen
        .iter()
        .map(|line| (line["caller"].as_str(), line["status"].as_u64().unwrap()));
    let told: Vec<_> = told.collect();
    assert_eq!(
        told,
        [
            (Some("alice"), 200),
            (None, 200),
            (Some("bob"), 404),
            (None, 401)
        ]
    );
    assert_eq!(
        (&seen[0]["job_id"], &seen[0]["file"]),
        (&json!(id), &json!("page.txt"))
    );
}

#[tokio::test]
async fn a_change_of_a_task_is_a_call() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.jsonl");
    let gate = tokio_util::sync::CancellationToken::new();
    let app = crate::offers::tools().add_job(exposed(crate::offers::print(&gate)));
    let setup = Setup::new(app.token_verifier(Callers));
    let server = setup
        .with("FARCALL_AUDIT", log.to_str().unwrap())
        .start()
        .await;
    let alice = server.with_token("alice-token");
    let id = tasks::id_of(&alice, "print", json!({"text": "hi"})).await;
    tasks::about(&alice, "tasks/cancel", &id)
        .send()
        .await
        .result();
    let lines = lines(&log, 2).await;
    assert_eq!(
        (&lines[0]["tool"], &lines[0]["job_id"]),
        (&json!("print"), &json!(id))
    );
    assert_eq!(
        (&lines[1]["tool"], &lines[1]["job_id"]),
        (&json!("tasks/cancel"), &json!(id))
    );
    assert_eq!(lines[1]["outcome"], "ok");
    gate.cancel();
}

#[tokio::test]
async fn a_prompt_that_is_written_and_a_resource_that_is_read_are_calls() {
    let greet = Prompt::new("greet", "Greet.", |_, arguments| async move {
        match arguments.get("name") {
            Some(name) => Ok(vec![Message::user(Content::text(format!("Hello {name}")))]),
            None => Err(Problem::user("nobody is there")),
        }
    });
    let today = Resource::new("notes://today", "today", |_, uri| async move {
        Ok(vec![ResourceContent::text(uri, "text/plain", "nothing")])
    });
    let broken = Resource::new("notes://broken", "broken", |_, _| async {
        panic!("SELECT")
    });
    let greet = greet.optional_argument("name", "Whom.");
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.jsonl");
    let app = tools_and_jobs()
        .prompt(greet)
        .resource(today)
        .resource(broken);
    let server = Setup::new(app.token_verifier(Callers))
        .with("FARCALL_AUDIT", log.to_str().unwrap())
        .with("FARCALL_AUDIT_VALUES", "1")
        .start()
        .await;
    let alice = server.with_token("alice-token");
    let asked = [
        (
            "prompts/get",
            json!({"name": "greet", "arguments": {"name": "Ann"}}),
            "ok",
        ),
        ("prompts/get", json!({"name": "greet"}), "user_error"),
        ("prompts/get", json!({"name": "nothing"}), "refused"),
        (
            "prompts/get",
            json!({"name": "greet", "arguments": {"name": 7}}),
            "refused",
        ),
        ("resources/read", json!({"uri": "notes://today"}), "ok"),
        (
            "resources/read",
            json!({"uri": "notes://broken"}),
            "internal",
        ),
        (
            "resources/read",
            json!({"uri": "notes://nothing"}),
            "refused",
        ),
    ];
    for (method, params, _) in &asked {
        alice.rpc(method, params.clone()).send().await;
    }
    let lines = lines(&log, asked.len()).await;
    assert_eq!(lines.len(), asked.len());
    for (line, (method, params, outcome)) in lines.iter().zip(&asked) {
        assert_eq!(line["tool"], *method, "{line}");
        assert_eq!(line["outcome"], *outcome, "{line}");
        for key in ["name", "uri"] {
            assert_eq!(line["arguments"][key], params[key], "{line}");
        }
        assert_eq!(
            (&line["event"], &line["caller"]),
            (&json!("call"), &json!("alice"))
        );
    }
    assert_eq!(lines[0]["arguments"]["arguments"], json!({"name": "Ann"}));
}

#[tokio::test]
async fn a_tool_has_no_say_in_its_line() {
    let lie = json!({"job_id": "x".repeat(10_000), "error_code": "nothing happened"});
    let says = |name: &str, output: ToolOutput| {
        Tool::dynamic(ToolDeclaration::new(name, "Say something."), move |_, _| {
            std::future::ready(Ok(output.clone()))
        })
    };
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.jsonl");
    let app = tools_and_jobs()
        .add_tool(says("work", ToolOutput::structured(lie.clone())))
        .add_tool(says("fail", ToolOutput::structured(lie).failed()));
    let server = Setup::new(app.token_verifier(Callers))
        .with("FARCALL_AUDIT", log.to_str().unwrap())
        .start()
        .await;
    let alice = server.with_token("alice-token");
    let calls = [("work", "ok"), ("fail", "user_error")];
    for (tool, _) in calls {
        alice.call(tool, json!({})).await.result();
    }
    for (line, (tool, outcome)) in lines(&log, 2).await.iter().zip(calls) {
        assert_eq!(
            (&line["tool"], &line["outcome"]),
            (&json!(tool), &json!(outcome))
        );
        assert_eq!(line.get("job_id"), None, "{line}");
    }
}

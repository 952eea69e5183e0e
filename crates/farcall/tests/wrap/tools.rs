//! Programs as tools: what they are given, and what becomes of what they print.

use std::{fs, time::Duration};

use serde_json::{Value, json};

use crate::harness::{PATH, Project, gone, is_alive, until, written};

pub(crate) const TOML: &str = r#"
[tool.probe]
description = "Say what it was given."
command = ["python3", "probe.py", "--name={name}", "{more}", "{loud}"]
stdin = "json"
output = "json"
env = { SECRET = "${OUTSIDE}", FIXED = "a b" }
inherit_env = ["PASSED"]
params.name = { type = "string", description = "A name." }
params.more = { type = "array", items = { type = "integer" }, flag = "--more", optional = true, description = "Numbers." }
params.loud = { type = "boolean", flag = "-l", default = false, description = "Whether it is loud." }

[tool.act]
description = "Do what it is told."
command = ["python3", "act.py", "{actions}"]
timeout = "20s"
grace = "1s"
limits = { output = "1MiB" }
env = { TEST_OUT = "${OUT}" }
sandbox = "off"
params.actions = { type = "array", items = { type = "string" }, description = "What to do." }

[tool.answer]
description = "Print JSON."
command = ["python3", "act.py", "print={text}"]
output = "json"
output_schema = { type = "object", required = ["a"], properties = { a = { type = "integer" } } }
params.text = { type = "string", description = "What to print." }

[tool.quiet]
description = "Say only how it ended."
command = ["python3", "act.py", "print=secret", "exit={status}"]
output = "status"
params.status = { type = "integer", minimum = 0, maximum = 255, description = "The status." }
"#;

fn project() -> Project {
    let out = std::env::temp_dir();
    Project::new(TOML)
        .with("OUTSIDE", "s3cret")
        .with("PASSED", "passed on")
        .with("MCP_BEARER_TOKEN_FILE", "not for programs")
        .with("OUT", out.to_str().unwrap())
}

fn unhexed(value: &Value) -> String {
    let text = value.as_str().unwrap();
    let digits = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    String::from_utf8(digits.map(byte).collect()).unwrap()
}

#[tokio::test]
async fn a_program_is_given_its_arguments_a_folder_and_little_else() {
    let project = project();
    let server = project.serve().await;
    let given = json!({"name": "a 'b' $(id)", "more": [1, 2], "loud": true});
    let seen = server.value("probe", given.clone()).await;
    let arguments: Vec<_> = seen["arguments"]
        .as_array()
        .unwrap()
        .iter()
        .map(unhexed)
        .collect();
    assert_eq!(
        arguments,
        ["--name=a 'b' $(id)", "--more", "1", "--more", "2", "-l"]
    );
    let folder = seen["folder"].as_str().unwrap();
    let environment = seen["environment"].as_object().unwrap().iter();
    let mut environment: Vec<_> = environment
        .map(|(name, value)| (unhexed(&json!(name)), unhexed(value)))
        .collect();
    environment.sort();
    let expected = [
        ("FIXED", "a b"),
        ("LANG", "C.UTF-8"),
        ("PASSED", "passed on"),
        ("PATH", PATH),
        ("SECRET", "s3cret"),
        ("TMPDIR", folder),
    ];
    assert_eq!(
        environment,
        expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    assert_eq!((&seen["files"], &seen["mode"]), (&json!([]), &json!(0o700)));
    let read: Value = serde_json::from_str(seen["stdin"].as_str().unwrap()).unwrap();
    assert_eq!(read, given);

    let again = server.value("probe", json!({"name": "b"})).await;
    assert_ne!(again["folder"], seen["folder"]);
    let removed = async || (!fs::exists(folder).unwrap()).then_some(());
    until("the end of a folder", removed).await;
    server.stop().await;
}

#[tokio::test]
async fn the_schema_is_the_declaration() {
    let server = project().serve().await;
    let tools = server.tools().await;
    let names: Vec<_> = tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["probe", "act", "answer", "quiet"]);
    assert_eq!(
        tools[0]["inputSchema"],
        json!({
            "type": "object",
            "properties": {
                "name": {"description": "A name.", "type": "string"},
                "more": {"description": "Numbers.", "type": "array", "items": {"type": "integer"}},
                "loud": {"description": "Whether it is loud.", "type": "boolean", "default": false},
            },
            "required": ["name"],
            "additionalProperties": false,
        })
    );
    assert_eq!(tools[2]["outputSchema"]["required"], json!(["a"]));
    let (error, _) = server.call("probe", json!({"name": 1})).await.failure();
    assert!(error.contains("`name`"), "{error}");
}

#[tokio::test]
async fn text_is_cleaned_and_cut() {
    let server = project().serve().await;
    let act = async |action: &str| server.call("act", json!({"actions": [action]})).await;
    let answer = act(r"print=\x1b[31mred\x1b[0m\r\nplain\u202e\x00\n").await;
    assert_eq!(
        (answer.text.as_str(), answer.is_error),
        ("red\nplain\n", false)
    );
    let long = format!("print={}", "y".repeat(100_000));
    let answer = act(&long).await;
    let (text, sentence) = answer.text.rsplit_once('\n').unwrap();
    assert_eq!(text.len(), 64 << 10);
    assert_eq!(
        sentence,
        "(the output goes on: 34464 of 100000 bytes were left out here)"
    );
}

#[tokio::test]
async fn json_is_a_value_that_its_schema_holds_for() {
    let server = project().serve().await;
    let answer = async |text: &str| server.call("answer", json!({"text": text})).await;
    assert_eq!(answer(r#"{"a": 1}"#).await.structured, json!({"a": 1}));
    for (printed, told) in [
        (r#"{"a": "x"}"#, "another value"),
        ("a", "did not print JSON"),
        ("", "did not print JSON"),
    ] {
        let (error, _) = answer(printed).await.failure();
        assert!(error.contains(told), "{error}");
    }
    assert!(
        server.talk().contains("is not of type"),
        "the log says what was wrong"
    );
}

#[tokio::test]
async fn a_program_that_ends_badly_says_how() {
    let server = project().serve().await;
    assert_eq!(
        server.call("quiet", json!({"status": 0})).await.text,
        "done"
    );
    let (error, code) = server.call("quiet", json!({"status": 3})).await.failure();
    assert_eq!(
        (error.as_str(), code.as_str()),
        ("the program ended with status 3", "exit_nonzero")
    );

    let act = async |actions: Value| {
        server
            .call("act", json!({"actions": actions}))
            .await
            .failure()
    };
    let (error, code) = act(json!(["print=out", "complain=one\\n\\x1b[1mtwo", "exit=2"])).await;
    assert_eq!(code, "exit_nonzero");
    assert_eq!(
        error,
        "the program ended with status 2, its last words: one\ntwo"
    );
    let (error, code) = act(json!(["signal=11"])).await;
    assert_eq!(code, "exit_nonzero");
    assert!(error.contains("signal 11"), "{error}");
    let (error, code) = act(json!(["flood"])).await;
    assert_eq!(code, "output_limit");
    assert!(error.contains("more than 1048576 bytes"), "{error}");
}

/// P11, P13: nothing of it is left, neither a child nor a child of that.
#[tokio::test]
async fn a_program_ends_with_its_call() {
    let out = tempfile::tempdir().unwrap();
    let toml = TOML.replace("20s", "4s");
    let project = Project::new(&toml)
        .with("OUT", out.path().to_str().unwrap())
        .with("OUTSIDE", "x");
    let server = project.serve().await;
    let actions = json!({"actions": ["children", "wait"]});
    let (error, code) = server.call("act", actions.clone()).await.failure();
    assert_eq!(code, "timeout", "{error}");
    gone(&processes(&written(&out.path().join("processes")).await)).await;

    // A caller that goes away.
    let toml = TOML.to_owned();
    let project = Project::new(&toml)
        .with("OUT", out.path().to_str().unwrap())
        .with("OUTSIDE", "x");
    let server = project.serve().await;
    fs::remove_file(out.path().join("processes")).unwrap();
    let params =
        json!({"name": "act", "arguments": {"actions": ["deaf", "children=deaf", "wait"]}});
    let request = server.request("tools/call", "act", params).send();
    let call = tokio::spawn(request);
    let there = processes(&written(&out.path().join("processes")).await);
    assert!(there.len() == 3 && there.iter().all(|process| is_alive(*process)));
    call.abort();
    gone(&there).await;
    let quick = tokio::time::timeout(Duration::from_secs(10), server.stop());
    quick.await.unwrap();
}

pub(crate) fn processes(text: &str) -> Vec<i32> {
    text.split_whitespace()
        .map(|number| number.parse().unwrap())
        .collect()
}

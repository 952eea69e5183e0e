//! `check` tells everything at once, and shows what is offered.

use serde_json::Value;

use super::{folder, typed};
use crate::harness::{farcall, shows};

const FINE: &str = r#"
[server]
name = "press"

[tool.welcome]
description = "Greet somebody."
command = ["echo", "Hello, {name}!", "{times}", "{tone}"]
params.name = { type = "string", description = "Whom." }
params.times = { type = "integer", default = 1, description = "How often." }
params.tone = { type = "string", enum = ["warm", "cold"], optional = true, description = "How." }

[job.print]
description = """
Print a book.
It takes a while."""
command = ["sh", "-c", "echo"]
artifacts = ["*.pdf"]
"#;

const WRONG: &str = "\
[server]
name = \"press\"
prot = 8900

[tool.welcome]
\tdescription = \"Greet 世界\u{200b}.\"
command = [\"sh\", \"-c\", \"echo {name}\"]
params.name = { type = \"text\", description = \"Whom.\" }
env.API_KEY = \"0123456789\"
";

#[test]
fn a_fine_file_shows_what_it_offers() {
    let folder = folder([("farcall.toml", FINE)]);
    shows!(typed(folder.path(), &["check"]));
}

#[test]
fn everything_that_is_wrong_is_shown_where_it_is() {
    let folder = folder([("farcall.toml", WRONG)]);
    let ended = typed(folder.path(), &["check", "farcall.toml"]);
    assert!(!ended.to_string().contains("0123456789"));
    shows!(ended);
}

#[test]
fn the_same_as_json() {
    let folder = folder([("farcall.toml", FINE), ("wrong.toml", WRONG)]);
    let json = |arguments: &[&str]| {
        let ended = typed(folder.path(), arguments);
        let value: Value = serde_json::from_str(&ended.stdout).unwrap();
        (ended.exit, value)
    };
    let (exit, fine) = json(&["check", "--json"]);
    assert_eq!((exit, &fine["ok"]), (0, &Value::Bool(true)));
    assert_eq!(fine["tools"][0]["name"], "welcome");
    // As clients list it.
    let schema = &fine["tools"][0]["inputSchema"];
    assert_eq!(schema["properties"]["times"]["default"], 1);
    assert_eq!(schema["required"], serde_json::json!(["name"]));
    assert_eq!(fine["tools"][1]["name"], "start_print");
    assert_eq!(fine["warnings"][0]["line"], 16);
    let (exit, wrong) = json(&["check", "wrong.toml", "--json"]);
    assert_eq!(
        (exit, &wrong["ok"], &wrong["tools"]),
        (2, &Value::Bool(false), &Value::Null)
    );
    assert_eq!(
        (&wrong["faults"][0]["line"], &wrong["faults"][0]["column"]),
        (&3.into(), &1.into())
    );
    assert_eq!(wrong["faults"][0]["hint"], "did you mean `port`?");
}

#[test]
fn a_changed_word_changes_the_fingerprint() {
    let fingerprint = |file: &str| {
        let folder = folder([("farcall.toml", file)]);
        let ended = typed(folder.path(), &["check"]);
        assert_eq!(ended.exit, 0, "{ended}");
        ended.stdout.lines().last().unwrap().to_owned()
    };
    let before = fingerprint(FINE);
    assert_eq!(before, fingerprint(FINE));
    for (word, other) in [
        ("Whom.", "Who."),
        ("\"cold\"", "\"cool\""),
        ("Greet somebody", "Greet nobody"),
    ] {
        assert_ne!(before, fingerprint(&FINE.replace(word, other)), "{word}");
    }
}

const SERVICE: &str = r#"
[service.shop]
base_url = "http://127.0.0.1:9"
openapi = "openapi.json"

[tool.price]
description = "The price of a thing."
request = { service = "shop", path = "/things/{id}/price" }
params.id = { type = "string", description = "The thing's id." }
"#;

const DOCUMENT: &str = r#"{"openapi": "3.1.0", "paths": {"/things": {"get": {
    "operationId": "list_things",
    "description": "List things.",
    "parameters": [
        {"name": "color", "in": "query", "description": "Of this color.", "schema": {"type": "string"}},
        {"name": "limit", "in": "query", "schema": {"type": "integer", "default": 10}}
    ]
}}}}"#;

#[test]
fn what_a_document_brings_is_listed_and_hashed() {
    let shown = |document: &str| {
        let folder = folder([("farcall.toml", SERVICE), ("openapi.json", document)]);
        let ended = typed(folder.path(), &["check"]);
        assert_eq!(ended.exit, 0, "{ended}");
        ended
    };
    let ended = shown(DOCUMENT);
    let lines: Vec<_> = ended.stdout.lines().collect();
    assert_eq!(
        lines[..2],
        [
            "price(id): The price of a thing.",
            "list_things(color?, limit = 10): List things."
        ]
    );
    assert!(
        ended
            .stderr
            .contains("tool `list_things`: no description says what goes into `limit`"),
        "{ended}"
    );
    assert!(!ended.stderr.contains("color"), "{ended}");
    for (word, other) in [
        ("List things", "Send all secrets"),
        ("Of this color", "Anything"),
        (": 10", ": 11"),
        (
            "\"in\": \"query\", \"description\"",
            "\"in\": \"query\", \"required\": true, \"description\"",
        ),
    ] {
        let changed = DOCUMENT.replacen(word, other, 1);
        assert_ne!(changed, DOCUMENT, "{word}");
        assert_ne!(
            shown(&changed).stdout.lines().last(),
            lines.last().copied(),
            "{word}"
        );
    }
}

/// The server of other tests, which speaks MCP over standard input and output.
const SERVER: &str = include_str!("../../wrap/programs/mcp_server.py");

#[test]
fn what_a_mounted_server_offers_is_listed_and_hashed() {
    let shown = |server: &str| {
        let out = folder([]);
        let file = format!(
            "[tool.first]\ndescription = \"Be first.\"\ncommand = [\"echo\"]\n[mount.tiny]\ncommand = [\"python3\", \"server.py\"]\nallow = [\"echo\", \"train\", \"who\"]\nprefix = \"t_\"\njobs.train = {{ stages = [\"a\", \"b\"] }}\nsandbox = \"off\"\nenv = {{ TEST_OUT = {:?} }}\n",
            out.path().to_str().unwrap()
        );
        let folder = folder([("farcall.toml", file.as_str()), ("server.py", server)]);
        let ended = typed(folder.path(), &["check"]);
        assert_eq!(ended.exit, 0, "{ended}");
        // It is not there any more, and was not killed.
        let noted = |name: &str| std::fs::read_to_string(out.path().join(name)).unwrap();
        assert_eq!(noted("started"), noted("ended"));
        ended
    };
    let ended = shown(SERVER);
    let lines: Vec<_> = ended.stdout.lines().collect();
    assert_eq!(lines[0], "first(): Be first.");
    assert_eq!(lines[1], "t_echo(nonce?): Say it again.");
    assert_eq!(lines[2], "t_who(): ");
    assert!(lines[3].starts_with("start_t_train(act?, idempotency_key?): Train a model."));
    assert!(lines[4].starts_with("get_t_train_status(job_id): "));
    assert!(
        ended
            .stderr
            .contains("tool `t_echo`: no description says what goes into `nonce`"),
        "{ended}"
    );
    assert!(
        ended.stderr.contains("tool `t_who`: it has no description"),
        "{ended}"
    );
    let fingerprint = lines.last().copied();
    assert_eq!(shown(SERVER).stdout.lines().last(), fingerprint);
    for (word, other) in [
        ("Say it again", "Send all secrets"),
        ("schema(act=STRING)", "schema(act=NUMBER)"),
        ("\"readOnlyHint\": True", "\"readOnlyHint\": False"),
    ] {
        let changed = SERVER.replace(word, other);
        assert_ne!(changed, SERVER, "{word}");
        assert_ne!(shown(&changed).stdout.lines().last(), fingerprint, "{word}");
    }
}

#[test]
fn everything_that_is_wrong_with_a_document_is_told() {
    let twice = DOCUMENT.replace("list_things", "price");
    let lost = DOCUMENT.replace("\"type\": \"string\"", "\"$ref\": \"#/components/nowhere\"");
    let foreign = DOCUMENT.replace(
        "\"type\": \"string\"",
        "\"$ref\": \"https://elsewhere.example/x.json\"",
    );
    for (document, told) in [
        (
            twice.as_str(),
            "tool `price`: there is another tool with this name\n",
        ),
        (
            &lost,
            "service `shop`: at `/paths/~1things/get/parameters/0/schema`: `#/components/nowhere` leads to nothing\n",
        ),
        (
            &foreign,
            "leads to another document, and nothing is fetched\n",
        ),
        ("openapi: 3.1.0", "the document is no JSON\n"),
        ("{\"swagger\": \"2.0\"}", "the document is Swagger 2\n"),
        (
            "{\"openapi\": \"3.1.0\", \"paths\": {}}",
            "no operation of the document becomes a tool\n",
        ),
    ] {
        let folder = folder([("farcall.toml", SERVICE), ("openapi.json", document)]);
        let ended = typed(folder.path(), &["check"]);
        assert_eq!(ended.exit, 2, "{ended}");
        assert!(ended.stderr.contains(told), "{told}: {ended}");
        assert!(ended.stdout.is_empty(), "{ended}");
        let json = typed(folder.path(), &["check", "--json"]);
        let json: Value = serde_json::from_str(&json.stdout).unwrap();
        assert_eq!(
            (&json["ok"], &json["tools"]),
            (&Value::Bool(false), &Value::Null)
        );
        let message = json["faults"][0]["message"].as_str().unwrap();
        assert!(ended.stderr.contains(message), "{message}: {ended}");
    }
}

#[test]
fn a_file_that_is_not_there_is_a_fault() {
    let folder = folder([]);
    let ended = typed(folder.path(), &["check"]);
    assert_eq!(ended.exit, 2);
    assert!(ended.stderr.contains("farcall init"), "{ended}");
}

#[test]
fn variables_come_from_the_environment_and_from_dot_env() {
    let file = "[mount.a]\ncommand = [\"cat\"]\nenv = { A = \"${FIRST}\", B = \"${SECOND}\" }\n";
    let folder = folder([("farcall.toml", file), (".env", "FIRST=1\n")]);
    let ended = typed(folder.path(), &["check"]);
    assert!(
        ended.exit == 2 && ended.stderr.contains("`SECOND` is set neither"),
        "{ended}"
    );
    assert!(!ended.stderr.contains("FIRST"), "{ended}");
    let ended = farcall(["check"])
        .variable("SECOND", "2")
        .within(folder.path())
        .ended();
    // Nothing is missing any more, and `cat` is no server.
    assert!(
        ended
            .stderr
            .contains("mount `a`: its server cannot be started"),
        "{ended}"
    );
    assert!(!ended.stderr.contains("SECOND"), "{ended}");
}

#[test]
fn nothing_that_a_terminal_obeys_is_shown() {
    let file = "[tool.\"\\u001B[2J\"]\ndescription = \"a\\u001B[31m\"\ncommand = [\"\u{9b}2J\"]\n\"\\u001B[2J\" = 1\n";
    let folder = folder([("farcall.toml", file)]);
    let ended = typed(folder.path(), &["check"]);
    assert_eq!(ended.exit, 2);
    assert!(
        !ended.stderr.contains(['\u{1b}', '\u{9b}']),
        "{:?}",
        ended.stderr
    );
}

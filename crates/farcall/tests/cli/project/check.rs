//! `check` tells everything at once, and shows what is offered.

use serde_json::Value;

use super::{folder, typed};
use crate::harness::{farcall, shows};

const FINE: &str = r#"
[server]
name = "press"

[tool.greet]
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

[tool.greet]
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
    assert_eq!(fine["tools"][0]["name"], "greet");
    assert_eq!(fine["tools"][0]["parameters"][1]["default"], 1);
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

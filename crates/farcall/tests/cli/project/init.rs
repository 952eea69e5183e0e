//! `init` begins a file that `check` finds fine, and replaces nothing unasked.

use std::{fs, os::unix::fs::PermissionsExt as _};

use tempfile::TempDir;

use super::{folder, typed};
use crate::harness::shows;

#[test]
fn an_empty_folder_gets_a_tool_that_works() {
    let folder = folder([]);
    let place = folder.path().join("my render \"farm\"");
    fs::create_dir(&place).unwrap();
    let ended = typed(&place, &["init"]);
    assert_eq!((ended.exit, ended.stdout.as_str()), (0, ""), "{ended}");
    let text = fs::read_to_string(place.join("farcall.toml")).unwrap();
    assert!(text.contains(r#"name = "my render \"farm\"""#), "{text}");
    shows!(typed(&place, &["check"]));
}

#[test]
fn a_script_becomes_a_first_job() {
    for (script, job) in [
        ("main.sh", "main"),
        ("Render-Scene.sh", "render_scene"),
        ("run.py", "run"),
    ] {
        let folder = folder([
            (script, "exit\n"),
            ("test_a.py", ""),
            ("notes.txt", ""),
            ("zz.sh", ""),
        ]);
        let ended = typed(folder.path(), &["init"]);
        assert_eq!(ended.exit, 0, "{ended}");
        let ended = typed(folder.path(), &["check"]);
        assert_eq!(ended.exit, 0, "{ended}");
        assert!(ended.stdout.contains(&format!("start_{job}(")), "{ended}");
        let warnings = ended.stderr.matches("warning").count();
        assert_eq!(warnings, 0, "{ended}");
    }
}

#[test]
fn a_python_script_gets_what_it_can_tell_its_progress_with() {
    let helper = include_str!("../../../../../python/farcall.py");
    let read = |folder: &TempDir| fs::read_to_string(folder.path().join("farcall.py"));
    let python = folder([("draw.py", "")]);
    let ended = typed(python.path(), &["init"]);
    assert!(ended.stderr.contains("`farcall.py` is written"), "{ended}");
    assert_eq!(read(&python).unwrap(), helper);
    // It is no script to wrap, and nobody's own one is touched.
    fs::write(python.path().join("farcall.py"), "# mine").unwrap();
    fs::remove_file(python.path().join("draw.py")).unwrap();
    fs::write(python.path().join("zoom.py"), "").unwrap();
    let ended = typed(python.path(), &["init", "--force"]);
    assert!(!ended.stderr.contains("farcall.py"), "{ended}");
    assert_eq!(read(&python).unwrap(), "# mine");
    let ended = typed(python.path(), &["check"]);
    assert!(ended.stdout.starts_with("start_zoom("), "{ended}");
    let shell = folder([("draw.sh", "exit\n")]);
    assert_eq!(typed(shell.path(), &["init"]).exit, 0);
    assert!(read(&shell).is_err(), "a shell cannot import it");
}

#[test]
fn what_is_there_is_replaced_by_force_only() {
    let folder = folder([("farcall.toml", "# mine\n")]);
    let ended = typed(folder.path(), &["init"]);
    assert!(
        ended.exit == 2 && ended.stderr.contains("--force"),
        "{ended}"
    );
    let read = || fs::read_to_string(folder.path().join("farcall.toml")).unwrap();
    assert_eq!(read(), "# mine\n");
    assert_eq!(typed(folder.path(), &["init", "--force"]).exit, 0);
    assert!(read().contains("[server]"));
}

const PASTED: &str = r#"{"mcpServers": {
    "my server": {
        "command": "sh",
        "args": ["-c", "exit # {\"a\": 1}"],
        "env": {"API_KEY": "it's \"$secret\"", "MODE": "fast ${env:HOME}", "LEVEL": 3}
    },
    "other": {"command": "cat"},
    "remote": {"url": "https://example.com/mcp"}
}}"#;

#[test]
fn a_pasted_block_becomes_mounts_and_its_secrets_leave_the_file() {
    let folder = folder([("mcp.json", PASTED), (".env", "OTHER=1")]);
    let ended = typed(folder.path(), &["init", "--from", "mcp.json"]);
    shows!(ended);
    let text = fs::read_to_string(folder.path().join("farcall.toml")).unwrap();
    assert!(!text.contains("$secret"), "{text}");
    let (_, mounts) = text.split_once("[mount.").unwrap();
    insta::assert_snapshot!("mounts", format!("[mount.{mounts}"));
    let secrets = fs::read_to_string(folder.path().join(".env")).unwrap();
    assert!(secrets.starts_with("OTHER=1\nAPI_KEY="), "{secrets}");
    let ended = crate::harness::farcall(["check"])
        .variable("HOME", "/home/me")
        .within(folder.path())
        .ended();
    // The file has no fault but that these are no servers.
    assert!(
        ended
            .stderr
            .contains("mount `other`: its server cannot be started"),
        "{ended}"
    );
    assert!(
        ended.stderr.contains("`farcall.toml` has 2 faults"),
        "{ended}"
    );
}

#[test]
fn what_runs_without_a_sandbox_says_in_the_file_what_that_means() {
    let block = "{\"mcpServers\": {\"a\": {\"command\": \"npx\", \"args\": [\"x\"]}}}";
    let folder = folder([("mcp.json", block)]);
    let ended = typed(folder.path(), &["init", "--from", "mcp.json"]);
    assert_eq!(ended.exit, 0, "{ended}");
    let text = fs::read_to_string(folder.path().join("farcall.toml")).unwrap();
    let line = text.lines().find(|line| line.starts_with("sandbox ="));
    let line = line.unwrap();
    assert!(line.starts_with("sandbox = \"off\""), "{line}");
    assert!(
        line.contains("it may read `.env` and `.farcall`, too"),
        "{line}"
    );
}

#[test]
fn a_new_file_of_secrets_is_for_its_user_alone() {
    let folder = folder([("mcp.json", PASTED)]);
    assert_eq!(
        typed(folder.path(), &["init", "--from", "mcp.json"]).exit,
        0
    );
    let mode = fs::metadata(folder.path().join(".env"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn what_is_no_block_is_refused_and_writes_nothing() {
    for (text, reason) in [
        ("", "is no JSON"),
        ("[]", "names no server"),
        ("{\"mcpServers\": {}}", "names no server"),
        (
            "{\"mcpServers\": {\"a\": {\"url\": \"x\"}}}",
            "names no server",
        ),
    ] {
        let folder = folder([("mcp.json", text)]);
        let ended = typed(folder.path(), &["init", "--from", "mcp.json"]);
        assert!(ended.exit == 2 && ended.stderr.contains(reason), "{ended}");
        assert!(!folder.path().join("farcall.toml").exists());
    }
    let folder = folder([]);
    assert_eq!(
        typed(folder.path(), &["init", "--from", "nowhere.json"]).exit,
        2
    );
}

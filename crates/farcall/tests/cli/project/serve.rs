//! `serve` with a command in the place of a file.

use super::{folder, typed};
use crate::harness::shows;

#[test]
fn a_command_and_a_file_do_not_go_together() {
    let folder = folder([("farcall.toml", "")]);
    let ended = typed(
        folder.path(),
        &["serve", "--config", "farcall.toml", "--", "cat"],
    );
    assert_eq!(ended.exit, 2, "{ended}");
    assert!(
        ended
            .stderr
            .contains("'--config <FILE>' cannot be used with"),
        "{ended}"
    );
    let ended = typed(folder.path(), &["serve", "--sandbox", "off"]);
    assert!(
        ended.exit == 2 && ended.stderr.contains("COMMAND"),
        "{ended}"
    );
}

#[test]
fn dashes_without_a_command_ask_for_one() {
    let arguments = ["serve", "--port", "0", "--"];
    let ended = typed(folder([]).path(), &arguments);
    shows!(ended, @r"
    exit 2
    ---- stdout
    ---- stderr
    error: there is no command behind `--`
    hint: name the program that is the MCP server, such as `farcall serve -- python3 server.py`; without `--` a farcall.toml is served
    ");
    // Whether there is a file has nothing to do with it.
    let beside = typed(folder([("farcall.toml", "")]).path(), &arguments);
    assert_eq!(beside.to_string(), ended.to_string());
}

#[test]
fn a_command_that_is_no_server_says_why() {
    let folder = folder([]);
    for (command, reason) in [
        (
            &["no-such-program"][..],
            "there is no program `no-such-program` in PATH",
        ),
        (
            &["cat"],
            "its server cannot be started: it answered with the error",
        ),
        (
            &["false"],
            "its server cannot be started: it ended with status 1",
        ),
    ] {
        let arguments: Vec<_> = ["serve", "--"].iter().chain(command).copied().collect();
        let ended = typed(folder.path(), &arguments);
        assert!(ended.exit == 2 && ended.stderr.contains(reason), "{ended}");
    }
}

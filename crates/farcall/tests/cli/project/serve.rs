//! `serve` with a command in the place of a file.

use super::{folder, typed};

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

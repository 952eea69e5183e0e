//! What cannot be handed over is refused, with what to do about it.

use super::{Folder, PROJECT};
use crate::harness::{farcall, shows};

#[test]
fn a_public_server_that_checks_nobody_does_not_say_what_callers_send() {
    let folder = Folder::new("PUBLIC_BASE_URL=https://render-farm.example.com\n");
    shows!(folder.typed("").ended(), @r#"
    exit 2
    ---- stdout
    ---- stderr
    error: nothing in the configuration says what callers of `https://render-farm.example.com` send
    hint: say it: --auth cloudflare where Access stands in front, --auth bearer where a proxy asks for a token, --auth none where everybody may call
    "#);
    assert_eq!(folder.typed("--auth cloudflare").ended().exit, 0);
}

#[test]
fn a_port_that_is_another_one_each_time_leads_nowhere() {
    let ended = Folder::new("MCP_PORT=0\n").typed("").ended();
    assert!(
        ended.exit == 2 && ended.stdout.is_empty() && ended.stderr.contains("`MCP_PORT` is `0`"),
        "{ended}"
    );
}

#[test]
fn a_client_that_is_not_known_is_answered_with_those_that_are() {
    let ended = Folder::online().typed("--client emacs").ended();
    assert!(
        ended.exit == 2 && ended.stderr.contains("claude-code") && ended.stderr.contains("zed"),
        "{ended}"
    );
}

#[test]
fn a_folder_without_a_project_is_told_how_to_begin_one() {
    let folder = tempfile::tempdir().unwrap();
    let ended = farcall(["handoff"]).within(folder.path()).ended();
    shows!(ended, @r#"
    exit 2
    ---- stdout
    ---- stderr
    error: there is no `farcall.toml` here
    hint: begin one with `farcall init`, or name it with --config
    "#);
}

#[test]
fn a_file_with_faults_is_told_where_they_are() {
    let folder = Folder::online();
    folder.put(
        "farcall.toml",
        &PROJECT.replace("description", "descripton"),
    );
    let ended = folder.typed("").ended();
    assert!(
        ended.exit == 2 && ended.stdout.is_empty() && ended.stderr.contains("`descripton`"),
        "{ended}"
    );
}

#[test]
fn a_url_with_credentials_or_a_query_is_refused_without_repeating_it() {
    for url in [
        "https://ann:s3cret@example.com/mcp",
        "https://example.com/mcp?key=s3cret",
        "https://example.com/mcp#s3cret",
    ] {
        let ended = farcall(["handoff", url]).ended();
        assert!(ended.exit == 2 && ended.stdout.is_empty(), "{url}: {ended}");
        assert!(!ended.stderr.contains("s3cret"), "{ended}");
    }
}

#[test]
fn a_token_is_sent_nowhere_without_tls() {
    let ended = farcall(["handoff", "http://192.0.2.1:8900/mcp"])
        .variable("FARCALL_TOKEN", "s3cret-s3cret")
        .ended();
    assert!(ended.exit == 2 && ended.stdout.is_empty(), "{ended}");
    assert!(ended.stderr.contains("without TLS"), "{ended}");
    assert!(!ended.stderr.contains("s3cret"), "{ended}");
}

#[test]
fn headers_are_for_a_url() {
    let ended = Folder::online().typed("--header a:b").ended();
    assert_eq!(ended.exit, 2, "{ended}");
}

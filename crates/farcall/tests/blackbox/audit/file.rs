//! The file: who may read it, what is cut off, moved away, or finds no room.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use farcall::{Value, json};

use super::{Audited, lines};
use crate::{
    harness::{Setup, pace, soon},
    offers::{Callers, tools_and_jobs},
};

#[tokio::test]
async fn a_line_that_was_cut_off_takes_none_of_the_next_with_it() {
    const TORN: &str = "{\"time\":\"2026-11-29T10:15:00Z\",\"event\":\"ca";
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.jsonl");
    fs::write(&log, TORN).unwrap();
    let setup = || {
        Setup::new(tools_and_jobs().token_verifier(Callers))
            .with("FARCALL_AUDIT", log.to_str().unwrap())
    };
    let server = setup().start().await;
    let alice = server.with_token("alice-token");
    alice.call("echo", json!({"text": "1"})).await.structured();
    let text = ended(&log, 1).await;
    let (torn, rest) = text.split_once('\n').unwrap();
    assert_eq!(torn, TORN);
    assert_eq!(serde_json::from_str::<Value>(rest).unwrap()["tool"], "echo");

    // The same where it is opened again, and nothing is put between whole lines.
    fs::write(&log, TORN).unwrap();
    server.reopen_audit();
    alice.call("echo", json!({"text": "2"})).await.structured();
    assert_eq!(ended(&log, 1).await.lines().count(), 2);
    server.stop().await;
    let server = setup().start().await;
    let alice = server.with_token("alice-token");
    alice.call("echo", json!({"text": "3"})).await.structured();
    let text = ended(&log, 2).await;
    assert!(
        !text.contains("\n\n") && text.lines().count() == 3,
        "{text}"
    );
}

/// What is in the log, once so many lines of it are whole behind one that is not.
async fn ended(log: &Path, whole: usize) -> String {
    soon(async {
        loop {
            let text = fs::read_to_string(log).unwrap();
            if text.lines().count() > whole && text.ends_with('\n') {
                return text;
            }
            pace().await;
        }
    })
    .await
}

#[tokio::test]
async fn a_log_that_others_may_read_is_taken_from_them() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.jsonl");
    let widen = |log: &Path| {
        fs::write(log, "").unwrap();
        fs::set_permissions(log, fs::Permissions::from_mode(0o644)).unwrap();
    };
    let mode = || fs::metadata(&log).unwrap().permissions().mode() & 0o777;
    widen(&log);
    let server = Setup::new(tools_and_jobs().token_verifier(Callers))
        .with("FARCALL_AUDIT", log.to_str().unwrap())
        .start()
        .await;
    assert_eq!(mode(), 0o600);
    // As logrotate's `create` makes one.
    fs::rename(&log, log.with_extension("1")).unwrap();
    widen(&log);
    server.reopen_audit();
    let alice = server.with_token("alice-token");
    alice.call("echo", json!({"text": "1"})).await.structured();
    assert_eq!(lines(&log, 1).await.len(), 1);
    assert_eq!(mode(), 0o600);
}

#[tokio::test]
async fn a_log_that_was_moved_away_goes_on_in_a_new_file() {
    let audited = Audited::new(|setup| setup).await;
    let alice = audited.server.with_token("alice-token");
    alice.call("echo", json!({"text": "1"})).await;
    audited.lines(1).await;
    let moved = audited.log.with_extension("1");
    fs::rename(&audited.log, &moved).unwrap();
    audited.server.reopen_audit();
    alice.call("echo", json!({"text": "2"})).await;
    assert_eq!(audited.lines(1).await.len(), 1);
    assert_eq!(lines(&moved, 1).await.len(), 1);
}

#[tokio::test]
async fn a_full_disk_holds_up_no_call_and_what_is_lost_is_counted() {
    const CALLS: usize = 400;
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.jsonl");
    symlink("/dev/full", &log).unwrap();
    let app = tools_and_jobs().token_verifier(Callers);
    let setup = Setup::new(app)
        .with("FARCALL_AUDIT", log.to_str().unwrap())
        .with("FARCALL_AUDIT_VALUES", "1");
    let server = setup.start().await;
    let alice = server.with_token("alice-token");
    let text = "x".repeat(60_000);
    for _ in 0..CALLS {
        alice.call("echo", json!({"text": text})).await.structured();
    }
    // There is room again.
    fs::remove_file(&log).unwrap();
    server.reopen_audit();
    let kept = soon(async {
        loop {
            let text = fs::read_to_string(&log).unwrap_or_default();
            let lines = text
                .split_inclusive('\n')
                .filter(|line| line.ends_with('\n'));
            let lines: Vec<Value> = lines
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            let gaps = lines.iter().filter(|line| line["event"] == "lost");
            let lost: usize = gaps
                .map(|line| usize::try_from(line["lines"].as_u64().unwrap()).unwrap())
                .sum();
            let calls = lines.iter().filter(|line| line["event"] == "call").count();
            if calls + lost == CALLS {
                return calls;
            }
            pace().await;
        }
    })
    .await;
    assert!((200..CALLS).contains(&kept), "{kept}");
}

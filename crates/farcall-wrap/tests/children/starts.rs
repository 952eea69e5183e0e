//! What a program is given, and what is said where it cannot be started.

use std::{
    ffi::OsString,
    fs,
    os::unix::{ffi::OsStringExt, fs::PermissionsExt},
};

use farcall_core::problem::ErrorCode;
use farcall_wrap::child::{Child, Ended};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::harness::{run, spec};

async fn report(spec: farcall_wrap::child::ChildSpec) -> Value {
    let outcome = run(spec).await.unwrap();
    assert_eq!(outcome.ended, Ended::Exited(0), "{outcome:?}");
    serde_json::from_str(&outcome.stdout).unwrap()
}

#[tokio::test]
async fn a_program_gets_exactly_what_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = spec(
        folder.path(),
        &["report", "", "a b", "$(id)", "--", "ä\n'\""],
    );
    spec.arguments.push(OsString::from_vec(vec![0xff, 0xfe]));
    spec.environment.insert("NAME".into(), "value".into());
    spec.environment
        .insert("BYTES".into(), OsString::from_vec(vec![0x80]));
    let report = report(spec).await;
    let argv = json!(["", "a b", "$(id)", "--", "ä\n'\"", [0xff, 0xfe]]);
    assert_eq!(report["argv"], argv);
    assert_eq!(
        report["environment"],
        json!({"BYTES": [0x80], "NAME": "value"})
    );
    let cwd = fs::canonicalize(folder.path()).unwrap();
    assert_eq!(report["cwd"], cwd.to_str().unwrap());
    assert_eq!(report["umask"], 0o077);
    // It leads a session and a group of its own.
    assert_eq!(report["session"], report["process"]);
    assert_eq!(report["group"], report["process"]);
}

#[tokio::test]
async fn a_program_reads_what_is_written_and_sees_the_end_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = spec(folder.path(), &["report-input"]);
    spec.has_stdin = true;
    let mut child = Child::spawn(spec).await.unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = "x".repeat(300_000);
    let mut stdout = child.stdout.take().unwrap();
    let mut printed = String::new();
    let write = async {
        stdin.write_all(input.as_bytes()).await.unwrap();
        drop(stdin);
    };
    let read = tokio::io::AsyncReadExt::read_to_string(&mut stdout, &mut printed);
    let ((), read) = tokio::join!(write, read);
    read.unwrap();
    let report: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(report["stdin"], input);
    assert_eq!(child.ended().await.unwrap(), Ended::Exited(0));
}

#[tokio::test]
async fn a_program_without_input_reads_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let report = report(spec(folder.path(), &["report-input"])).await;
    assert_eq!(report["stdin"], "");
}

#[tokio::test]
async fn a_long_argument_is_the_callers_fault_and_half_of_it_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let long = "x".repeat(128 << 10);
    let problem = run(spec(folder.path(), &["report", &long]))
        .await
        .unwrap_err();
    assert_eq!(problem.code(), ErrorCode::UserError, "{problem:?}");
    let report = report(spec(folder.path(), &["report", &long[..100_000]])).await;
    assert_eq!(report["argv"][0].as_str().unwrap().len(), 100_000);
}

#[tokio::test]
async fn what_cannot_be_executed_is_told_to_the_log_and_not_to_the_caller() {
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("plain");
    fs::write(&plain, "no program").unwrap();
    let script = folder.path().join("script");
    fs::write(&script, "#!/nowhere/python\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let missing = folder.path().join("missing");
    for (program, why) in [
        (&missing, "cannot be executed: No such file"),
        (&plain, "cannot be executed: Permission denied"),
        (
            &script,
            "what its first line or its format asks for is missing",
        ),
    ] {
        let mut spec = spec(folder.path(), &[]);
        spec.program.clone_from(program);
        let problem = run(spec).await.unwrap_err();
        assert_eq!(problem.code(), ErrorCode::Internal);
        let cause = problem.cause().unwrap().to_string();
        assert!(cause.contains(why), "{cause}");
        let shown = problem.public_message();
        assert!(!shown.contains(folder.path().to_str().unwrap()), "{shown}");
    }
    let mut spec = spec(&missing, &["exit", "0"]);
    spec.environment.clear();
    let problem = run(spec).await.unwrap_err();
    let cause = problem.cause().unwrap().to_string();
    assert!(cause.contains("cannot be entered"), "{cause}");
}

#[tokio::test]
async fn a_nul_is_refused_and_not_cut_at() {
    let folder = tempfile::tempdir().unwrap();
    let problem = run(spec(folder.path(), &["report", "a\0b"]))
        .await
        .unwrap_err();
    let cause = problem.cause().unwrap().to_string();
    assert!(cause.contains("nul byte"), "{cause}");
}

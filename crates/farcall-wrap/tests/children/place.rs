//! What a program may use, and where it may reach.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use farcall_config::file::{Limits, Sandbox};
use farcall_wrap::{
    child::{Child, ChildSpec, Ended},
    sandbox::available,
};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

use crate::harness::{attempt, lines, run, spec, token, up};

fn limited(folder: &Path, arguments: &[&str], limits: Limits) -> ChildSpec {
    ChildSpec {
        limits,
        ..spec(folder, arguments)
    }
}

#[tokio::test]
async fn memory_is_limited() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits {
        memory: Some(256 << 20),
        ..Limits::default()
    };
    let spec = limited(folder.path(), &[], limits);
    assert_eq!(attempt(spec.clone(), &["allocate", "1000000"]).await, "ok");
    let gigabyte = (1_u64 << 30).to_string();
    assert_eq!(attempt(spec, &["allocate", &gigabyte]).await, "OutOfMemory");
}

#[tokio::test]
async fn processor_time_is_limited_and_its_end_has_a_signal_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits {
        cpu: Some(Duration::from_secs(1)),
        ..Limits::default()
    };
    let outcome = run(limited(folder.path(), &["spin"], limits))
        .await
        .unwrap();
    assert_eq!(outcome.ended, Ended::Signalled(24));
}

#[tokio::test]
async fn files_are_limited_in_size_and_number() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits {
        file_size: Some(1000),
        open_files: Some(20),
        ..Limits::default()
    };
    let spec = limited(folder.path(), &[], limits);
    let inside = folder.path().join("file");
    let inside = inside.to_str().unwrap();
    assert_eq!(attempt(spec.clone(), &["fill", inside, "1000"]).await, "ok");
    let mut larger = spec.clone();
    larger.arguments = ["attempt", "fill", inside, "1001"].map(Into::into).to_vec();
    assert_eq!(run(larger).await.unwrap().ended, Ended::Signalled(25));
    assert_eq!(attempt(spec.clone(), &["open", "10"]).await, "ok");
    assert_ne!(attempt(spec, &["open", "20"]).await, "ok");
}

#[tokio::test]
async fn nothing_is_dumped() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = spec(folder.path(), &["/proc/self/limits"]);
    spec.program = PathBuf::from("/bin/cat");
    let outcome = run(spec).await.unwrap();
    let core = outcome
        .stdout
        .lines()
        .find(|line| line.contains("core file"));
    let limits: Vec<_> = core.unwrap().split_whitespace().skip(4).take(2).collect();
    assert_eq!(limits, ["0", "0"], "{outcome:?}");
}

#[tokio::test]
async fn a_program_reaches_the_system_and_its_own_folder_and_no_further() {
    assert!(available().landlock.is_some_and(|version| version >= 3));
    let folder = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    let secret = other.path().join("secret");
    fs::write(&secret, "secret").unwrap();
    let secret = secret.to_str().unwrap();
    let inside = folder.path().join("inside");
    let inside = inside.to_str().unwrap();
    let up = other.path().join("new");
    let up = up.to_str().unwrap();
    let environ = format!("/proc/{}/environ", std::process::id());

    let kept = spec(folder.path(), &[]);
    for (words, answer) in [
        (["read", "/etc/passwd"], "ok"),
        (["read", "/proc/self/status"], "ok"),
        (["execute", "/bin/true"], "ok"),
        (["write", "/dev/null"], "ok"),
        (["write", "/dev/stderr"], "ok"),
        (["write", inside], "ok"),
        (["read", inside], "ok"),
        (["read", secret], "PermissionDenied"),
        (["write", secret], "PermissionDenied"),
        (["truncate", secret], "PermissionDenied"),
        (["write", up], "PermissionDenied"),
        (["write", "/etc/farcall-test"], "PermissionDenied"),
        (["read", other.path().to_str().unwrap()], "PermissionDenied"),
        // What the server knows is not found beside it.
        (["read", &environ], "PermissionDenied"),
    ] {
        assert_eq!(attempt(kept.clone(), &words).await, answer, "{words:?}");
    }
    assert_eq!(fs::read_to_string(secret).unwrap(), "secret");

    let mut wider = kept.clone();
    wider.readable.push(other.path().to_owned());
    assert_eq!(attempt(wider.clone(), &["read", secret]).await, "ok");
    assert_eq!(attempt(wider, &["write", secret]).await, "PermissionDenied");
    let mut wider = kept.clone();
    wider.writable.push(other.path().to_owned());
    assert_eq!(attempt(wider, &["write", up]).await, "ok");
    let mut free = kept;
    free.sandbox = Sandbox::Off;
    assert_eq!(attempt(free, &["write", secret]).await, "ok");
}

#[tokio::test]
async fn a_program_signals_its_own_processes_only() {
    // Before its sixth version, landlock says nothing about signals.
    assert!(available().landlock.is_some_and(|version| version >= 6));
    let folder = tempfile::tempdir().unwrap();
    let kept = spec(folder.path(), &[]);
    let this = std::process::id().to_string();
    assert_eq!(
        attempt(kept.clone(), &["signal", &this]).await,
        "PermissionDenied"
    );
    let mut shell = kept;
    shell.program = PathBuf::from("/bin/sh");
    let script = "kill -9 $PPID; sleep 60 & kill -0 $! && echo ok; kill -9 $!";
    shell.arguments = ["-c", script].map(Into::into).to_vec();
    let outcome = run(shell).await.unwrap();
    assert_eq!(outcome.stdout, "ok\n", "{outcome:?}");
    assert_eq!(outcome.ended, Ended::Exited(0));
}

#[test]
fn without_landlock_what_requires_it_is_refused_and_what_does_not_runs() {
    let outcomes = thread::spawn(|| {
        without_landlock();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            assert_eq!(available().landlock, None);
            let folder = tempfile::tempdir().unwrap();
            let kept = spec(folder.path(), &["exit", "0"]);
            let required = ChildSpec {
                sandbox: Sandbox::Required,
                ..kept.clone()
            };
            (run(kept).await, run(required).await)
        })
    });
    let (kept, required) = outcomes.join().unwrap();
    assert_eq!(kept.unwrap().ended, Ended::Exited(0));
    let cause = required.unwrap_err();
    let cause = cause.cause().unwrap().to_string();
    assert!(cause.contains("landlock cannot be applied"), "{cause}");
}

#[tokio::test]
async fn with_landlock_what_requires_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let mut required = spec(folder.path(), &["exit", "0"]);
    required.sandbox = Sandbox::Required;
    assert_eq!(run(required).await.unwrap().ended, Ended::Exited(0));
}

#[tokio::test]
async fn a_program_has_no_way_back_to_privileges() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = spec(folder.path(), &["NoNewPrivs", "/proc/self/status"]);
    spec.program = PathBuf::from("/bin/grep");
    let outcome = run(spec).await.unwrap();
    assert_eq!(outcome.stdout, "NoNewPrivs:\t1\n");
}

#[tokio::test]
async fn only_its_own_pipes_are_open_in_a_program() {
    let folder = tempfile::tempdir().unwrap();
    let token = token();
    // Others that run beside it have descriptors here, too.
    let mut beside = Child::spawn(spec(folder.path(), &["wait", &token]))
        .await
        .unwrap();
    up(&mut lines(&mut beside), 1).await;
    let mut spec = spec(folder.path(), &["/proc/self/fd"]);
    spec.program = PathBuf::from("/bin/ls");
    let outcome = run(spec).await.unwrap();
    // The last one is that of the folder itself.
    assert_eq!(outcome.stdout, "0\n1\n2\n3\n");
}

/// Makes landlock's calls unknown to this thread, and to what it starts.
fn without_landlock() {
    // The same number on every architecture.
    let rules = [(444, Vec::new())].into_iter().collect();
    let arch = std::env::consts::ARCH.try_into().unwrap();
    let unknown = SeccompAction::Errno(38);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, unknown, arch).unwrap();
    let program: BpfProgram = filter.try_into().unwrap();
    seccompiler::apply_filter(&program).unwrap();
}

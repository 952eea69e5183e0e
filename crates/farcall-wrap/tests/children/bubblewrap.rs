//! Programs in bubblewrap, which must be in `PATH`.

use std::{fs, path::PathBuf, time::Duration};

use farcall_config::file::Sandbox;
use farcall_wrap::{
    child::{Child, ChildSpec, Ended},
    sandbox::available,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};
use tokio::time::Instant;

use crate::harness::{SOON, alive, attempt, gone, lines, run, spec, token, up};

fn wrapped(folder: &tempfile::TempDir, arguments: &[&str]) -> ChildSpec {
    let found = available();
    assert_eq!(found.missing(Sandbox::Bwrap), None);
    ChildSpec {
        sandbox: Sandbox::Bwrap,
        ..spec(folder.path(), arguments)
    }
}

#[tokio::test]
async fn bubblewrap_shows_a_program_its_own_folder_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    let secret = other.path().join("secret");
    fs::write(&secret, "secret").unwrap();
    let secret = secret.to_str().unwrap();
    let inside = folder.path().join("inside");
    let inside = inside.to_str().unwrap();
    let kept = wrapped(&folder, &[]);
    for (words, answer) in [
        (["read", "/etc/passwd"], "ok"),
        (["execute", "/bin/true"], "ok"),
        (["write", "/dev/null"], "ok"),
        (["write", inside], "ok"),
        (["write", "/tmp/its-own"], "ok"),
        (["read", secret], "NotFound"),
        (["write", "/etc/farcall-test"], "ReadOnlyFilesystem"),
    ] {
        assert_eq!(attempt(kept.clone(), &words).await, answer, "{words:?}");
    }
    assert_eq!(fs::read_to_string(inside).unwrap(), "written");
    let mut wider = kept;
    wider.readable.push(other.path().to_owned());
    assert_eq!(attempt(wider.clone(), &["read", secret]).await, "ok");
    assert_eq!(
        attempt(wider, &["write", secret]).await,
        "ReadOnlyFilesystem"
    );
}

/// As where a container or the administrator forbids them.
#[test]
fn bubblewrap_without_namespaces_is_told_before_anything_runs() {
    let missing = std::thread::spawn(|| {
        without_namespaces();
        available().missing(Sandbox::Bwrap)
    });
    let sentence = missing.join().unwrap().unwrap();
    assert!(
        sentence.starts_with("bubblewrap does not work here: `bwrap: "),
        "{sentence}"
    );
}

/// Makes namespaces impossible for this thread, and for what it starts.
fn without_namespaces() {
    #[cfg(target_arch = "x86_64")]
    const CALLS: [i64; 2] = [56, 272];
    #[cfg(target_arch = "aarch64")]
    const CALLS: [i64; 2] = [220, 97];
    /// `CLONE_NEWNS`: of mounts, which all of it needs.
    const OF_MOUNTS: u64 = 0x2_0000;
    let masked = SeccompCmpOp::MaskedEq(OF_MOUNTS);
    // Both `clone` and `unshare` have their flags first.
    let rule = || {
        let condition =
            SeccompCondition::new(0, SeccompCmpArgLen::Qword, masked.clone(), OF_MOUNTS).unwrap();
        vec![SeccompRule::new(vec![condition]).unwrap()]
    };
    let rules = CALLS.map(|call| (call, rule())).into_iter().collect();
    let arch = std::env::consts::ARCH.try_into().unwrap();
    let forbidden = SeccompAction::Errno(1);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, forbidden, arch).unwrap();
    let program: BpfProgram = filter.try_into().unwrap();
    seccompiler::apply_filter(&program).unwrap();
}

#[tokio::test]
async fn bubblewrap_leaves_no_network_and_no_other_process() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = wrapped(&folder, &[]);
    spec.program = PathBuf::from("/bin/sh");
    let script = "cat /proc/net/dev | grep -c :; ls -d /proc/[0-9]* | grep -c .; grep CapEff /proc/self/status";
    spec.arguments = ["-c", script].map(Into::into).to_vec();
    let outcome = run(spec).await.unwrap();
    // The loopback; the first process, the shell and what it pipes.
    let lines: Vec<_> = outcome.stdout.lines().collect();
    assert_eq!(lines[0], "1", "{outcome:?}");
    assert!(lines[1].parse::<u32>().unwrap() <= 5, "{outcome:?}");
    assert_eq!(lines[2], "CapEff:\t0000000000000000");
}

#[tokio::test]
async fn in_bubblewrap_a_status_is_kept_and_a_signal_is_128_and_its_number() {
    let folder = tempfile::tempdir().unwrap();
    for (words, status) in [(["exit", "3"].as_slice(), 3), (&["die"], 137)] {
        let outcome = run(wrapped(&folder, words)).await.unwrap();
        assert_eq!(outcome.ended, Ended::Exited(status), "{outcome:?}");
    }
}

#[tokio::test]
async fn in_bubblewrap_a_program_has_its_grace() {
    let folder = tempfile::tempdir().unwrap();
    let token = token();
    let mut spec = wrapped(&folder, &["stubborn", &token]);
    spec.grace = Duration::from_millis(300);
    let mut child = Child::spawn(spec).await.unwrap();
    up(&mut lines(&mut child), 1).await;
    let begin = Instant::now();
    child.stop();
    assert_eq!(child.ended().await.unwrap(), Ended::Killed);
    let time = begin.elapsed();
    assert!(
        time >= Duration::from_millis(290) && time < SOON,
        "{time:?}"
    );
    assert_eq!(alive(&token, 0), [0; 0]);
}

#[tokio::test]
async fn a_family_in_bubblewrap_ends_as_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let token = token();
    let family = wrapped(&folder, &["family", &token]);
    let mut child = Child::spawn(family.clone()).await.unwrap();
    up(&mut lines(&mut child), 5).await;
    child.stop();
    assert_eq!(child.ended().await.unwrap(), Ended::Stopped);
    assert_eq!(alive(&token, 0), [0; 0]);

    let mut child = Child::spawn(family).await.unwrap();
    up(&mut lines(&mut child), 5).await;
    drop(child);
    gone(&token, 0, SOON).await;
}

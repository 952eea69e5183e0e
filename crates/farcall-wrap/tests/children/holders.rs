//! Servers that die or stop while they hold a program.

use std::{
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::Stdio,
    time::Duration,
};

use rustix::process::{Pid, Signal, getuid, kill_process};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::Instant,
};

use crate::harness::{SOON, alive, gone, probe, token, up};

/// A user who owns nothing, whose processes the kernel counts.
const NOBODY: u32 = 65_533;

/// A server that holds a program.
struct Holder {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Holder {
    fn start(folder: &Path, words: &[&str]) -> Self {
        Self::begin(std::process::Command::new(probe()), folder, words)
    }

    fn begin(mut command: std::process::Command, folder: &Path, words: &[&str]) -> Self {
        command.arg("hold").args(words).current_dir(folder);
        let mut process = Command::from(command)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines }
    }

    fn id(&self) -> u32 {
        self.process.id().unwrap()
    }

    fn signal(&self, signal: Signal) {
        let process = Pid::from_raw(self.id().try_into().unwrap()).unwrap();
        kill_process(process, signal).unwrap();
    }
}

#[tokio::test]
async fn nobody_outlives_a_server_that_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let token = token();
    let mut holder = Holder::start(folder.path(), &["--", "family", &token]);
    up(&mut holder.lines, 5).await;
    assert_eq!(alive(&token, holder.id()).len(), 5);
    holder.signal(Signal::KILL);
    gone(&token, holder.id(), SOON).await;
    holder.process.wait().await.unwrap();
}

#[tokio::test]
async fn nobody_outlives_the_lease_of_a_server_that_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let token = token();
    let words = ["until=2000", "renewed=2000", "--", "family", &token];
    let mut holder = Holder::start(folder.path(), &words);
    up(&mut holder.lines, 5).await;
    // Renewed, it lives longer than it was given at first.
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(3) {
        assert_eq!(alive(&token, holder.id()).len(), 5);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    holder.signal(Signal::STOP);
    gone(&token, holder.id(), Duration::from_secs(2) + SOON).await;
    holder.signal(Signal::CONT);
    assert_eq!(holder.lines.next_line().await.unwrap().unwrap(), "Expired");
    assert!(holder.process.wait().await.unwrap().success());
}

/// 200 kills at moments that lie anywhere from before the shim runs to after the family is whole.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_killed_servers_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut seed = 0x2545_f491_u64;
    let mut families = 0;
    for _ in 0..200 {
        let token = token();
        let mut holder = Holder::start(folder.path(), &["--", "family", &token]);
        // A linear congruential generator: the same moments on every run.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let moment = Duration::from_micros((seed >> 33) % 150_000);
        let whole = tokio::time::timeout(moment, up(&mut holder.lines, 5)).await;
        families += usize::from(whole.is_ok());
        holder.signal(Signal::KILL);
        gone(&token, holder.id(), SOON).await;
        holder.process.wait().await.unwrap();
    }
    // Else the moments were too early to show anything.
    assert!(families > 10, "{families}");
}

/// Each process of the bomb leads a session of its own, so no group holds them together.
#[tokio::test]
async fn a_fork_bomb_loses() {
    let folder = tempfile::tempdir().unwrap();
    let token = token();
    let mut command = std::process::Command::new(probe());
    let mut limit = 200;
    if getuid().is_root() {
        // The kernel counts no processes of root.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        command.uid(NOBODY).gid(NOBODY);
    } else {
        limit += tasks_of_this_user();
    }
    let processes = format!("processes={limit}");
    let words = ["until=60000", &processes, "--", "bomb", &token];
    let mut holder = Holder::begin(command, folder.path(), &words);
    up(&mut holder.lines, 1).await;
    let begin = Instant::now();
    while alive(&token, holder.id()).len() < 60 {
        assert!(
            begin.elapsed() < Duration::from_secs(20),
            "the bomb does not go off"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    holder.signal(Signal::KILL);
    gone(&token, holder.id(), SOON).await;
    holder.process.wait().await.unwrap();
}

fn tasks_of_this_user() -> usize {
    use std::os::unix::fs::MetadataExt;
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let ours = processes.filter(|process| {
        process
            .metadata()
            .is_ok_and(|metadata| metadata.uid() == getuid().as_raw())
    });
    ours.filter_map(|process| std::fs::read_dir(process.path().join("task")).ok())
        .map(Iterator::count)
        .sum()
}

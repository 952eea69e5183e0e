//! The probe as a program, and a look at who is alive.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use farcall_config::file::{Limits, Sandbox};
use farcall_core::problem::Problem;
use farcall_wrap::child::{Child, ChildSpec, Ended};
use rustix::process::Pid;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader, Lines},
    net::unix::pipe::Receiver,
    time::Instant,
};

/// How soon whoever should be gone is gone, once there is a reason: before any grace is over, and with two seconds more
/// than the promise has, for a machine that has others to run.
pub(crate) const SOON: Duration = Duration::from_secs(4);

pub(crate) fn probe() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_farcall-probe"))
}

/// The probe with these arguments in a folder, without a limit of time.
pub(crate) fn spec(folder: &Path, arguments: &[&str]) -> ChildSpec {
    // The harness of the tests does not answer as a shim.
    farcall_wrap::shim::use_program(probe());
    ChildSpec {
        program: probe(),
        arguments: arguments.iter().map(Into::into).collect(),
        environment: BTreeMap::new(),
        working_dir: folder.to_owned(),
        readable: Vec::new(),
        writable: Vec::new(),
        withheld: Vec::new(),
        has_stdin: false,
        limits: Limits::default(),
        sandbox: Sandbox::Default,
        grace: Duration::from_secs(5),
        until: None,
    }
}

/// What became of a program.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) ended: Ended,
}

/// Runs a program to its end.
pub(crate) async fn run(spec: ChildSpec) -> Result<Outcome, Problem> {
    let mut child = Child::spawn(spec).await?;
    let (stdout, stderr) = tokio::join!(all(child.stdout.take()), all(child.stderr.take()));
    Ok(Outcome {
        stdout,
        stderr,
        ended: child.ended().await?,
    })
}

async fn all(pipe: Option<Receiver>) -> String {
    let mut text = String::new();
    pipe.unwrap().read_to_string(&mut text).await.unwrap();
    text
}

/// What is said to an attempt in a folder.
pub(crate) async fn attempt(mut spec: ChildSpec, words: &[&str]) -> String {
    spec.arguments = ["attempt"].iter().chain(words).map(Into::into).collect();
    let outcome = run(spec).await.unwrap();
    assert_eq!(outcome.ended, Ended::Exited(0), "{outcome:?}");
    outcome.stdout.trim_end().to_owned()
}

/// The lines of a program that stays.
pub(crate) fn lines(child: &mut Child) -> Lines<BufReader<Receiver>> {
    BufReader::new(child.stdout.take().unwrap()).lines()
}

/// Waits until so many processes have said that they are up.
pub(crate) async fn up<R: AsyncRead + Unpin>(lines: &mut Lines<BufReader<R>>, count: usize) {
    for _ in 0..count {
        assert_eq!(lines.next_line().await.unwrap().unwrap(), "up");
    }
}

/// A word that no other process has in its arguments.
pub(crate) fn token() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("token-{}-{next}.", std::process::id())
}

/// The processes with this word in their arguments, but one.
pub(crate) fn alive(token: &str, except: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(process) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        // Of one that is dead and not yet reaped, this is empty.
        let arguments = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let has_it = arguments
            .windows(token.len())
            .any(|window| window == token.as_bytes());
        if has_it && process != except {
            found.push(process);
        }
    }
    found
}

/// The parent of these processes that is none of them: their shim.
pub(crate) fn above(token: &str) -> Pid {
    let family = alive(token, 0);
    let mut parents = family.iter().map(|process| {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
        parent.unwrap().trim().parse().unwrap()
    });
    let shim = parents.find(|parent| !family.contains(parent));
    Pid::from_raw(shim.unwrap().try_into().unwrap()).unwrap()
}

/// Fails unless all of them are gone in time.
pub(crate) async fn gone(token: &str, except: u32, patience: Duration) {
    let begin = Instant::now();
    loop {
        let alive = alive(token, except);
        if alive.is_empty() {
            return;
        }
        assert!(begin.elapsed() < patience, "still alive: {alive:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

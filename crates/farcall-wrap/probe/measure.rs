//! What the shim costs: from the start of a program to its first byte, with it and without it.

use std::{
    collections::BTreeMap,
    env,
    io::Read,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use farcall_config::file::{Limits, Sandbox};
use farcall_wrap::child::{Child, ChildSpec};
use tokio::{io::AsyncReadExt, runtime};

/// `ROUNDS [SHIM]`: medians and 95th percentiles, in milliseconds.
pub(crate) fn measure(words: &[String]) {
    let rounds = words[0].parse().unwrap();
    if let Some(shim) = words.get(1) {
        farcall_wrap::shim::use_program(PathBuf::from(shim));
    }
    let runtime = runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.unwrap();
    let (mut bare, mut wrapped) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        bare.push(plain());
        wrapped.push(runtime.block_on(shimmed()));
    }
    for (name, mut times) in [("bare", bare), ("shim", wrapped)] {
        times.sort_unstable();
        let at = |part: usize| times[(times.len() - 1) * part / 100].as_secs_f64() * 1e3;
        super::say(&format!(
            "{name}: p50 {:.2} ms, p95 {:.2} ms",
            at(50),
            at(95)
        ));
    }
}

fn plain() -> Duration {
    let begin = Instant::now();
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["print", "1"])
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut byte = [0];
    child.stdout.take().unwrap().read_exact(&mut byte).unwrap();
    let time = begin.elapsed();
    child.wait().unwrap();
    time
}

async fn shimmed() -> Duration {
    let begin = Instant::now();
    let child = Child::spawn(ChildSpec {
        program: env::current_exe().unwrap(),
        arguments: vec!["print".into(), "1".into()],
        environment: BTreeMap::new(),
        working_dir: env::temp_dir(),
        readable: Vec::new(),
        writable: Vec::new(),
        withheld: Vec::new(),
        has_stdin: false,
        limits: Limits::default(),
        sandbox: Sandbox::Default,
        grace: Duration::ZERO,
        until: None,
    });
    let mut child = child.await.unwrap();
    let mut byte = [0];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut byte).await.unwrap();
    let time = begin.elapsed();
    child.ended().await.unwrap();
    time
}

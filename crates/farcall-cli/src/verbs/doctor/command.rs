//! Programs of the system that are asked, each with a time limit.

use std::{io, process::Stdio, time::Duration};

use tokio::{process::Command, time::timeout};

/// What a program has said.
pub(super) struct Output {
    pub(super) is_success: bool,
    /// Its exit status, where it ended by itself.
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// Runs a program to its end; one that takes longer than `limit` is killed.
pub(super) async fn output(
    program: &str,
    arguments: &[&str],
    limit: Duration,
) -> io::Result<Output> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "it did not answer in time");
    let output = timeout(limit, command.output()).await.map_err(late)??;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Output {
        is_success: output.status.success(),
        code: output.status.code(),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    })
}

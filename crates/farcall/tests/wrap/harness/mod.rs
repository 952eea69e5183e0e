//! A folder with a `farcall.toml`, the server that serves it, and a client.

mod project;
mod server;

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

pub(crate) use self::{
    project::{PATH, Project},
    server::{Answer, Server, message},
};

/// How long anything may take before a test gives up; far longer than it takes.
const DEADLINE: Duration = Duration::from_mins(1);

/// A client that asks nobody on its way.
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Looks until there is something to see.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let give_up_at = Instant::now() + DEADLINE;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(Instant::now() < give_up_at, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The numbers of processes that a program has written into a file of `out`, a line each.
pub(crate) fn noted(out: &Path, file: &str) -> Vec<i32> {
    let text = fs::read_to_string(out.join(file)).unwrap_or_default();
    text.lines().map(|line| line.parse().unwrap()).collect()
}

/// Whether a process is there, and no zombie.
pub(crate) fn is_alive(process: i32) -> bool {
    let Ok(status) = fs::read_to_string(format!("/proc/{process}/stat")) else {
        return false;
    };
    let state = status
        .rsplit_once(')')
        .map_or("", |(_, rest)| rest.trim_start());
    !state.starts_with(['Z', 'X'])
}

/// Waits until a file is there with a line in it, and returns all of it.
pub(crate) async fn written(path: &Path) -> String {
    until("a file of a program", async || {
        let text = fs::read_to_string(path).ok()?;
        text.ends_with('\n').then_some(text)
    })
    .await
}

/// Waits until none of these processes is there any more.
pub(crate) async fn gone(processes: &[i32]) {
    until("the end of every process", async || {
        let is_left = processes.iter().any(|process| is_alive(*process));
        (!is_left).then_some(())
    })
    .await;
}

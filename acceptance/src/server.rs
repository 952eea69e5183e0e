//! A server as a process of its own.

use std::{
    ffi::OsStr,
    path::Path,
    process::{Command, ExitStatus},
};

use rustix::process::Signal;

use crate::{
    McpClient,
    process::{Ended, Process},
    wait::{DEADLINE, until},
};

/// What stands around the address in the banner: of a server, and of one that only runs jobs.
const ADDRESS: [(&str, &str); 2] = [
    ("  mcp      http://", "/mcp"),
    ("  probes   http://", "/readyz"),
];

/// A server about to be started.
#[derive(Debug)]
#[must_use]
pub struct Launch(Command);

/// A server that has printed its banner; it is killed when this is dropped.
#[derive(Debug)]
pub struct Server {
    process: Process,
    origin: String,
}

/// A server that ended before it had an address.
#[derive(Debug)]
pub struct Fallen {
    /// The number that the system gave it.
    pub process: u32,
    /// How it ended.
    pub status: ExitStatus,
    /// What it said on standard error.
    pub talk: String,
}

impl Launch {
    /// The server in `binary`, with its data in `folder/data`, on a port that the system
    /// chooses, and with nothing in its environment that a test did not put there.
    pub fn of(binary: &Path, folder: &Path) -> Self {
        let mut command = Command::new(binary);
        command
            .current_dir(folder)
            .env_clear()
            .env("MCP_PORT", "0")
            .env("FARCALL_DATA_DIR", folder.join("data"))
            .env("FARCALL_LINGER", "0s")
            .env("FARCALL_LOG_FORMAT", "text");
        Self(command)
    }

    /// Sets a variable of its environment.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Starts it, and waits for its address.
    pub async fn start(self) -> Server {
        let started = self.start_unless_killed().await;
        started.unwrap_or_else(|fallen| {
            panic!("the server ended with {}:\n{}", fallen.status, fallen.talk)
        })
    }

    /// Starts one that may be killed before it is heard; then this is how it ended, and what it
    /// said.
    ///
    /// # Errors
    /// Its end.
    pub async fn start_unless_killed(mut self) -> Result<Server, Fallen> {
        let mut process = Process::spawn(&mut self.0);
        let address = until("the banner of the server", async || {
            let ended = process.ended();
            let talk = process.stderr();
            let address = talk.lines().find_map(|line| {
                let between = |(before, after)| line.strip_prefix(before)?.strip_suffix(after);
                ADDRESS.into_iter().find_map(between).map(str::to_owned)
            });
            match (address, ended) {
                (Some(address), _) => Some(Ok(address)),
                (None, Some(status)) => Some(Err(Fallen {
                    process: process.id(),
                    status,
                    talk,
                })),
                (None, None) => None,
            }
        })
        .await?;
        Ok(Server {
            process,
            origin: format!("http://{address}"),
        })
    }

    /// Starts it, and waits for nothing.
    pub fn spawn(mut self) -> Process {
        Process::spawn(&mut self.0)
    }

    /// Starts it, and waits for it to give up.
    pub async fn refused(self) -> Ended {
        self.run().await
    }

    /// Gives it arguments: a verb that ends by itself.
    pub fn verb(mut self, arguments: &[&str]) -> Self {
        self.0.args(arguments);
        self
    }

    /// Runs it to its end.
    pub async fn run(mut self) -> Ended {
        Process::spawn(&mut self.0).end(DEADLINE).await
    }
}

impl Server {
    /// Where it listens, for example `http://127.0.0.1:41234`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Its MCP endpoint.
    pub fn url(&self) -> String {
        format!("{}/mcp", self.origin)
    }

    /// A client of it, without credentials.
    pub fn client(&self) -> McpClient {
        McpClient::new(self.url())
    }

    /// What it has said on standard error.
    pub fn talk(&self) -> String {
        self.process.stderr()
    }

    /// The number that the system gave it.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Whether it is still there.
    pub fn is_alive(&mut self) -> bool {
        self.process.ended().is_none()
    }

    /// Sends it a signal; nothing where it has ended already.
    pub fn signal(&mut self, signal: Signal) {
        self.process.signal(signal);
    }

    /// `kill -9`.
    pub async fn kill(mut self) {
        self.process.signal(Signal::KILL);
        self.process.wait().await;
    }

    /// Asks it to stop, as a service manager does; nothing where it has ended already.
    pub fn terminate(&mut self) {
        self.process.signal(Signal::TERM);
    }

    /// Asks it to stop, and sees that it does so in order.
    pub async fn stop(mut self) {
        self.terminate();
        self.stopped().await;
    }

    /// Waits for the end of a server that was asked to stop.
    pub async fn stopped(mut self) {
        let status = self.process.wait().await;
        assert!(
            status.success(),
            "a server that was asked to stop ended with {status}:\n{}",
            self.talk()
        );
    }

    /// The process, without what makes it a server.
    pub fn into_process(self) -> Process {
        self.process
    }

    /// Waits for its end, whatever it is.
    pub async fn ended(mut self) -> ExitStatus {
        self.process.wait().await
    }
}

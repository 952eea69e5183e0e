//! Where the clients of others are, and how one is run.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use farcall_acceptance::{Ended, Process};
use serde_json::Value;

/// How long one client may take; those are the slowest that compile what they install.
const PATIENCE: Duration = Duration::from_mins(15);

/// Both generations of the Python SDK.
pub(crate) const PYTHONS: [Python; 2] = [
    Python {
        name: "py-mcp1",
        speaks: "2025-11-25",
    },
    Python {
        name: "py-mcp2",
        speaks: "2026-07-28",
    },
];

/// A Python with one generation of the SDK.
pub(crate) struct Python {
    pub(crate) name: &'static str,
    /// The version of the protocol that it agrees on with a server that knows every one.
    pub(crate) speaks: &'static str,
}

/// A client about to be run, with nothing in its environment that a test did not put there.
#[must_use]
pub(crate) struct Peer(Command);

impl Peer {
    /// The Python program `script`, relative to the repository.
    pub(crate) fn python(python: &Python, script: &str) -> Self {
        Self::of(&format!("{}/bin/python", python.name)).argument(repository().join(script))
    }

    /// Python code that is no file.
    pub(crate) fn python_code(python: &Python, code: &str) -> Self {
        let peer = Self::of(&format!("{}/bin/python", python.name));
        peer.arguments(&["-c", code])
    }

    /// Schemathesis, which attacks a server by the description of its routes.
    pub(crate) fn schemathesis() -> Self {
        Self::of("py-schemathesis/bin/schemathesis")
    }

    /// maturin, which makes the wheel.
    pub(crate) fn maturin() -> Self {
        Self::of("py-wheel/bin/maturin")
    }

    /// A Node program that `peers/install` brought.
    pub(crate) fn node(program: &str) -> Self {
        Self::of(&format!("node/node_modules/.bin/{program}"))
    }

    /// A client of MCP that Node runs.
    pub(crate) fn client(program: &str) -> Self {
        Self::of(&format!("clients/node_modules/.bin/{program}"))
    }

    /// A program of this workspace, as somebody types it.
    pub(crate) fn own(program: &str) -> Self {
        Self::at(&binary(program))
    }

    /// The program in this file, with nothing but a PATH.
    pub(crate) fn at(program: &Path) -> Self {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_default());
        Self(command)
    }

    fn of(program: &str) -> Self {
        let peers = folder();
        let program = peers.join(program);
        assert!(
            program.exists(),
            "`{}` is missing; run peers/install first, or set FARCALL_PEERS to where it has been",
            program.display()
        );
        // The Node of the system may be too old for these programs.
        let mut path = peers.join("node/node_modules/.bin").into_os_string();
        path.push(":");
        path.push(env::var_os("PATH").unwrap_or_default());
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", path)
            .env("HOME", env::var_os("HOME").unwrap_or_default())
            .env("FARCALL_PEERS", &peers);
        Self(command)
    }

    pub(crate) fn argument(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.0.arg(argument);
        self
    }

    pub(crate) fn arguments(mut self, arguments: &[&str]) -> Self {
        self.0.args(arguments);
        self
    }

    pub(crate) fn environment(mut self, variables: &[(&str, &str)]) -> Self {
        self.0.envs(variables.iter().copied());
        self
    }

    /// Runs it in `folder`, for one that leaves something where it is.
    pub(crate) fn within(mut self, folder: &Path) -> Self {
        self.0.current_dir(folder);
        self
    }

    /// Starts it, and waits for nothing.
    pub(crate) fn spawn(mut self) -> Process {
        Process::spawn(&mut self.0)
    }

    pub(crate) async fn run(mut self) -> Ended {
        Process::spawn(&mut self.0).end(PATIENCE).await
    }

    /// Runs it, sees that it is content, and returns what it printed.
    pub(crate) async fn content(self, case: &str) -> String {
        let ended = self.run().await;
        assert_eq!(
            ended.code,
            Some(0),
            "{case}:\n{}{}",
            ended.stdout,
            ended.stderr
        );
        ended.stdout
    }

    /// The same for a client that prints one line of JSON.
    pub(crate) async fn json(self, case: &str) -> Value {
        let said = self.content(case).await;
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{case}: {error}:\n{said}"))
    }
}

pub(crate) fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap().to_owned()
}

/// What `peers/install` filled; a relative `FARCALL_PEERS` is relative to the repository, as there.
pub(crate) fn folder() -> PathBuf {
    let chosen = env::var_os("FARCALL_PEERS").unwrap_or_else(|| "target/peers".into());
    repository().join(chosen)
}

/// The program `name` of this workspace, built with the same profile as this test.
pub(crate) fn binary(name: &str) -> PathBuf {
    let test = env::current_exe().unwrap();
    let profile = test.parent().unwrap().parent().unwrap();
    let binary = profile.join(name);
    assert!(
        binary.exists(),
        "`{}` is missing; build it first: cargo build -p {name}",
        binary.display()
    );
    binary
}

//! The folder of a project, from which `farcall serve` is started.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use tempfile::TempDir;

use super::Server;

/// Where programs are looked for: not where shims of version managers are, which a program that is
/// kept in its place cannot follow.
pub(crate) const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The file in a project that stands for `/etc/hosts`.
const HOSTS: &str = "hosts";

/// The folder of a project.
pub(crate) struct Project {
    folder: Arc<TempDir>,
    /// What serves it.
    pub(crate) binary: PathBuf,
    variables: Vec<(String, String)>,
    arguments: Vec<String>,
}

impl Project {
    /// A folder with this `farcall.toml`, and every program of the tests in it.
    pub(crate) fn new(toml: &str) -> Self {
        Self::with_programs("tests/wrap/programs", toml)
    }

    /// The same with the programs of another folder of this crate.
    pub(crate) fn with_programs(programs: &str, toml: &str) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("farcall-wrap-")
            .tempdir()
            .unwrap();
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let programs = fs::read_dir(here.join(programs)).unwrap();
        for program in programs.map(|entry| entry.unwrap().path()) {
            fs::copy(&program, folder.path().join(program.file_name().unwrap())).unwrap();
        }
        let helper = here.join("../../python/farcall.py");
        fs::copy(helper, folder.path().join("farcall.py")).unwrap();
        fs::write(folder.path().join("farcall.toml"), toml).unwrap();
        Self {
            folder: Arc::new(folder),
            binary: PathBuf::from(env!("CARGO_BIN_EXE_farcall")),
            variables: Vec::new(),
            arguments: Vec::new(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Sets a variable of the server's environment.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Says more on the command line, behind `serve`.
    pub(crate) fn typed(mut self, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|&argument| argument.to_owned());
        self.arguments.extend(arguments);
        self
    }

    /// Lets the server find names in these lines, in the place of `/etc/hosts`.
    #[cfg(feature = "namespace-tests")]
    pub(crate) fn with_hosts(self, lines: &str) -> Self {
        self.set_hosts(lines);
        self
    }

    /// The same while it runs.
    #[cfg(feature = "namespace-tests")]
    pub(crate) fn set_hosts(&self, lines: &str) {
        fs::write(self.path(HOSTS), lines).unwrap();
    }

    /// The binary; in a mount namespace where it has names of its own.
    fn farcall(&self) -> Command {
        let binary = &self.binary;
        if !self.path(HOSTS).exists() {
            return Command::new(binary);
        }
        let mut command = Command::new("unshare");
        command.args(["--mount", "--map-root-user", "sh", "-c"]);
        let mount = format!("mount --bind {HOSTS} /etc/hosts && exec \"$@\"");
        command.args([mount.as_str(), "sh"]).arg(binary);
        command
    }

    /// What `farcall token` prints.
    pub(crate) fn token(&self, arguments: &[&str]) -> String {
        self.printed("token", arguments)
    }

    /// What `farcall keys` prints.
    pub(crate) fn keys(&self, arguments: &[&str]) -> String {
        self.printed("keys", arguments)
    }

    fn printed(&self, verb: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(&self.binary);
        command
            .arg(verb)
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", PATH);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn command(&self) -> Command {
        let mut command = self.farcall();
        command
            .arg("serve")
            .args(&self.arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", PATH)
            .env("MCP_PORT", "0")
            .env("FARCALL_LINGER", "0s")
            .env("FARCALL_LOG_FORMAT", "text")
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// What `farcall serve` says that does not start, and its exit status.
    pub(crate) async fn refused(&self) -> (i32, String) {
        self.begin().refusal().await
    }

    /// Serves it.
    pub(crate) async fn serve(&self) -> Server {
        self.begin().once_it_serves().await
    }

    /// Starts a server, and does not wait until it can be asked.
    pub(crate) fn begin(&self) -> Server {
        Server::spawn(self.command(), Arc::clone(&self.folder))
    }
}

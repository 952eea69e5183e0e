//! The servers that take part: how each is started, and stopped.

mod bare_axum;
mod farcall;
mod guide;
pub(crate) mod mounted;
mod nginx;
mod plain_rmcp;
mod s3;
pub(crate) mod wrapped;

use std::{
    fs::{self, File},
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

pub(crate) use self::{
    bare_axum::bare_axum,
    farcall::{Place, big_files, example, many_jobs, many_tools},
    guide::{guide, guide_with_steps},
    nginx::nginx,
    plain_rmcp::plain_rmcp,
    s3::S3,
};
use crate::{
    client::Client,
    machine::Machine,
    process::{Process, pause},
    requests,
};

/// A server that is not up by then will not be.
const START_TIME: Duration = Duration::from_secs(20);
/// A server that does not stop by then is killed.
const STOP_TIME: Duration = Duration::from_secs(10);

/// Where a server may run.
#[derive(Clone, Copy)]
pub(crate) enum On<'a> {
    /// Its core, away from the load.
    Core(&'a Machine),
    /// Wherever this process may.
    Anything,
    /// The same, and like another machine to whoever asks which processes live: it sees others,
    /// and none of ours.
    AnotherMachine,
}

/// A running server; it ends with this value.
pub(crate) struct Server {
    child: Child,
    /// Its configuration and data.
    folder: TempDir,
    pub(crate) address: SocketAddr,
    /// From the start of the process to the first answer of its probe.
    pub(crate) started_after: Duration,
}

impl Server {
    /// Starts `program`, told by `configure` where to listen, and waits for its first answer.
    fn start(
        program: &Path,
        on: On,
        configure: impl FnOnce(&mut Command, u16, &Path) -> Result<()>,
    ) -> Result<Self> {
        Self::start_with(program, on, "/healthz", configure)
    }

    /// The same for one whose probe is at `probe`.
    fn start_with(
        program: &Path,
        on: On,
        probe: &str,
        configure: impl FnOnce(&mut Command, u16, &Path) -> Result<()>,
    ) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let address = free_address()?;
        let mut command = match on {
            On::Core(machine) => {
                // It ends with this process, whatever ends that.
                let mut command = Command::new("setpriv");
                command
                    .args(["--pdeathsig", "TERM", "taskset", "-c"])
                    .arg(machine.server_core.to_string())
                    .arg(program);
                command
            }
            On::Anything => Command::new(program),
            On::AnotherMachine => {
                let mut command = Command::new("unshare");
                command
                    .args(["--map-root-user", "--pid", "--fork", "--kill-child=KILL"])
                    .arg("--mount-proc")
                    .arg(program);
                command
            }
        };
        let said = File::create(folder.path().join("log"))?;
        command
            .current_dir(folder.path())
            // Whatever is set here for somebody's own server is not meant for these.
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .stdin(Stdio::null())
            .stdout(said.try_clone()?)
            .stderr(said);
        configure(&mut command, address.port(), folder.path())?;
        let begun = Instant::now();
        let child = command
            .spawn()
            .with_context(|| format!("`{}` does not start", program.display()))?;
        let mut server = Self {
            child,
            folder,
            address,
            started_after: Duration::ZERO,
        };
        server
            .wait_for_answer(begun, probe)
            .with_context(|| format!("`{}` does not serve", program.display()))?;
        Ok(server)
    }

    fn wait_for_answer(&mut self, begun: Instant, probe: &str) -> Result<()> {
        let probe = requests::get(probe);
        loop {
            if let Ok(mut client) = Client::connect(self.address) {
                client.succeed(&probe)?;
                self.started_after = begun.elapsed();
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                let said = fs::read_to_string(self.folder.path().join("log"))?;
                bail!("it ended with {status}: {said}");
            }
            if begun.elapsed() > START_TIME {
                bail!("nobody listens at {}", self.address);
            }
            pause(Duration::from_micros(200));
        }
    }

    pub(crate) fn process(&self) -> Process {
        Process(self.child.id())
    }

    /// Ends it as a loss of power to the machine ends a process: at once, with no word to it.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// The folder in which it was started.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        // nginx's worker only goes when its master is asked in order.
        let pid = Pid::from_child(&self.child);
        let _ = kill_process(pid, Signal::TERM);
        let begun = Instant::now();
        while begun.elapsed() < STOP_TIME {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            pause(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that was free a moment ago.
fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    Ok(listener.local_addr()?)
}

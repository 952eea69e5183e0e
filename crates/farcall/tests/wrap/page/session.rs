//! Somebody who follows a page in an empty folder.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{Part, fits};
use crate::harness::{PATH, until};

/// The port that pages show.
const PORT: &str = ":8900";

/// What marks the address in the banner of a server.
const ADDRESS: (&str, &str) = ("  mcp      http://127.0.0.1", "/mcp");

/// A reader at work.
pub(crate) struct Session {
    folder: PathBuf,
    server: Option<Server>,
    /// How many signs were typed: commands, and what was changed in files that were there.
    pub(crate) typed: usize,
    root: TempDir,
}

struct Server {
    child: Child,
    /// What it prints, line by line.
    printed: Arc<Mutex<Vec<String>>>,
    /// Its port, with the colon before it.
    port: String,
}

impl Session {
    /// A reader in front of an empty folder.
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("home");
        fs::create_dir(&folder).unwrap();
        Self {
            folder,
            server: None,
            typed: 0,
            root,
        }
    }

    /// Does all of it, to the end.
    ///
    /// # Errors
    /// What was not as the page shows it.
    pub(crate) async fn follow(&mut self, parts: &[Part]) -> Result<(), String> {
        for part in parts {
            match part {
                Part::Written { name, text } => self.write(name, text),
                Part::Typed { command, shown } => {
                    self.typed += command.len() + 1;
                    if command.starts_with("farcall serve") {
                        self.serve(command, shown).await?;
                    } else {
                        self.run(command, shown)?;
                    }
                }
            }
        }
        self.stop().await
    }

    /// Writes a file; of one that was there, only the lines that it did not have are typed.
    fn write(&mut self, name: &str, text: &str) {
        let path = self.folder.join(name);
        if let Ok(before) = fs::read_to_string(&path) {
            let had = |line: &&str| before.lines().any(|known| known == *line);
            let new = text.lines().filter(|line| !had(line));
            self.typed += new.map(|line| line.len() + 1).sum::<usize>();
        }
        fs::write(path, text).unwrap();
    }

    /// What the shell does with a line.
    fn command(&self, line: &str) -> Command {
        let port = self.server.as_ref().map_or(PORT, |server| &server.port);
        let programs = Path::new(env!("CARGO_BIN_EXE_farcall")).parent().unwrap();
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(line.replace(PORT, port))
            .current_dir(&self.folder)
            .env_clear()
            .env("PATH", format!("{}:{PATH}", programs.display()))
            .env("HOME", &self.folder)
            .env("MCP_PORT", "0")
            .env("FARCALL_LOG_FORMAT", "text")
            .env("FARCALL_LINGER", "0s")
            .stdin(Stdio::null());
        command
    }

    fn run(&mut self, typed: &str, shown: &[String]) -> Result<(), String> {
        // Where a command went to is where the next one begins.
        let place = self.root.path().join("place");
        let line = format!(
            "exec 2>&1; {typed}\nstatus=$?; pwd > '{}'; exit $status",
            place.display()
        );
        let output = self.command(&line).output().unwrap();
        if let Ok(place) = fs::read_to_string(place) {
            self.folder = PathBuf::from(place.trim_end());
        }
        let mut printed = String::from_utf8(output.stdout).unwrap();
        if let Some(server) = &self.server {
            printed = printed.replace(&server.port, PORT);
        }
        let fails = shown.iter().any(|line| line.contains("error: "));
        if output.status.success() == fails {
            let status = output.status;
            return Err(format!("`{typed}` ended with {status}:\n{printed}"));
        }
        let printed: Vec<_> = printed.lines().map(str::to_owned).collect();
        if shown.is_empty() || fits(shown, &printed) {
            return Ok(());
        }
        Err(differs(typed, shown, &printed))
    }

    async fn serve(&mut self, typed: &str, shown: &[String]) -> Result<(), String> {
        // So that what is started is the server itself, which signals are for.
        let mut command = self.command(&format!("exec {typed}"));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let printed = Arc::<Mutex<Vec<String>>>::default();
        listen(child.stdout.take().unwrap(), &printed);
        listen(child.stderr.take().unwrap(), &printed);
        let port = until("the address of the server", async || {
            let printed = printed.lock().unwrap();
            if let Some(status) = child.try_wait().unwrap() {
                return Some(Err(format!("`{typed}` ended with {status}: {printed:?}")));
            }
            let (before, after) = ADDRESS;
            let port = |line: &String| {
                let port = line.strip_prefix(before)?.strip_suffix(after)?;
                Some(Ok(port.to_owned()))
            };
            printed.iter().find_map(port)
        })
        .await?;
        // All of the banner is written at once, and its lines need not have come all.
        until("the banner of the server", async || {
            (printed.lock().unwrap().len() >= shown.len()).then_some(())
        })
        .await;
        let server = self.server.insert(Server {
            child,
            printed,
            port,
        });
        let printed = server.shown();
        // What it logs comes after the banner, at its own time.
        let mut beginning = shown.to_vec();
        beginning.push("…".to_owned());
        if fits(&beginning, &printed) {
            return Ok(());
        }
        Err(differs(typed, shown, &printed))
    }

    /// Ends the server as Ctrl-C does.
    async fn stop(&mut self) -> Result<(), String> {
        let Some(mut server) = self.server.take() else {
            return Ok(());
        };
        kill_process(Pid::from_child(&server.child), Signal::INT).unwrap();
        let status = until("the end of the server", async || {
            server.child.try_wait().unwrap()
        })
        .await;
        if status.success() {
            return Ok(());
        }
        Err(format!(
            "the server ended with {status}: {:?}",
            server.shown()
        ))
    }
}

impl Server {
    /// What it printed, as the page shows it.
    fn shown(&self) -> Vec<String> {
        let printed = self.printed.lock().unwrap();
        let lines = printed.iter();
        lines.map(|line| line.replace(&self.port, PORT)).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn listen(stream: impl Read + Send + 'static, printed: &Arc<Mutex<Vec<String>>>) {
    let printed = Arc::clone(printed);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            printed.lock().unwrap().push(line);
        }
    });
}

fn differs(typed: &str, shown: &[String], printed: &[String]) -> String {
    let (shown, printed) = (shown.join("\n"), printed.join("\n"));
    format!("`{typed}` does not print what the page shows\n── page\n{shown}\n── printed\n{printed}")
}

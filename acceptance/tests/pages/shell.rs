//! The shell in which the reader of a page types.

use std::{
    fs::{self, File},
    io::Write as _,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
};

use farcall_acceptance::wait::until;
use rustix::process::{Pid, Signal, kill_process_group};

/// What a program needs to know of the world that a page begins in.
pub(crate) type Environment = Vec<(&'static str, String)>;

/// A shell that keeps its folder, its variables and what it runs in the background.
pub(crate) struct Shell {
    group: Group,
    input: ChildStdin,
    /// Where commands, their output and their status are noted.
    notes: PathBuf,
    typed: usize,
}

/// How a command ended.
pub(crate) struct Typed {
    /// Whether its status was zero.
    pub(crate) is_well: bool,
    /// What it has printed, on either stream.
    pub(crate) printed: String,
    /// Where the shell is now.
    pub(crate) folder: PathBuf,
}

impl Shell {
    /// A shell in `home`, which notes what it does in `notes`.
    pub(crate) fn open(home: &Path, notes: PathBuf, environment: &Environment) -> Self {
        let mut command = bash(home, environment);
        command
            .args(["--norc", "--noprofile"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut group = Group::spawn(&mut command);
        let input = group.leader.stdin.take().unwrap();
        Self {
            group,
            input,
            notes,
            typed: 0,
        }
    }

    /// Types `text`, and waits for its end. Where it `has_to_be_well`, the first command that fails ends the shell.
    ///
    /// # Errors
    /// What it has printed, where the shell has ended.
    pub(crate) async fn run(&mut self, text: &str, has_to_be_well: bool) -> Result<Typed, String> {
        self.typed += 1;
        let note = |end: &str| self.notes.join(format!("{}.{end}", self.typed));
        let (script, output, end) = (note("sh"), note("out"), note("end"));
        let strict = if has_to_be_well { "set -e\n" } else { "" };
        fs::write(&script, format!("{strict}{text}\n")).unwrap();
        // What goes on in the background holds a file open, and no pipe that somebody waits for.
        let line = format!(
            ". '{}' >'{}' 2>&1 </dev/null; echo \"$? $PWD\" >'{end}.new'; set +e; mv '{end}.new' '{end}'\n",
            script.display(),
            output.display(),
            end = end.display(),
        );
        // A shell that is gone is noticed below.
        let _ = self.input.write_all(line.as_bytes());
        let ended = until("the end of a command", async || {
            let gone = self.group.leader.try_wait().unwrap();
            match (fs::read_to_string(&end), gone) {
                (Ok(noted), _) => Some(Ok(noted)),
                (Err(_), Some(status)) => Some(Err(status)),
                (Err(_), None) => None,
            }
        })
        .await;
        let printed = fs::read(&output).unwrap_or_default();
        let printed = String::from_utf8_lossy(&printed).into_owned();
        let noted = ended.map_err(|status| format!("ended with {status}:\n{printed}"))?;
        let (status, folder) = noted.trim_end().split_once(' ').unwrap();
        Ok(Typed {
            is_well: status == "0",
            printed,
            folder: PathBuf::from(folder),
        })
    }
}

/// Something that is started and stays.
pub(crate) struct Staying {
    group: Group,
    output: PathBuf,
}

impl Staying {
    /// Starts `command` in `folder`; what it prints goes into the file `output`.
    pub(crate) fn start(
        command: &str,
        folder: &Path,
        output: PathBuf,
        environment: &Environment,
    ) -> Self {
        let file = File::create(&output).unwrap();
        let mut bash = bash(folder, environment);
        bash.arg("-c")
            .arg(command)
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file);
        Self {
            group: Group::spawn(&mut bash),
            output,
        }
    }

    /// What it has printed so far, without a line that has not ended.
    pub(crate) fn printed(&self) -> String {
        let mut printed = fs::read_to_string(&self.output).unwrap_or_default();
        printed.truncate(printed.rfind('\n').map_or(0, |end| end + 1));
        printed
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.group.leader.try_wait().unwrap()
    }

    /// Ends it as Ctrl-C does, and waits for that.
    pub(crate) async fn interrupt(&mut self) -> ExitStatus {
        self.group.signal(Signal::INT);
        until("the end of a server", async || self.ended()).await
    }
}

fn bash(folder: &Path, environment: &Environment) -> Command {
    let mut command = Command::new("bash");
    command
        .current_dir(folder)
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)));
    command
}

/// A process and what it starts, which all end when this is dropped.
struct Group {
    leader: Child,
}

impl Group {
    fn spawn(command: &mut Command) -> Self {
        let leader = command.process_group(0).spawn();
        Self {
            leader: leader.expect("bash is there"),
        }
    }

    fn signal(&self, signal: Signal) {
        // All of them may have ended already.
        let _ = kill_process_group(Pid::from_child(&self.leader), signal);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.leader.wait();
    }
}

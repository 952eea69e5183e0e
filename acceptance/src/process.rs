//! A process of somebody else, with what it says.

use std::{
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::wait::{DEADLINE, until, until_within};

/// A process that is heard to its end, and killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    stdout: Heard,
    stderr: Heard,
}

/// How a process ended, and all that it said.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status; `None` where a signal ended it.
    pub code: Option<i32>,
    /// What it said on standard output.
    pub stdout: String,
    /// What it said on standard error.
    pub stderr: String,
}

impl Process {
    /// Starts `command`, with nothing on its standard input.
    pub fn spawn(command: &mut Command) -> Self {
        let program = PathBuf::from(command.get_program());
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child =
            child.unwrap_or_else(|error| panic!("`{}` cannot be run: {error}", program.display()));
        Self {
            stdout: Heard::from(child.stdout.take().unwrap()),
            stderr: Heard::from(child.stderr.take().unwrap()),
            child,
        }
    }

    /// The number that the system gave it.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has said on standard error so far.
    pub fn stderr(&self) -> String {
        self.stderr.so_far()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits for its end.
    pub async fn wait(&mut self) -> ExitStatus {
        until("the end of a process", async || self.ended()).await
    }

    /// Waits for its end, not longer than `deadline`, and returns all that it said.
    pub async fn end(mut self, deadline: Duration) -> Ended {
        let status = until_within(deadline, "the end of a process", async || self.ended()).await;
        Ended {
            code: status.code(),
            stdout: self.stdout.to_the_end().await,
            stderr: self.stderr.to_the_end().await,
        }
    }

    /// Sends it a signal; nothing where it has ended already.
    pub fn signal(&mut self, signal: Signal) {
        // Until somebody has asked for its end, the number is nobody else's.
        if self.ended().is_none() {
            kill_process(Pid::from_child(&self.child), signal).unwrap();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already, and a test that failed has other worries.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One of the two streams of a process, read by a thread.
#[derive(Debug)]
struct Heard {
    text: Arc<Mutex<String>>,
    reader: JoinHandle<()>,
}

impl Heard {
    fn from(stream: impl Read + Send + 'static) -> Self {
        let text = Arc::<Mutex<String>>::default();
        let heard = Arc::clone(&text);
        let reader = thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                heard.push_str(&line);
                heard.push('\n');
            }
        });
        Self { text, reader }
    }

    fn so_far(&self) -> String {
        let text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        text.clone()
    }

    async fn to_the_end(&self) -> String {
        until_within(DEADLINE, "the last words of a process", async || {
            self.reader.is_finished().then_some(())
        })
        .await;
        self.so_far()
    }
}

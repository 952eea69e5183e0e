//! What a stage in a process of its own finds behind its context: the server, at the other end of two
//! pipes.

use std::{
    fs::File,
    io::{self, PipeWriter, Write},
    path::Path,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    time::Duration,
};

use farcall_core::{
    BoxFuture,
    artifact::{Artifact, ArtifactSink},
    id::JobId,
    job::{JobHost, StopReason},
    problem::{ErrorCode, Problem},
    question::{Answer, Asking, Question},
    trace::TraceParent,
};
use serde_json::Value;
use tokio::{sync::watch, task::spawn_blocking, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    LONGEST,
    message::{Asked, Said, Standing, Told},
};
use crate::wire::frame::encode;

/// The server, as a stage sees it.
pub(super) struct Remote {
    id: JobId,
    standing: Standing,
    voice: Arc<Voice>,
    stop: Arc<Stopping>,
    files: AtomicU64,
    lease: watch::Sender<Instant>,
}

/// Speaks to the server.
pub(super) struct Voice {
    pipe: Mutex<PipeWriter>,
    /// Held by whoever waits for an answer: there is one at a time, so that each is the right one.
    answers: Mutex<mpsc::Receiver<Told>>,
}

/// Whether, and why, the stage should stop.
#[derive(Default)]
pub(super) struct Stopping {
    reason: OnceLock<StopReason>,
    token: CancellationToken,
}

impl Stopping {
    pub(super) fn because(&self, reason: StopReason) {
        // The first reason is the one.
        let _ = self.reason.set(reason);
        self.token.cancel();
    }
}

impl Voice {
    pub(super) fn new(pipe: PipeWriter, answers: mpsc::Receiver<Told>) -> Self {
        Self {
            pipe: Mutex::new(pipe),
            answers: Mutex::new(answers),
        }
    }

    /// Says something that nobody answers.
    pub(super) fn say(&self, said: &Said) -> Result<(), Problem> {
        let message = encode(said)?;
        if message.len() > LONGEST {
            let sentence = format!("{} bytes are more than is kept of a stage", message.len());
            return Err(Problem::new(ErrorCode::OutputLimit, sentence)
                .hint("write what is large to a file in `ctx.work_dir()` or to an artifact"));
        }
        let mut pipe = self.pipe.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(pipe.write_all(&message)?)
    }

    fn ask(&self, said: &Said) -> Result<Told, Problem> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        self.say(said)?;
        match answers.recv() {
            Ok(Told::Refused(fault)) => Err(fault.into()),
            Ok(told) => Ok(told),
            Err(_) => Err(Problem::internal(
                "the server is gone, and this stage with it",
            )),
        }
    }

    fn kept(&self, said: &Said) -> Result<(), Problem> {
        match self.ask(said)? {
            Told::Kept => Ok(()),
            other => Err(confused(&other)),
        }
    }
}

fn confused(told: &Told) -> Problem {
    Problem::internal(format!("the server answered `{told:?}`"))
}

impl Remote {
    pub(super) fn new(
        standing: Standing,
        voice: Arc<Voice>,
        stop: Arc<Stopping>,
    ) -> Result<Self, Problem> {
        let id = standing.job_id();
        Ok(Self {
            id: id.ok_or_else(|| Problem::internal("the order names no job"))?,
            standing,
            voice,
            stop,
            files: AtomicU64::new(0),
            // This process is ended when the lease is over, with all that it started.
            lease: watch::Sender::new(Instant::now() + Duration::from_hours(24 * 365)),
        })
    }
}

impl JobHost for Remote {
    fn job_id(&self) -> JobId {
        self.id
    }

    fn attempt(&self) -> u32 {
        self.standing.attempt
    }

    fn tries_left(&self) -> u32 {
        self.standing.tries_left
    }

    fn losses(&self) -> u32 {
        self.standing.losses
    }

    fn is_alone(&self) -> bool {
        self.standing.is_alone
    }

    fn trace(&self) -> Option<TraceParent> {
        TraceParent::parse(self.standing.trace.as_deref()?)
    }

    fn work_dir(&self) -> &Path {
        &self.standing.work_dir
    }

    fn cancellation(&self) -> &CancellationToken {
        &self.stop.token
    }

    fn stop_reason(&self) -> Option<StopReason> {
        self.stop.reason.get().copied()
    }

    fn lease(&self) -> watch::Receiver<Instant> {
        self.lease.subscribe()
    }

    fn checkpoint(&self, value: Value) -> BoxFuture<Result<(), Problem>> {
        let voice = Arc::clone(&self.voice);
        Box::pin(async move { spawn_blocking(move || voice.kept(&Said::Checkpoint(value))).await? })
    }

    fn checkpoint_blocking(&self, value: Value) -> Result<(), Problem> {
        self.voice.kept(&Said::Checkpoint(value))
    }

    fn enter_stage(&self, name: &str) -> Result<(), Problem> {
        self.voice.kept(&Said::Stage(name.to_owned()))
    }

    fn report(&self, fraction: Option<f64>, message: Option<String>) {
        // A server that does not hear it is gone.
        let _ = self.voice.say(&Said::Report { fraction, message });
    }

    fn log(&self, text: String) {
        let _ = self.voice.say(&Said::Log(text));
    }

    fn can_ask(&self, asking: Asking) -> bool {
        let ways = &self.standing.can_ask;
        ways.iter().any(|method| method == asking.method())
    }

    fn ask(&self, questions: Vec<(String, Question)>) -> BoxFuture<Result<Vec<Answer>, Problem>> {
        let voice = Arc::clone(&self.voice);
        Box::pin(async move { spawn_blocking(move || put(&voice, questions)).await? })
    }

    fn ask_blocking(&self, questions: Vec<(String, Question)>) -> Result<Vec<Answer>, Problem> {
        put(&self.voice, questions)
    }

    fn create_artifact(&self, name: &str, _: &str) -> Result<Box<dyn ArtifactSink>, Problem> {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(Spooled {
            file: File::create_new(self.standing.spool.join(number.to_string()))?,
            name: name.to_owned(),
            number,
            voice: Arc::clone(&self.voice),
        }))
    }
}

fn put(voice: &Voice, questions: Vec<(String, Question)>) -> Result<Vec<Answer>, Problem> {
    let questions = questions.into_iter();
    let asked = questions.map(|(key, question)| Asked::new(key, &question));
    match voice.ask(&Said::Ask(asked.collect()))? {
        Told::Answers(answers) => Ok(answers.into_iter().map(Answer::new).collect()),
        other => Err(confused(&other)),
    }
}

/// A file that the server takes over once it is finished.
struct Spooled {
    file: File,
    name: String,
    number: u64,
    voice: Arc<Voice>,
}

impl Write for Spooled {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl ArtifactSink for Spooled {
    fn finish(self: Box<Self>) -> Result<Artifact, Problem> {
        let Self {
            file,
            name,
            number,
            voice,
        } = *self;
        drop(file);
        match voice.ask(&Said::Artifact { name, number })? {
            Told::Artifact(artifact) => Ok(artifact),
            other => Err(confused(&other)),
        }
    }
}

//! The server's side of a step in a process of its own.

use std::{
    collections::{BTreeMap, VecDeque},
    ffi::{OsStr, OsString},
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use farcall_config::file::{Limits, Sandbox};
use farcall_core::{
    artifact::Artifact,
    job::{Job, JobContext, LeaseRanOut, StepBody},
    problem::{ErrorCode, Problem},
    question::{Answer, Asking},
    trace::TRACEPARENT_VARIABLE,
};
use rustix::process::Signal;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::unix::pipe::{Receiver, Sender},
    runtime::Handle,
    sync::mpsc,
};
use tokio_util::task::AbortOnDropHandle;

use super::{
    LONGEST, WORD,
    message::{Asked, Fault, Order, Said, Standing, Stop, Told},
};
use crate::{
    child::{Child, ChildSpec, Ended},
    command::{RunFolder, hurry, until_it_ended},
    lines::Lines,
    output::PIECE,
    wire::frame::{Inbox, encode},
};

/// How long a step has between being told to stop and being killed: a little less than the runner waits
/// (10 seconds), so that nothing runs any more when the job's record is over.
const GRACE: Duration = Duration::from_secs(9);

/// How many messages may wait to be done before the step has to.
const BACKLOG: usize = 64;

/// How many lines of what a step printed last go to the log where its process ended badly.
const LAST_LINES: usize = 10;

/// The same job, each step of which runs in a process of its own.
///
/// The program of this process has to call [`main`](super::main) with the job as it was, where it
/// [is asked](super::is_asked).
pub fn isolated(mut job: Job) -> Job {
    let fingerprint: Arc<str> = job.program.fingerprint().into();
    let (name, memory): (Arc<str>, _) = (job.name.as_str().into(), job.options.memory);
    job.program = job.program.with_bodies(|step| {
        let run = Isolated {
            job: Arc::clone(&name),
            step,
            fingerprint: Arc::clone(&fingerprint),
            memory,
        };
        StepBody::Blocking(Arc::new(move |context, value| run.run(context, value)))
    });
    job
}

/// One step of a job.
struct Isolated {
    job: Arc<str>,
    step: usize,
    fingerprint: Arc<str>,
    memory: Option<u64>,
}

/// What comes from the process of a step.
enum Heard {
    Said(Said),
    /// A line that it printed.
    Line(String),
    /// What is no message, so that nothing after it can be one.
    Nonsense(String),
}

impl Isolated {
    /// Runs the step, on the thread of its job.
    fn run(&self, job: &JobContext, value: Value) -> Result<Value, Problem> {
        let spool = RunFolder::create()?;
        let order = Order {
            job: self.job.to_string(),
            step: self.step,
            fingerprint: self.fingerprint.to_string(),
            value,
            standing: standing(job, spool.path()),
        };
        let (heard, hearing) = mpsc::channel(BACKLOG);
        let (answers, told) = mpsc::channel(1);
        let drive = drive(self.spec(job)?, encode(&order)?, job.clone(), heard, told);
        let runtime = Handle::current();
        // Should this thread panic, the process goes with it.
        let driven = AbortOnDropHandle::new(runtime.spawn(drive));
        let mut follower = Follower {
            job,
            spool: spool.path(),
            last_lines: VecDeque::new(),
        };
        let outcome = follower.follow(hearing, &answers);
        drop(answers);
        let ended = runtime.block_on(driven)??;
        outcome.unwrap_or_else(|| Err(self.died(ended, &follower.last_lines)))
    }

    fn spec(&self, job: &JobContext) -> Result<ChildSpec, Problem> {
        let mut environment: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
        // Not the one of whoever started this server.
        environment.remove(OsStr::new(TRACEPARENT_VARIABLE));
        if let Some(trace) = job.trace() {
            environment.insert(TRACEPARENT_VARIABLE.into(), trace.to_string().into());
        }
        Ok(ChildSpec {
            program: this_program()?,
            arguments: vec![WORD.into()],
            environment,
            working_dir: std::env::current_dir()?,
            readable: Vec::new(),
            writable: Vec::new(),
            withheld: Vec::new(),
            has_stdin: true,
            limits: Limits {
                memory: self.memory,
                ..Limits::default()
            },
            // It is the server's own code, which may read what the server may.
            sandbox: Sandbox::Off,
            grace: GRACE,
            until: None,
        })
    }

    /// Why a step has no outcome whose process ended like this.
    fn died(&self, ended: Ended, last_lines: &VecDeque<String>) -> Problem {
        let last_lines: Vec<_> = last_lines.iter().map(String::as_str).collect();
        let last_lines = last_lines.join("\n");
        let is_abort = ended == Ended::Signalled(Signal::ABORT.as_raw());
        let sentence = match ended {
            Ended::Stopped | Ended::Killed => {
                return Problem::new(ErrorCode::Cancelled, "the stage was told to stop");
            }
            Ended::Expired => {
                return Problem::new(ErrorCode::Cancelled, "the stage was ended with its lease")
                    .because(LeaseRanOut);
            }
            // What Rust says where there is no memory, before it aborts.
            _ if is_abort
                && self.memory.is_some()
                && last_lines.contains("memory allocation of") =>
            {
                "the stage needed more memory than its job may use"
            }
            _ => "the process of the stage ended before the stage did",
        };
        Problem::new(ErrorCode::Internal, sentence)
            .hint("the operator finds the cause in the server's log")
            .because(format!("{ended:?}; its last words: {last_lines}"))
    }
}

/// This program, even where another one has taken its place on the disk.
fn this_program() -> io::Result<PathBuf> {
    if cfg!(target_os = "linux") {
        Ok(PathBuf::from("/proc/self/exe"))
    } else {
        std::env::current_exe()
    }
}

fn standing(job: &JobContext, spool: &Path) -> Standing {
    let ways = Asking::ALL.into_iter().filter(|way| job.can_ask(*way));
    Standing {
        id: job.job_id().to_string(),
        attempt: job.attempt(),
        tries_left: job.tries_left(),
        losses: job.losses(),
        is_alone: job.is_alone(),
        work_dir: job.work_dir().to_owned(),
        spool: spool.to_owned(),
        can_ask: ways.map(|way| way.method().to_owned()).collect(),
        trace: job.trace().map(|trace| trace.to_string()),
    }
}

/// Does what a stage says.
struct Follower<'a> {
    job: &'a JobContext,
    spool: &'a Path,
    last_lines: VecDeque<String>,
}

impl Follower<'_> {
    /// Until the step is over, or nothing comes any more; then there is no outcome.
    fn follow(
        &mut self,
        mut hearing: mpsc::Receiver<Heard>,
        answers: &mpsc::Sender<Told>,
    ) -> Option<Result<Value, Problem>> {
        let mut outcome = None;
        while let Some(heard) = hearing.blocking_recv() {
            let said = match heard {
                Heard::Said(said) => said,
                Heard::Line(line) => {
                    self.note(line);
                    continue;
                }
                Heard::Nonsense(fault) => {
                    let cause = format!("the process of a stage said something else: {fault}");
                    outcome.get_or_insert_with(|| Err(Problem::internal(cause)));
                    continue;
                }
            };
            let answer = match said {
                Said::Stage(name) => self.job.stage(&name).map(|()| Told::Kept),
                Said::Checkpoint(value) => self.job.checkpoint(&value).map(|()| Told::Kept),
                Said::Ask(asked) => self.ask(asked).map(Told::Answers),
                Said::Artifact { name, number } => self.publish(&name, number).map(Told::Artifact),
                Said::Report { fraction, message } => {
                    self.report(fraction, message);
                    continue;
                }
                Said::Log(text) => {
                    self.job.log(text);
                    continue;
                }
                Said::Done(value) => {
                    outcome.get_or_insert(Ok(value));
                    continue;
                }
                Said::Failed(fault) => {
                    outcome.get_or_insert(Err(fault.into()));
                    continue;
                }
            };
            let answer = answer.unwrap_or_else(|problem| Told::Refused(Fault::from(&problem)));
            // A process that is gone waits for no answer.
            let _ = answers.blocking_send(answer);
        }
        outcome
    }

    fn note(&mut self, line: String) {
        if self.last_lines.len() == LAST_LINES {
            self.last_lines.pop_front();
        }
        self.job.log(line.clone());
        self.last_lines.push_back(line);
    }

    fn report(&self, fraction: Option<f64>, message: Option<String>) {
        if let Some(fraction) = fraction {
            self.job.progress(fraction);
        }
        if let Some(message) = message {
            self.job.message(message);
        }
    }

    fn ask(&self, asked: Vec<Asked>) -> Result<Vec<Value>, Problem> {
        let read = asked.into_iter().map(Asked::read);
        let questions: Option<Vec<_>> = read.collect();
        let questions = questions.ok_or_else(|| Problem::user("this asks nobody anything"))?;
        let answers = self.job.ask_all(questions)?;
        Ok(answers.iter().map(Answer::as_value).cloned().collect())
    }

    fn publish(&self, name: &str, number: u64) -> Result<Artifact, Problem> {
        let path = self.spool.join(number.to_string());
        let mut file = File::open(&path)?;
        let mut sink = self.job.create_artifact(name)?;
        io::copy(&mut file, &mut sink)?;
        let artifact = sink.finish()?;
        std::fs::remove_file(path)?;
        Ok(artifact)
    }
}

/// Runs the process, until it has ended.
async fn drive(
    spec: ChildSpec,
    order: Vec<u8>,
    job: JobContext,
    heard: mpsc::Sender<Heard>,
    told: mpsc::Receiver<Told>,
) -> Result<Ended, Problem> {
    let mut child = Child::spawn_leased(spec, job.lease()).await?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let commands = tokio::sync::Mutex::new(child.stdin.take());
    let reading = async {
        tokio::join!(hear(stdout, &heard), listen(stderr, &heard));
        Ok(())
    };
    // First it is told why, then by a signal, which its own children get as well.
    let stop = async {
        job.cancellation().cancelled().await;
        if let Some(reason) = job.stop_reason()
            && let Ok(message) = encode(&Told::Stop(Stop::from(reason)))
        {
            let _ = tokio::time::timeout(PATIENCE, write(&commands, &message)).await;
        }
    };
    let ended = tokio::select! {
        ended = until_it_ended(&child, reading, stop) => ended,
        () = command(&commands, &order, told) => Err(Problem::internal("orders end with the process")),
        never = child.keep(job.lease()) => match never {},
        () = hurry(&job) => {
            Err(Problem::internal("the stage is killed, because nobody can wait for it"))
        }
    };
    // Where nobody can wait for it any more, this kills it.
    drop(child);
    ended.map(|(ended, _)| ended)
}

/// How long it may take to take in that it should stop.
const PATIENCE: Duration = Duration::from_secs(1);

/// Writes the order, and then each answer; never returns.
async fn command(
    commands: &tokio::sync::Mutex<Option<Sender>>,
    order: &[u8],
    mut told: mpsc::Receiver<Told>,
) {
    write(commands, order).await;
    while let Some(told) = told.recv().await {
        if let Ok(message) = encode(&told) {
            write(commands, &message).await;
        }
    }
    std::future::pending::<()>().await;
}

async fn write(commands: &tokio::sync::Mutex<Option<Sender>>, message: &[u8]) {
    if let Some(pipe) = commands.lock().await.as_mut() {
        // A process that does not read has ended, or will.
        let _ = pipe.write_all(message).await;
    }
}

/// Hands on what the process says.
async fn hear(from: Option<Receiver>, heard: &mpsc::Sender<Heard>) {
    let Some(mut from) = from else { return };
    let (mut inbox, mut bytes) = (Inbox::up_to(LONGEST), vec![0; PIECE]);
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        inbox.push(&bytes[..count]);
        while let Some(said) = inbox.next().transpose() {
            let is_nonsense = said.is_err();
            let said = said.map_or_else(|fault| Heard::Nonsense(fault.to_string()), Heard::Said);
            if heard.send(said).await.is_err() || is_nonsense {
                return;
            }
        }
    }
}

/// Hands on what it prints.
async fn listen(from: Option<Receiver>, heard: &mpsc::Sender<Heard>) {
    let Some(mut from) = from else { return };
    let (mut lines, mut bytes) = (Lines::default(), vec![0; PIECE]);
    loop {
        let count = from.read(&mut bytes).await.unwrap_or_default();
        let last = if count == 0 { lines.finish() } else { None };
        for line in lines.push(&bytes[..count]).into_iter().chain(last) {
            let _ = heard.send(Heard::Line(line.text)).await;
        }
        if count == 0 {
            return;
        }
    }
}

//! The process of a step: runs it, and ends.

use std::{
    env,
    fs::File,
    io::{self, PipeWriter, Read},
    os::fd::AsFd,
    sync::{Arc, mpsc},
};

use farcall_core::{
    job::{Job, JobContext, Step, StepBody, StopReason},
    panic,
    problem::Problem,
};
use serde_json::Value;
use tokio::{
    runtime::{Handle, Runtime},
    signal::unix::{SignalKind, signal},
};

use super::{
    WORD,
    host::{Remote, Stopping, Voice},
    message::{Fault, Order, Said, Told},
};
use crate::wire::frame::Inbox;

/// Whether a server started this process to run a step, which is all it should do then ([`main`]).
pub fn is_asked() -> bool {
    env::args_os().nth(1).is_some_and(|word| word == WORD)
}

/// Runs a step of one of `jobs`, and returns when it is over.
///
/// # Errors
/// Where it was started by something else than a server, or the system fails it.
pub fn main<'a>(mut jobs: impl Iterator<Item = &'a Job>) -> io::Result<()> {
    let pipe = taken_from_stdout()?;
    let mut commands = Commands {
        from: taken_from_stdin()?,
        inbox: Inbox::default(),
    };
    let order: Order = commands.next()?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let (sender, answers) = mpsc::channel();
    let voice = Arc::new(Voice::new(pipe, answers));
    let stop = Arc::<Stopping>::default();
    std::thread::spawn({
        let stop = Arc::clone(&stop);
        move || obey(commands, &sender, &stop)
    });
    let runtime = Runtime::new()?;
    runtime.spawn(heed_signals(Arc::clone(&stop)));
    let job = jobs.find(|job| job.name == order.job);
    let last = match run(job, order, &voice, stop, &runtime) {
        Ok(value) => voice.say(&Said::Done(value)).err(),
        Err(problem) => Some(problem),
    };
    if let Some(problem) = last {
        // A server that does not hear it is gone.
        let _ = voice.say(&Said::Failed(Fault::from(&problem)));
    }
    // What it left running ends with the process.
    runtime.shutdown_background();
    Ok(())
}

/// The pipe to the server, which came as standard output: what the step prints goes to standard error from
/// now on, so that nothing comes between the messages.
fn taken_from_stdout() -> io::Result<PipeWriter> {
    let pipe = io::stdout().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok(PipeWriter::from(pipe))
}

/// The pipe from the server, which came as standard input: the step finds nothing there.
fn taken_from_stdin() -> io::Result<File> {
    let pipe = io::stdin().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    Ok(File::from(pipe))
}

/// What the server says, in its order.
struct Commands {
    from: File,
    inbox: Inbox,
}

impl Commands {
    /// The next message; `None` where the server is gone.
    fn next<T: serde::de::DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let mut bytes = [0; 8 << 10];
        loop {
            if let Some(message) = self.inbox.next()? {
                return Ok(Some(message));
            }
            match self.from.read(&mut bytes)? {
                0 => return Ok(None),
                count => self.inbox.push(&bytes[..count]),
            }
        }
    }
}

/// Hands answers to whoever waits for one, and stops the step where it is told to.
fn obey(mut commands: Commands, answers: &mpsc::Sender<Told>, stop: &Stopping) {
    loop {
        match commands.next() {
            Ok(Some(Told::Stop(reason))) => stop.because(reason.into()),
            Ok(Some(told)) => {
                // Nobody waits where the step is over.
                let _ = answers.send(told);
            }
            Ok(None) | Err(_) => return stop.because(StopReason::Lost),
        }
    }
}

/// The shim's word that it is time to stop comes after the server's, which says why.
async fn heed_signals(stop: Arc<Stopping>) {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return;
    };
    while terminate.recv().await.is_some() {
        stop.because(StopReason::Stopping);
    }
}

fn run(
    job: Option<&Job>,
    order: Order,
    voice: &Arc<Voice>,
    stopping: Arc<Stopping>,
    runtime: &Runtime,
) -> Result<Value, Problem> {
    let ours = job.filter(|job| job.program.fingerprint() == order.fingerprint);
    let step = ours.and_then(|job| job.program.steps().get(order.step));
    let step = step.ok_or_else(|| {
        Problem::internal("this program knows nothing of the step that it was started for")
    })?;
    let host = Remote::new(order.standing, Arc::clone(voice), stopping)?;
    let (context, handle) = (JobContext::new(Arc::new(host)), runtime.handle());
    std::thread::scope(|scope| {
        // Not this thread: it may have a small stack, and a name that says nothing.
        let running = std::thread::Builder::new()
            .name(format!("job {}", context.job_id()))
            .spawn_scoped(scope, || run_step(step, &context, order.value, handle))?;
        let ended = running.join();
        ended.unwrap_or_else(|_| Err(Problem::internal("the thread of the step ended badly")))
    })
}

fn run_step(
    step: &Step,
    context: &JobContext,
    value: Value,
    runtime: &Handle,
) -> Result<Value, Problem> {
    // So that code that blocks may use what needs a runtime, as in the server.
    let _runtime = runtime.enter();
    match &step.body {
        StepBody::Blocking(run) => panic::contain(|| run(context, value)),
        StepBody::Async(run) => {
            let future = panic::contain(|| Ok(run(context.clone(), value)))?;
            runtime.block_on(panic::contain_async(future))
        }
    }
}

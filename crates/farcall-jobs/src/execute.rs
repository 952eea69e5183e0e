//! Runs the stages of one job on a thread of its own, away from the threads that answer requests.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use farcall_artifacts::{ArtifactError, Artifacts};
use farcall_core::{
    artifact::{Artifact, ArtifactSink},
    id::JobId,
    job::{JobContext, JobHost, MAX_STAGE_VALUE, Step, StepBody},
    panic,
    problem::{ErrorCode, Problem},
};
use farcall_store::{Checkpoint, Claim, StoreError};
use serde_json::Value;
use tokio::{runtime::Handle, sync::oneshot};
use tokio_util::sync::CancellationToken;

use crate::{finish, programs::Known, report::Reporter, runner::Services};

/// What an attempt came to.
pub(crate) enum Ending {
    /// The last stage returned this, and left these files since the last checkpoint.
    Done {
        value: Value,
        artifacts: Vec<Artifact>,
    },
    /// A stage gave up.
    Failed(Problem),
}

/// Runs a claimed job to its end, or until the server stops.
pub(crate) async fn run(services: Services, claim: Claim) {
    let fence = claim.fence;
    let work = CancellationToken::new();
    let over = CancellationToken::new();
    let reporter = Arc::new(Reporter::new(Arc::clone(&services.store), fence));
    let keep_up = {
        let (reporter, work, over) = (Arc::clone(&reporter), work.clone(), over.clone());
        tokio::spawn(async move { reporter.keep_up(work, over).await })
    };
    let ended = begin(services.clone(), claim.clone(), reporter, work.clone());
    let ending = tokio::select! {
        ending = ended => Some(ending),
        () = services.hard_stop.cancelled() => None,
    };
    over.cancel();
    if let Err(error) = keep_up.await {
        tracing::error!(job = %fence.id, %error, "progress was not kept to the end");
    }
    if let Some(ending) = ending {
        finish::end(&services, &claim, ending).await;
    } else {
        // The thread may go on for a moment; what it writes is refused from here on.
        work.cancel();
        finish::hand_back(&services, fence).await;
    }
}

/// Starts the thread; what it comes to arrives through the channel.
async fn begin(
    services: Services,
    claim: Claim,
    reporter: Arc<Reporter>,
    work: CancellationToken,
) -> Ending {
    let (sender, receiver) = oneshot::channel();
    let runtime = Handle::current();
    let name = format!("job {}", claim.fence.id);
    let attempt = move || {
        // A receiver that is gone has handed the job back already.
        let _ = sender.send(attempt(&services, &claim, reporter, work, &runtime));
    };
    if let Err(error) = std::thread::Builder::new().name(name).spawn(attempt) {
        return Ending::Failed(Problem::internal(error));
    }
    receiver.await.unwrap_or_else(|_| {
        Ending::Failed(Problem::internal(
            "the thread of the job ended without a word",
        ))
    })
}

fn attempt(
    services: &Services,
    claim: &Claim,
    reporter: Arc<Reporter>,
    work: CancellationToken,
    runtime: &Handle,
) -> Ending {
    let Some(known) = services.programs.get(&claim.job) else {
        return Ending::Failed(Problem::internal(format!("no program for `{}`", claim.job)));
    };
    match stages(services, claim, known, reporter, work, runtime) {
        Ok((value, artifacts)) => Ending::Done { value, artifacts },
        Err(problem) => Ending::Failed(problem),
    }
}

fn stages(
    services: &Services,
    claim: &Claim,
    known: &Known,
    reporter: Arc<Reporter>,
    work: CancellationToken,
    runtime: &Handle,
) -> Result<(Value, Vec<Artifact>), Problem> {
    let program = &known.job.program;
    let checkpoint = if claim.fingerprint == known.fingerprint {
        claim.checkpoint.clone()
    } else {
        tracing::info!(job = %claim.fence.id, "the program has changed, the job starts from zero");
        let restarted = services.store.restart(
            claim.fence,
            program.total_stages(),
            known.fingerprint.clone(),
        );
        runtime.block_on(restarted).map_err(StoreError::problem)?;
        None
    };
    let finished = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.stage);
    let mut value = checkpoint.map_or_else(
        || Value::Object(claim.arguments.clone()),
        |checkpoint| checkpoint.value,
    );

    let host = Arc::new(Attempt {
        id: claim.fence.id,
        epoch: claim.fence.epoch,
        number: claim.attempt,
        total_stages: program.total_stages(),
        work_dir: services
            .artifacts
            .work_dir(claim.fence.id)
            .map_err(ArtifactError::into_problem)?,
        artifacts: services.artifacts.clone(),
        written: Arc::default(),
        work,
        reporter,
        runtime: runtime.clone(),
        position: Mutex::new(Position {
            stages: Vec::new(),
            stage: 0,
        }),
    });
    let context = JobContext::new(Arc::clone(&host) as Arc<dyn JobHost>);
    let mut begun = 0;
    for step in program.steps() {
        let first = begun + 1;
        begun += u32::try_from(step.stages.len()).unwrap_or(u32::MAX);
        if begun <= finished {
            continue;
        }
        context.check()?;
        host.begin(step, first)?;
        value = run_step(step, &context, value, runtime)?;
        check_size(&value, step)?;
        if begun < program.total_stages() {
            let kept = Checkpoint {
                stage: begun,
                value: value.clone(),
            };
            let kept = services
                .store
                .checkpoint(claim.fence, kept, host.take_written());
            runtime.block_on(kept).map_err(StoreError::problem)?;
        }
    }
    Ok((value, host.take_written()))
}

fn run_step(
    step: &Step,
    context: &JobContext,
    value: Value,
    runtime: &Handle,
) -> Result<Value, Problem> {
    match &step.body {
        StepBody::Blocking(run) => panic::contain(|| run(context, value)),
        StepBody::Async(run) => {
            let future = panic::contain(|| Ok(run(context.clone(), value)))?;
            runtime.block_on(panic::contain_async(future))
        }
    }
}

fn check_size(value: &Value, step: &Step) -> Result<(), Problem> {
    let size = serde_json::to_vec(value)?.len();
    if size <= MAX_STAGE_VALUE {
        return Ok(());
    }
    let stage = step.stages.last().map_or("", String::as_str);
    Err(Problem::new(
        ErrorCode::OutputLimit,
        format!("the stage `{stage}` returned {size} bytes, at most {MAX_STAGE_VALUE} are kept between stages"),
    )
    .hint("write what is large to a file in `ctx.work_dir()` or to an artifact"))
}

/// One attempt at a job, as its code sees it.
struct Attempt {
    id: JobId,
    epoch: i64,
    number: u32,
    total_stages: u32,
    work_dir: PathBuf,
    artifacts: Artifacts,
    written: Written,
    work: CancellationToken,
    reporter: Arc<Reporter>,
    runtime: Handle,
    position: Mutex<Position>,
}

/// Files that were finished since the last checkpoint.
type Written = Arc<Mutex<Vec<Artifact>>>;

/// Where the attempt is: the stages of the present step that lie ahead, and the present one.
struct Position {
    stages: Vec<String>,
    stage: u32,
}

impl Attempt {
    /// Enters the first stage of a step; the others are entered by its own code.
    fn begin(&self, step: &Step, first: u32) -> Result<(), Problem> {
        {
            let mut position = self.position.lock().unwrap_or_else(PoisonError::into_inner);
            position.stages.clone_from(&step.stages);
            position.stage = first - 1;
        }
        let name = step.stages.first().map_or("", String::as_str);
        self.enter_stage(name)
    }

    fn take_written(&self) -> Vec<Artifact> {
        std::mem::take(&mut self.written.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl JobHost for Attempt {
    fn job_id(&self) -> JobId {
        self.id
    }

    fn attempt(&self) -> u32 {
        self.number
    }

    fn work_dir(&self) -> &Path {
        &self.work_dir
    }

    fn cancellation(&self) -> &CancellationToken {
        &self.work
    }

    fn enter_stage(&self, name: &str) -> Result<(), Problem> {
        let stage = {
            let mut position = self.position.lock().unwrap_or_else(PoisonError::into_inner);
            let ahead = position
                .stages
                .iter()
                .position(|stage| stage == name)
                .ok_or_else(|| {
                    Problem::user(format!("there is no stage `{name}` ahead"))
                        .hint("stages are entered once, in the order they were declared")
                })?;
            position.stages.drain(..=ahead);
            position.stage = self
                .total_stages
                .min(position.stage + u32::try_from(ahead + 1).unwrap_or(1));
            position.stage
        };
        let message = format!("[{stage}/{}] {name}", self.total_stages);
        self.runtime
            .block_on(self.reporter.enter(stage, message))
            .map_err(StoreError::problem)
    }

    fn report(&self, fraction: Option<f64>, message: Option<String>) {
        let total = self.total_stages;
        self.reporter.update(|report| {
            report.progress = fraction.or(report.progress);
            if let Some(message) = message {
                report.message = format!("[{}/{total}] {}", report.stage, one_line(&message));
            }
        });
    }

    fn create_artifact(
        &self,
        name: &str,
        media_type: &str,
    ) -> Result<Box<dyn ArtifactSink>, Problem> {
        let sink = self.artifacts.create(self.id, self.epoch, name, media_type);
        let sink = sink.map_err(ArtifactError::into_problem)?;
        Ok(Box::new(Recorded {
            sink,
            written: Arc::clone(&self.written),
        }))
    }
}

/// A message is one line of bearable length, whatever the code says.
fn one_line(message: &str) -> String {
    message
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(200)
        .collect()
}

/// Remembers a file once it is finished, so that the next checkpoint records it.
struct Recorded {
    sink: Box<dyn ArtifactSink>,
    written: Written,
}

impl std::io::Write for Recorded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.sink.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.sink.flush()
    }
}

impl ArtifactSink for Recorded {
    fn finish(self: Box<Self>) -> Result<Artifact, Problem> {
        let artifact = self.sink.finish()?;
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.push(artifact.clone());
        Ok(artifact)
    }
}

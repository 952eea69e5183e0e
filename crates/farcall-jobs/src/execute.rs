//! Runs the stages of one job on a thread of its own, away from the threads that answer requests.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use farcall_artifacts::ArtifactError;
use farcall_core::{
    artifact::Artifact,
    crash_point,
    job::{JobContext, JobHost, LeaseRanOut, MAX_STAGE_VALUE, Step, StepBody, StopReason},
    panic,
    problem::{ErrorCode, Problem},
    trace::{Kind, Span, TraceParent},
};
use farcall_metrics::AttemptOutcome;
use farcall_store::{Checkpoint, Claim, StoreError, WorkerId};
use serde_json::Value;
use tokio::{runtime::Handle, sync::oneshot};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::{
    finish,
    host::{Attempt, Seen, work_left},
    insist::insist,
    limits,
    programs::Known,
    report::Reporter,
    runner::Services,
    stop::Stop,
};

/// What an attempt came to.
pub(crate) enum Ending {
    /// The last stage returned this, and left these files since the last checkpoint.
    Done {
        value: Value,
        artifacts: Vec<Artifact>,
    },
    /// A stage gave up.
    Failed(Problem),
    /// The system lacked what it takes to begin; no code of the job has run.
    NotBegun(Problem),
}

/// How long a worker waits after a job that could not be begun.
const PAUSE: Duration = Duration::from_secs(5);

/// Runs a job that `by` has claimed, until its record is written and its thread has returned;
/// `overrun` is set where the thread is waited for alone.
pub(crate) async fn run(services: Services, claim: Claim, by: WorkerId, overrun: Arc<AtomicBool>) {
    let (job, kind) = (claim.fence.id, &claim.job);
    let attempt = claim.attempt;
    let mut span = Span::begin(Kind::Consumer, claim.trace, || format!("job {kind}"));
    span.say("farcall.job.id", || job.to_string());
    span.say("farcall.job.attempt", || attempt.to_string());
    // Every line that is logged meanwhile says of which job, whatever the level of lines is.
    let logged = tracing::error_span!("job", %job, kind, attempt, trace_id = tracing::field::Empty);
    if let Some(place) = span.place() {
        logged.record("trace_id", place.trace_id());
    }
    ended(services, claim, by, overrun, span)
        .instrument(logged)
        .await;
}

/// Does so; its stages stand below `span` in a trace.
async fn ended(
    services: Services,
    claim: Claim,
    by: WorkerId,
    overrun: Arc<AtomicBool>,
    span: Span,
) {
    let work = Stop::default();
    let over = CancellationToken::new();
    let reporter = Arc::new(Reporter::new(Arc::clone(&services.store), claim.fence));
    let keep_up = {
        let (reporter, work, over) = (Arc::clone(&reporter), work.clone(), over.clone());
        tokio::spawn(async move { reporter.keep_up(work, over).await })
    };
    let ended = begin(
        services.clone(),
        claim.clone(),
        (by, span.place()),
        reporter,
        work.clone(),
    );
    let mut ended = std::pin::pin!(ended);
    let ending = tokio::select! {
        biased;
        ending = &mut ended => Ok(ending),
        reason = limits::overrun(&services, &claim, by, &work) => Err(reason),
    };
    work.give_up();
    over.cancel();
    if let Err(error) = keep_up.await {
        tracing::error!(job = %claim.fence.id, %error, "progress was not kept to the end");
    }
    let came_to = match (ending, work.reason()) {
        // What is done is done, whoever wanted it to stop meanwhile.
        (Ok(Ending::Done { value, artifacts }), _) => {
            finish::succeed(&services, &claim, value, artifacts).await
        }
        // Whatever a stage says that was told to stop, it has not finished.
        (Ok(_), Some(reason)) => finish::stopped(&services, &claim, reason).await,
        (Ok(Ending::Failed(problem)), None) if LeaseRanOut::is_behind(&problem) => {
            tracing::warn!(job = %claim.fence.id, "this process stood still for too long, and what it ran for the job was ended");
            finish::hand_back(&services, claim.fence).await;
            AttemptOutcome::HandedBack
        }
        (Ok(Ending::Failed(problem)), None) => {
            finish::fail_or_retry(&services, &claim, &problem).await
        }
        (Ok(Ending::NotBegun(problem)), None) => {
            put_back(&services, &claim, &problem).await;
            tell(&services, &claim, span, AttemptOutcome::HandedBack);
            pause(&services).await;
            return;
        }
        (Err(reason), _) => {
            let came_to = finish::stopped(&services, &claim, reason).await;
            // Nobody knows how long its code goes on, and what it came to is known by now.
            tell(&services, &claim, span, came_to);
            overrun.store(true, Ordering::Relaxed);
            returned(&services, &claim, reason, ended).await;
            return;
        }
    };
    tell(&services, &claim, span, came_to);
}

/// Counts an attempt whose record is written, and ends its span.
fn tell(services: &Services, claim: &Claim, mut span: Span, came_to: AttemptOutcome) {
    span.say("farcall.job.outcome", || came_to.as_str().to_owned());
    if matches!(
        came_to,
        AttemptOutcome::Failed | AttemptOutcome::Retried | AttemptOutcome::Timeout
    ) {
        span.fail(came_to.as_str());
    }
    services.count(claim, came_to);
}

/// Puts a job back that could not be begun.
async fn put_back(services: &Services, claim: &Claim, problem: &Problem) {
    let cause = problem.cause().map(ToString::to_string);
    tracing::error!(job = %claim.fence.id, cause, "the job cannot be begun, it is put back");
    finish::hand_back(services, claim.fence).await;
}

/// What was missing is not there again at once, and the queue must not run dry on it.
async fn pause(services: &Services) {
    tokio::select! {
        () = tokio::time::sleep(PAUSE) => {}
        () = services.soft_stop.cancelled() => {}
    }
}

/// Waits for code that has not stopped in time: nothing can end a thread but itself, and until it
/// does it has its place here, and what it holds.
async fn returned(
    services: &Services,
    claim: &Claim,
    reason: StopReason,
    ended: impl Future<Output = Ending>,
) {
    let (job, kind) = (claim.fence.id, &claim.job);
    tracing::warn!(%job, kind, %reason, "the code of the job did not stop in time, its place stays taken until it does");
    tokio::select! {
        biased;
        // What runs now ends with the process.
        () = services.hard_stop.cancelled() => return,
        _ = ended => tracing::info!(%job, kind, "the code of the job has stopped at last"),
    }
    if matches!(reason, StopReason::Cancelled | StopReason::TimedOut) {
        // What it has written since then.
        finish::clean_up(&services.artifacts, job).await;
    }
}

/// Under which name a worker has the job, and where the attempt stands in a trace.
type By = (WorkerId, Option<TraceParent>);

/// Starts the thread; what it comes to arrives through the channel.
async fn begin(
    services: Services,
    claim: Claim,
    by: By,
    reporter: Arc<Reporter>,
    work: Stop,
) -> Ending {
    let (sender, receiver) = oneshot::channel();
    let runtime = Handle::current();
    let name = format!("job {}", claim.fence.id);
    let logged = tracing::Span::current();
    let attempt = move || {
        let _logged = logged.enter();
        // A receiver that is gone has handed the job back already.
        let _ = sender.send(attempt(&services, &claim, by, reporter, work, &runtime));
    };
    if let Err(error) = std::thread::Builder::new().name(name).spawn(attempt) {
        return Ending::NotBegun(Problem::internal(error));
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
    (by, place): By,
    reporter: Arc<Reporter>,
    work: Stop,
    runtime: &Handle,
) -> Ending {
    // So that blocking stages may use what needs a runtime, as plain tools may.
    let _runtime = runtime.enter();
    let Some(known) = services.programs.get(&claim.job) else {
        let cause = format!("no program for `{}`", claim.job);
        return Ending::Failed(Problem::internal(cause));
    };
    let work_dir = match services.artifacts.work_dir(claim.fence.id) {
        Ok(work_dir) => work_dir,
        Err(error) => return Ending::NotBegun(error.into_problem()),
    };
    let series = Arc::clone(known.series(services.metrics()));
    let seen = Seen { series, place };
    let host = Attempt::new(services, claim, (by, seen), known, work_dir, reporter, work);
    let host = Arc::new(host);
    match stages(services, claim, known, &host, runtime) {
        Ok((value, artifacts)) => Ending::Done { value, artifacts },
        Err(problem) => {
            host.fail_stage(&problem);
            Ending::Failed(problem)
        }
    }
}

fn stages(
    services: &Services,
    claim: &Claim,
    known: &Known,
    host: &Arc<Attempt>,
    runtime: &Handle,
) -> Result<(Value, Vec<Artifact>), Problem> {
    let program = &known.job.program;
    let checkpoint = match in_the_way(services, claim, known)? {
        None => claim.checkpoint.clone(),
        Some(reason) => {
            start_over(services, claim, known, reason, runtime)?;
            None
        }
    };
    let finished = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.stage);
    let mut value = checkpoint.map_or_else(
        || Value::Object(claim.arguments.clone()),
        |checkpoint| checkpoint.value,
    );

    let context = JobContext::new(Arc::clone(host) as Arc<dyn JobHost>);
    let mut begun = 0;
    for step in program.steps() {
        let first = begun + 1;
        begun += u32::try_from(step.stages.len()).unwrap_or(u32::MAX);
        if begun <= finished {
            continue;
        }
        context.check()?;
        host.begin(step, first)?;
        crash_point!("execute.stage.entered");
        value = run_step(step, &context, value, host.given_up(), runtime)?;
        host.leave_stage();
        check_size(&value, step)?;
        if begun < program.total_stages() {
            let kept = Checkpoint {
                stage: begun,
                value: value.clone(),
                work: work_left(&services.artifacts, claim.fence.id)?,
            };
            let written = host.take_written();
            let keep = || {
                services
                    .store
                    .checkpoint(claim.fence, kept.clone(), written.clone())
            };
            let kept = runtime.block_on(insist(&services.hard_stop, keep));
            kept.map_err(StoreError::problem)?;
        }
    }
    Ok((value, host.take_written()))
}

/// Why a job cannot go on after its checkpoint.
fn in_the_way(
    services: &Services,
    claim: &Claim,
    known: &Known,
) -> Result<Option<&'static str>, Problem> {
    if claim.fingerprint != known.fingerprint {
        return Ok(Some("its program has changed"));
    }
    let work = claim.checkpoint.as_ref().map(|checkpoint| &checkpoint.work);
    let is_elsewhere = match work {
        // Later stages may need it.
        Some(Some(_)) => work != Some(&work_left(&services.artifacts, claim.fence.id)?),
        _ => false,
    };
    Ok(is_elsewhere.then_some("what it has in its work folder is on another machine"))
}

/// Forgets what was done before: values, files, what is in the folder here.
fn start_over(
    services: &Services,
    claim: &Claim,
    known: &Known,
    reason: &str,
    runtime: &Handle,
) -> Result<(), Problem> {
    let job = claim.fence.id;
    tracing::info!(%job, reason, "the job starts from zero");
    let total = known.job.program.total_stages();
    let restart = || {
        services
            .store
            .restart(claim.fence, total, known.fingerprint.clone())
    };
    let restarted = runtime.block_on(insist(&services.hard_stop, restart));
    restarted.map_err(StoreError::problem)?;
    let removed = services.artifacts.remove_files(job);
    removed.map_err(ArtifactError::into_problem)?;
    let emptied = services.artifacts.remove_work_dir(job);
    emptied.map_err(ArtifactError::into_problem)?;
    let work_dir = services.artifacts.work_dir(job);
    work_dir.map(drop).map_err(ArtifactError::into_problem)
}

fn run_step(
    step: &Step,
    context: &JobContext,
    value: Value,
    given_up: &CancellationToken,
    runtime: &Handle,
) -> Result<Value, Problem> {
    match &step.body {
        StepBody::Blocking(run) => panic::contain(|| run(context, value)),
        StepBody::Async(run) => {
            let future = panic::contain(|| Ok(run(context.clone(), value)))?;
            runtime.block_on(async {
                tokio::select! {
                    biased;
                    value = panic::contain_async(future) => value,
                    () = given_up.cancelled() => {
                        Err(Problem::internal("nobody waits for this stage any more"))
                    }
                }
            })
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

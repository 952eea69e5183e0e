//! From a specification to a program that has been executed.

use std::{
    error::Error,
    io,
    os::fd::{AsFd, OwnedFd},
    process::Stdio,
    time::Duration,
};

use farcall_config::file::Sandbox;
use farcall_core::problem::{ErrorCode, Problem};
use farcall_metrics::children::{self, Running};
use tokio::{
    net::unix::pipe::{Receiver, Sender},
    sync::{OnceCell, watch},
    time::{Instant, timeout},
};

use super::{Child, ChildSpec, control::Control};
use crate::{
    sandbox,
    shim::{self, orphans::Session},
    wire::{Confinement, Limits, Refusal, Report, Specification, frame::encode},
};

/// How long the executables may take to be read from a disk.
const PATIENCE: Duration = Duration::from_secs(30);

/// Starts a program, and counts it, unless its caller is why it cannot be; `lease` may say meanwhile that it may live
/// longer than its specification does.
pub(super) async fn start(
    spec: ChildSpec,
    lease: Option<watch::Receiver<Instant>>,
) -> Result<Child, Problem> {
    executed(spec, lease).await.inspect_err(|problem| {
        if problem.code() == ErrorCode::Internal {
            children::failed_to_start();
        }
    })
}

async fn executed(
    spec: ChildSpec,
    lease: Option<watch::Receiver<Instant>>,
) -> Result<Child, Problem> {
    if shim::was_not_answered() {
        return Err(unstartable(
            "this process is a shim, and nothing in it called `farcall_wrap::shim::main_if_asked`",
        ));
    }
    let (child, frame, stdin) = begin(spec).map_err(unstartable)?;
    let report = async {
        child
            .control
            .hand_over(&frame, stdin.as_ref().map(AsFd::as_fd))
            .await?;
        drop(stdin);
        let Some(lease) = lease else {
            return child.control.report().await;
        };
        tokio::select! {
            report = child.control.report() => report,
            never = child.keep(lease) => match never {},
        }
    };
    match timeout(PATIENCE, report).await {
        Ok(Ok(Report::Started { session })) => Ok(Child {
            session: Session::led_by(session),
            counted: Some(Running::begin()),
            ..child
        }),
        Ok(Ok(Report::Refused(Refusal::TooLong))) => Err(too_long()),
        Ok(Ok(Report::Refused(Refusal::Other(sentence)))) => Err(unstartable(sentence)),
        Ok(Ok(report)) => Err(unstartable(format!("the shim said `{report:?}`"))),
        Ok(Err(error)) => Err(unstartable(format!(
            "the shim ended before it had started anything: {error}"
        ))),
        Err(_) => Err(unstartable(format!(
            "the shim had not started anything after {PATIENCE:?}"
        ))),
    }
}

/// A child whose shim knows nothing yet, what it is to be told, and what travels beside.
type Begun = (Child, Vec<u8>, Option<OwnedFd>);

/// Starts a shim; returns what it is to be told, and what travels beside.
fn begin(spec: ChildSpec) -> Result<Begun, Box<dyn Error + Send + Sync>> {
    let (control, theirs) = Control::pair()?;
    let (stdout, printed) = io::pipe()?;
    let (stderr, complained) = io::pipe()?;
    let (stdin, read) = if spec.has_stdin {
        let (read, stdin) = io::pipe()?;
        (
            Some(Sender::from_owned_fd(stdin.into())?),
            Some(read.into()),
        )
    } else {
        (None, None)
    };
    let frame = encode(&specification(spec)?)?;
    let mut command = shim::command()?;
    command
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::from(printed))
        .stderr(Stdio::from(complained))
        // A terminal sends its signals to the server's group.
        .process_group(0);
    let child = Child {
        stdout: Some(Receiver::from_owned_fd(stdout.into())?),
        stderr: Some(Receiver::from_owned_fd(stderr.into())?),
        stdin,
        control,
        _shim: command.spawn()?,
        session: None,
        counted: None,
        ended: OnceCell::new(),
    };
    Ok((child, frame, read))
}

fn specification(spec: ChildSpec) -> Result<Specification, String> {
    Ok(Specification {
        program: spec.program.into(),
        arguments: spec.arguments.into_iter().map(Into::into).collect(),
        environment: spec
            .environment
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
        working_dir: spec.working_dir.into(),
        readable: spec.readable.into_iter().map(Into::into).collect(),
        writable: spec.writable.into_iter().map(Into::into).collect(),
        withheld: spec.withheld.into_iter().map(Into::into).collect(),
        has_stdin: spec.has_stdin,
        limits: Limits {
            memory: spec.limits.memory,
            // Of a limit below a second, the kernel would make none.
            cpu: spec.limits.cpu.map(|cpu| cpu.as_secs().max(1)),
            file_size: spec.limits.file_size,
            processes: spec.limits.processes,
            open_files: spec.limits.open_files,
        },
        confinement: match spec.sandbox {
            Sandbox::Default => Confinement::Kernel { is_required: false },
            Sandbox::Required => Confinement::Kernel { is_required: true },
            Sandbox::Bwrap => Confinement::Bubblewrap(sandbox::bubblewrap::find()?.into()),
            Sandbox::Off => Confinement::None,
        },
        grace: spec.grace,
        until: spec.until.map(Into::into),
    })
}

fn unstartable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Problem {
    let problem = Problem::new(
        ErrorCode::Internal,
        "the program behind this cannot be started",
    );
    problem
        .hint("the operator finds the cause in the server's log")
        .because(cause)
}

fn too_long() -> Problem {
    Problem::user("the arguments are longer than the system lets a program take")
        .hint("send less, 128 KiB at most in one of them")
}

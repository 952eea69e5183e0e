//! Waits for a program to end, and tells how it did.

use std::{pin::pin, time::Duration};

use farcall_core::{
    job::LeaseRanOut,
    problem::{ErrorCode, Problem},
};
use rustix::process::Signal;
use tokio::{io::AsyncWriteExt, net::unix::pipe::Sender, time::timeout};

use crate::{
    child::{Child, Ended},
    output::{Budget, Exceeded},
};

/// How long its pipes are read after a program has ended: only who is no descendant of it can still
/// hold them.
pub(super) const LINGER: Duration = Duration::from_secs(1);

/// Waits until the program has ended and what it printed is read by `reading`; one that prints more
/// than it may, or that `stop` comes for, is told to stop.
pub(crate) async fn until_it_ended(
    child: &Child,
    reading: impl Future<Output = Result<(), Exceeded>>,
    stop: impl Future<Output = ()>,
) -> Result<(Ended, Result<(), Exceeded>), Problem> {
    let mut reading = pin!(reading);
    let mut stop = pin!(stop);
    let (mut read, mut is_told) = (None, false);
    let ended = loop {
        tokio::select! {
            biased;
            ended = child.ended() => break ended?,
            outcome = &mut reading, if read.is_none() => {
                if outcome.is_err() {
                    child.stop();
                }
                read = Some(outcome);
            }
            () = &mut stop, if !is_told => {
                child.stop();
                is_told = true;
            }
        }
    };
    let read = match read {
        Some(read) => read,
        None => timeout(LINGER, reading).await.unwrap_or(Ok(())),
    };
    Ok((ended, read))
}

/// Writes all of `input`; a program that does not read it to its end has its reasons.
pub(super) async fn feed(stdin: Option<Sender>, input: Vec<u8>) {
    if let Some(mut stdin) = stdin {
        let _ = stdin.write_all(&input).await;
    }
}

/// Whether the program ended well, and what its caller reads where it did not; `tail` is the end of
/// what it printed as an error.
pub(super) fn verdict(
    ended: Ended,
    read: &Result<(), Exceeded>,
    budget: &Budget,
    tail: &str,
) -> Result<(), Problem> {
    if read.is_err() {
        return Err(budget.problem());
    }
    let problem = match ended {
        Ended::Exited(0) => return Ok(()),
        Ended::Exited(status) => {
            let sentence = format!("the program ended with status {status}{}", said(tail));
            Problem::new(ErrorCode::ExitNonzero, sentence).with("exit_status", status)
        }
        Ended::Signalled(signal) => signalled(signal, tail),
        Ended::Stopped | Ended::Killed => {
            Problem::new(ErrorCode::Cancelled, "the program was told to stop")
        }
        Ended::Expired => Problem::new(
            ErrorCode::Cancelled,
            "the program was stopped because its lease was not renewed in time",
        )
        .because(LeaseRanOut),
    };
    Err(problem)
}

fn signalled(signal: i32, tail: &str) -> Problem {
    let is = |known: Signal| known.as_raw() == signal;
    let (code, what) = if is(Signal::XCPU) {
        (
            ErrorCode::Timeout,
            "used more processor time than it may, and",
        )
    } else if is(Signal::XFSZ) {
        (
            ErrorCode::OutputLimit,
            "wrote a larger file than it may, and",
        )
    } else {
        (ErrorCode::ExitNonzero, "")
    };
    let space = if what.is_empty() { "" } else { " " };
    let sentence = format!(
        "the program{space}{what} was ended by signal {signal}{}",
        said(tail)
    );
    let problem = Problem::new(code, sentence).with("signal", signal);
    if is(Signal::KILL) {
        return problem.hint("perhaps the system ran out of memory");
    }
    problem
}

fn said(tail: &str) -> String {
    if tail.is_empty() {
        String::new()
    } else {
        format!(", its last words: {tail}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(ended: Ended, tail: &str) -> Problem {
        verdict(ended, &Ok(()), &Budget::new(None), tail).unwrap_err()
    }

    #[test]
    fn each_ending_has_a_code_and_a_sentence() {
        for (ended, code, sentence) in [
            (
                Ended::Exited(3),
                ErrorCode::ExitNonzero,
                "the program ended with status 3",
            ),
            (
                Ended::Signalled(11),
                ErrorCode::ExitNonzero,
                "the program was ended by signal 11",
            ),
            (
                Ended::Signalled(24),
                ErrorCode::Timeout,
                "used more processor time than it may, and was ended by signal 24",
            ),
            (
                Ended::Signalled(25),
                ErrorCode::OutputLimit,
                "wrote a larger file",
            ),
            (
                Ended::Signalled(9),
                ErrorCode::ExitNonzero,
                "ran out of memory",
            ),
            (Ended::Stopped, ErrorCode::Cancelled, "told to stop"),
            (Ended::Killed, ErrorCode::Cancelled, "told to stop"),
            (Ended::Expired, ErrorCode::Cancelled, "not renewed in time"),
        ] {
            let problem = problem(ended, "");
            assert_eq!(problem.code(), code, "{ended:?}");
            assert!(problem.public_message().contains(sentence), "{problem}");
        }
        let told = problem(Ended::Exited(1), "no such scene").public_message();
        assert_eq!(
            told,
            "the program ended with status 1, its last words: no such scene"
        );
    }

    #[test]
    fn too_much_output_counts_before_how_it_ended() {
        let budget = Budget::new(Some(5));
        let told = verdict(Ended::Stopped, &Err(Exceeded), &budget, "").unwrap_err();
        assert_eq!(told.code(), ErrorCode::OutputLimit);
    }
}

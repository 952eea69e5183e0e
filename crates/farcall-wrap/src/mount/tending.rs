//! What looks after a running server: writes what it is asked, reads what it says, and sees it to its end.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::unix::pipe::{Receiver, Sender},
    task::yield_now,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    broken::Broken,
    calls::Calls,
    cut::{self, About},
    hearing::Hearing,
    message::{self, Said},
    outbox::{Queue, Replies},
};
use crate::child::{Child, Ended};

/// How much is read at once, in bytes.
const PIECE: usize = 64 << 10;

/// After so many lines everybody else has a turn: a server that never falls silent would be read, and
/// neither asked nor stopped.
const AT_ONCE: usize = 64;

/// A buffer for lines that has grown beyond this is given back, in bytes.
const KEPT_BUFFER: usize = 1 << 20;

/// So many times as long as the longest line may one be that is only passed over.
const PASSED_OVER: usize = 16;

/// How long a server has to end by itself when its standard input is closed, as the protocol wants it
/// to, before it is told to by a signal.
const FAREWELL: Duration = Duration::from_secs(3);

/// How long its pipes are read after it has ended.
const LINGER: Duration = Duration::from_secs(1);

/// How a server is treated.
pub(super) struct Terms {
    /// What it is called in the log.
    pub(super) name: String,
    /// The longest line that it may say, in bytes.
    pub(super) longest: usize,
    /// After how long without a request it is stopped; never where it is `None`.
    pub(super) idle: Option<Duration>,
    /// Where what it says besides answers goes.
    pub(super) hearing: Hearing,
    /// What must be there as long as it is, such as a folder.
    pub(super) kept: Box<dyn Send + Sync>,
}

/// How a server came to its end.
#[derive(Clone, Debug)]
pub(super) struct End {
    /// Whether it ended because nobody wanted it any more.
    pub(super) was_wanted: bool,
    /// Whether nobody renewed it in time.
    pub(super) has_expired: bool,
    /// What happened, for the log.
    pub(super) reason: String,
}

/// What looks after a server.
pub(super) struct Tending {
    pub(super) child: Arc<Child>,
    pub(super) calls: Arc<Calls>,
    pub(super) replies: Replies,
    /// Cancelled when nobody wants it any more.
    pub(super) closing: CancellationToken,
    pub(super) terms: Terms,
}

/// What is between a server and this process.
pub(super) struct Pipes {
    pub(super) stdin: Option<Sender>,
    pub(super) stdout: Option<Receiver>,
    pub(super) stderr: Option<Receiver>,
}

/// Why a server is not talked to any more.
enum Why {
    Deaf,
    Idle,
    Silent,
    TooLong,
    Wanted,
}

impl Tending {
    /// Looks after it until it has ended with all its descendants, and what it left behind is gone.
    pub(super) async fn tend(self, pipes: Pipes, queue: Queue) -> End {
        let end = self.until_it_ended(pipes, queue).await;
        let Terms { name, kept, .. } = self.terms;
        drop(kept);
        let reason = &end.reason;
        if end.was_wanted {
            tracing::debug!(mount = name, reason, "a mounted server has ended");
        } else {
            tracing::warn!(mount = name, reason, "a mounted server has ended");
        }
        end
    }

    async fn until_it_ended(&self, pipes: Pipes, queue: Queue) -> End {
        let Pipes {
            stdin,
            stdout,
            stderr,
        } = pipes;
        let gone = CancellationToken::new();
        let mut hearing = self.terms.hearing.clone();
        let listening = async {
            tokio::select! {
                () = hearing.listen(stderr) => {}
                () = async { gone.cancelled().await; sleep(LINGER).await } => {}
            }
        };
        let ending = async {
            // In no order: who comes first could leave nothing of the task's turn to the others.
            let why = tokio::select! {
                why = self.read(stdout) => why,
                why = self.write(stdin, queue) => why,
                () = self.idle() => Why::Idle,
                () = self.closing.cancelled() => Why::Wanted,
                // Somebody who is no descendant of it may hold its output.
                () = async { let _ = self.child.ended().await; sleep(LINGER).await } => Why::Silent,
            };
            // One that is told to stop is also heard to fall silent.
            let was_wanted = matches!(why, Why::Idle | Why::Wanted) || self.closing.is_cancelled();
            // Its input is closed by now.
            self.calls.close();
            if timeout(FAREWELL, self.child.ended()).await.is_err() {
                self.child.stop();
            }
            let ended = self.child.ended().await;
            gone.cancel();
            (was_wanted, why, ended)
        };
        let ((was_wanted, why, ended), ()) = tokio::join!(ending, listening);
        let how = match &ended {
            Ok(Ended::Exited(status)) => format!("it ended with status {status}"),
            Ok(Ended::Signalled(signal)) => format!("it was ended by signal {signal}"),
            Ok(Ended::Stopped | Ended::Killed | Ended::Expired) => "it was stopped".to_owned(),
            Err(problem) => problem
                .cause()
                .map_or_else(|| problem.public_message(), ToString::to_string),
        };
        let why = match why {
            Why::Deaf => "it does not read: ".to_owned(),
            Why::Idle => "nobody asked it for anything: ".to_owned(),
            Why::Silent | Why::Wanted => String::new(),
            Why::TooLong => {
                let longest = self.terms.longest;
                format!("it said more than {longest} bytes in one line: ")
            }
        };
        let tail = hearing.tail();
        let words = if tail.is_empty() {
            String::new()
        } else {
            format!(", its last words:\n{tail}")
        };
        End {
            was_wanted,
            has_expired: matches!(ended, Ok(Ended::Expired)),
            reason: format!("{why}{how}{words}"),
        }
    }

    /// Reads what it says, until it says nothing more.
    async fn read(&self, stdout: Option<Receiver>) -> Why {
        let Some(stdout) = stdout else {
            return Why::Silent;
        };
        let longest = self.terms.longest;
        let mut stdout = BufReader::with_capacity(PIECE, stdout);
        let mut line = Vec::new();
        loop {
            for _ in 0..AT_ONCE {
                line.clear();
                line.shrink_to(KEPT_BUFFER);
                let limit = longest as u64 + 1;
                let read = (&mut stdout).take(limit).read_until(b'\n', &mut line).await;
                match (read, line.last()) {
                    (Ok(_), Some(b'\n')) => self.hear(line.trim_ascii()),
                    (Ok(count), _) if count > longest => {
                        if !self.blame(&line) || !pass_over(&mut stdout, longest).await {
                            return Why::TooLong;
                        }
                    }
                    _ => return Why::Silent,
                }
            }
            yield_now().await;
        }
    }

    fn hear(&self, line: &[u8]) {
        if line.is_empty() {
            return;
        }
        let hearing = &self.terms.hearing;
        match message::read(line) {
            Ok(Said::Answer(id, answer)) => {
                if !self.calls.answer(id, answer) {
                    tracing::debug!(id, "an answer came that nobody waits for");
                }
            }
            Ok(Said::Progress(token, progress)) => self.calls.progress(token, progress),
            Ok(Said::Notification(method, params)) => hearing.notification(&method, &params),
            Ok(Said::Request(id, method)) => {
                // One that asks faster than it reads gets no answer.
                let _ = self.replies.try_send(message::reply(&id, &method));
            }
            Err(fault) => hearing.nonsense(line, fault),
        }
    }

    /// Ends the one request that a line is about which is too long; `false` where that is not known.
    fn blame(&self, beginning: &[u8]) -> bool {
        let longest = self.terms.longest;
        match cut::about(beginning) {
            About::Answer(id) => {
                self.calls.answer(id, Err(Broken::TooLong(longest)));
                true
            }
            About::Own => {
                let fault = format!("it is longer than {longest} bytes");
                self.terms.hearing.nonsense(beginning, &fault);
                true
            }
            About::Unknown => false,
        }
    }

    /// Writes what it is asked; lines that come while one is written go together.
    async fn write(&self, stdin: Option<Sender>, mut queue: Queue) -> Why {
        let Some(mut stdin) = stdin else {
            return Why::Deaf;
        };
        while let Some(mut lines) = queue.next(&self.calls).await {
            while lines.len() < PIECE
                && let Some(next) = queue.waiting(&self.calls)
            {
                lines.extend_from_slice(&next);
            }
            if stdin.write_all(&lines).await.is_err() {
                // Most likely it is at its end, and what it has said is still being read.
                sleep(LINGER).await;
                return Why::Deaf;
            }
        }
        Why::Wanted
    }

    async fn idle(&self) {
        match self.terms.idle {
            Some(limit) => self.calls.closed_when_idle(limit).await,
            None => std::future::pending().await,
        }
    }
}

/// Reads on to the end of a line of which there is too much; `false` where that does not come.
async fn pass_over(stdout: &mut BufReader<Receiver>, longest: usize) -> bool {
    let mut left = longest.saturating_mul(PASSED_OVER);
    loop {
        let Ok(bytes) = stdout.fill_buf().await else {
            return true;
        };
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let count = end.map_or(bytes.len(), |end| end + 1);
        stdout.consume(count);
        // Its end is found by the next one who reads.
        if end.is_some() || count == 0 {
            return true;
        }
        left = left.saturating_sub(count);
        if left == 0 {
            return false;
        }
    }
}

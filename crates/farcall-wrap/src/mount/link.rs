//! One running MCP server, which many callers share.
//!
//! A task looks after it: it writes what is asked, reads what is said, and sees it to its end. Each
//! request has an id and a progress token of its own, so no answer can reach anybody else.

use std::{sync::Arc, time::Duration};

use farcall_core::JsonObject;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::unix::pipe::{Receiver, Sender},
    sync::{mpsc, watch},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    broken::Broken,
    calls::{Answer, Calls, NoPlace, Opened},
    hearing::Hearing,
    message::{self, Progress, Said},
};
use crate::child::{Child, ChildSpec, Ended};

/// The newest revision that has a handshake, which is what servers of standard input and output speak;
/// one of them answers with the newest that it knows.
const OFFERED: &str = "2025-11-25";

/// The revisions that are understood.
const UNDERSTOOD: &[&str] = &["2024-11-05", "2025-03-26", "2025-06-18", OFFERED];

/// How long a server may take from its start to the end of the handshake: some install themselves first.
const PATIENCE: Duration = Duration::from_mins(1);

/// How many lines may wait until the server reads them; callers wait then, too.
const OUTBOX: usize = 64;

/// How much is read at once, in bytes.
const PIECE: usize = 64 << 10;

/// A buffer for lines that has grown beyond this is given back, in bytes.
const KEPT_BUFFER: usize = 1 << 20;

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
    pub(super) kept: Box<dyn Send>,
}

/// How a server came to its end.
#[derive(Clone, Debug)]
pub(super) struct End {
    /// Whether it ended because nobody wanted it any more.
    pub(super) was_wanted: bool,
    /// What happened, for the log.
    pub(super) reason: String,
}

/// A running server. Dropped, it is stopped.
pub(super) struct Link {
    calls: Arc<Calls>,
    outbox: mpsc::Sender<Vec<u8>>,
    child: Arc<Child>,
    end: watch::Receiver<Option<End>>,
    closing: CancellationToken,
    /// What it said in the handshake.
    pub(super) hello: JsonObject,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

impl Link {
    /// Starts a server, and shakes its hand.
    ///
    /// # Errors
    /// [`Broken::Unstartable`], with the last words of the server.
    pub(super) async fn start(spec: ChildSpec, terms: Terms) -> Result<Self, Broken> {
        let mut child = Child::spawn(spec).await.map_err(|problem| {
            let cause = problem.cause().map(ToString::to_string);
            Broken::Unstartable(cause.unwrap_or_else(|| problem.public_message()))
        })?;
        let (stdout, stderr, stdin) =
            (child.stdout.take(), child.stderr.take(), child.stdin.take());
        let child = Arc::new(child);
        let calls = Arc::new(Calls::new());
        let (outbox, queue) = mpsc::channel(OUTBOX);
        let (ended, end) = watch::channel(None);
        let closing = CancellationToken::new();
        let tending = Tending {
            child: Arc::clone(&child),
            calls: Arc::clone(&calls),
            replies: outbox.clone().downgrade(),
            closing: closing.clone(),
            longest: terms.longest,
            idle: terms.idle,
            hearing: terms.hearing,
        };
        let (name, kept) = (terms.name, terms.kept);
        tokio::spawn(async move {
            let end = tending.tend(stdout, stderr, stdin, queue).await;
            drop(kept);
            if end.was_wanted {
                tracing::debug!(
                    mount = name,
                    reason = end.reason,
                    "a mounted server has ended"
                );
            } else {
                tracing::warn!(
                    mount = name,
                    reason = end.reason,
                    "a mounted server has ended"
                );
            }
            ended.send_replace(Some(end));
        });
        let mut link = Self {
            calls,
            outbox,
            child,
            end,
            closing,
            hello: JsonObject::new(),
        };
        let hello = match timeout(PATIENCE, link.shake_hands()).await {
            Ok(Ok(hello)) => hello,
            Ok(Err(Broken::Ended | Broken::Gone)) => {
                return Err(Broken::Unstartable(link.end().await.reason));
            }
            Ok(Err(broken)) => return Err(Broken::Unstartable(broken.to_string())),
            Err(_) => {
                link.close();
                let (seconds, end) = (PATIENCE.as_secs(), link.end().await.reason);
                let reason = format!("it did not answer `initialize` within {seconds} s: {end}");
                return Err(Broken::Unstartable(reason));
            }
        };
        link.hello = hello;
        Ok(link)
    }

    async fn shake_hands(&self) -> Result<JsonObject, Broken> {
        let params = json!({
            "protocolVersion": OFFERED,
            "capabilities": {},
            "clientInfo": {"name": "farcall", "version": env!("CARGO_PKG_VERSION")},
        });
        let Value::Object(params) = params else {
            return Err(Broken::Unreadable("the handshake is no object".to_owned()));
        };
        let hello = self.request("initialize", params).await?;
        let version = hello.get("protocolVersion").and_then(Value::as_str);
        let version = version.unwrap_or_default();
        if !UNDERSTOOD.contains(&version) {
            let version: String = version
                .chars()
                .take(32)
                .flat_map(char::escape_debug)
                .collect();
            let sentence =
                format!("it speaks the revision `{version}` of MCP, which has no place here");
            return Err(Broken::Unstartable(sentence));
        }
        self.send(message::notification(
            "notifications/initialized",
            &json!({}),
        ))
        .await?;
        Ok(hello)
    }

    /// Whether it says that it has this ability.
    pub(super) fn is_able(&self, capability: &str) -> bool {
        let capabilities = self.hello.get("capabilities");
        capabilities.is_some_and(|capabilities| capabilities[capability].is_object())
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// [`Broken`].
    pub(super) async fn request(
        &self,
        method: &str,
        mut params: JsonObject,
    ) -> Result<JsonObject, Broken> {
        let mut flight = self.begin(method, &mut params, false).await?;
        loop {
            if let Heard::Answer(answer) = flight.next().await? {
                return Ok(answer);
            }
        }
    }

    /// Asks; `wants_progress` says whether it should be told how far the server is.
    ///
    /// # Errors
    /// [`Broken::Gone`] where the server is away and was not asked.
    pub(super) async fn begin(
        &self,
        method: &str,
        params: &mut JsonObject,
        wants_progress: bool,
    ) -> Result<Flight<'_>, Broken> {
        let opened = self.calls.open(wants_progress).map_err(|none| match none {
            NoPlace::Closed => Broken::Gone,
            NoPlace::Full => Broken::Busy,
        })?;
        let mut flight = Flight {
            link: self,
            opened,
            is_sent: false,
            // The protocol does not let the handshake be taken back.
            can_be_cancelled: method != "initialize",
        };
        if wants_progress {
            let meta = params.entry("_meta").or_insert_with(|| json!({}));
            meta["progressToken"] = flight.opened.id.into();
        }
        let line = message::request(flight.opened.id, method, params)
            .map_err(|error| Broken::Unreadable(error.to_string()))?;
        self.send(line).await?;
        flight.is_sent = true;
        Ok(flight)
    }

    async fn send(&self, line: Vec<u8>) -> Result<(), Broken> {
        self.outbox.send(line).await.map_err(|_| Broken::Gone)
    }

    /// What runs it, to let it live longer where its life has an end.
    pub(super) fn child(&self) -> &Child {
        &self.child
    }

    /// Whether it takes no requests any more.
    pub(super) fn is_over(&self) -> bool {
        self.calls.is_closed()
    }

    /// Stops it: it is told by the end of its input, then by signals. Returns at once.
    pub(super) fn close(&self) {
        self.closing.cancel();
    }

    /// Waits until it and all its descendants are gone.
    pub(super) async fn end(&self) -> End {
        let mut end = self.end.clone();
        let known = end.wait_for(Option::is_some).await;
        let known = known.ok().and_then(|end| end.clone());
        known.unwrap_or(End {
            was_wanted: false,
            reason: "nobody looks after it any more".to_owned(),
        })
    }
}

/// A request on its way. Dropped before its answer, it is taken back.
pub(super) struct Flight<'a> {
    link: &'a Link,
    opened: Opened,
    is_sent: bool,
    can_be_cancelled: bool,
}

/// What is heard of a request.
pub(super) enum Heard {
    Progress(Progress),
    Answer(JsonObject),
}

impl Flight<'_> {
    /// What is heard next; all progress before the answer, and nothing after it. It may be dropped and
    /// called again.
    pub(super) async fn next(&mut self) -> Result<Heard, Broken> {
        let answer = match &mut self.opened.progress {
            None => (&mut self.opened.answer).await,
            Some(progress) => tokio::select! {
                biased;
                Some(progress) = progress.recv() => return Ok(Heard::Progress(progress)),
                answer = &mut self.opened.answer => answer,
            },
        };
        let answer: Answer = answer.map_err(|_| Broken::Ended)?;
        answer.map(Heard::Answer).map_err(Broken::Refused)
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        let id = self.opened.id;
        if self.link.calls.forget(id) && self.is_sent && self.can_be_cancelled {
            let params = json!({"requestId": id, "reason": "nobody waits for it any more"});
            // A server that does not read learns nothing of it.
            let line = message::notification("notifications/cancelled", &params);
            let _ = self.link.outbox.try_send(line);
        }
    }
}

/// What looks after a server.
struct Tending {
    child: Arc<Child>,
    calls: Arc<Calls>,
    /// Not one that keeps the outbox open.
    replies: mpsc::WeakSender<Vec<u8>>,
    closing: CancellationToken,
    longest: usize,
    idle: Option<Duration>,
    hearing: Hearing,
}

/// Why a server is not talked to any more.
enum Why {
    Idle,
    Wanted,
    Silent,
    Deaf,
    TooLong,
}

impl Tending {
    async fn tend(
        self,
        stdout: Option<Receiver>,
        stderr: Option<Receiver>,
        stdin: Option<Sender>,
        queue: mpsc::Receiver<Vec<u8>>,
    ) -> End {
        let gone = CancellationToken::new();
        let mut hearing = self.hearing.clone();
        let listening = async {
            tokio::select! {
                () = hearing.listen(stderr) => {}
                () = async { gone.cancelled().await; sleep(LINGER).await } => {}
            }
        };
        let ending = async {
            let why = tokio::select! {
                biased;
                why = self.read(stdout) => why,
                why = write(stdin, queue) => why,
                () = idle(&self.calls, self.idle) => Why::Idle,
                () = self.closing.cancelled() => Why::Wanted,
                // Somebody who is no descendant of it may hold its output.
                () = async { let _ = self.child.ended().await; sleep(LINGER).await } => Why::Silent,
            };
            // Its input is closed by now.
            self.calls.close();
            if timeout(FAREWELL, self.child.ended()).await.is_err() {
                self.child.stop();
            }
            let ended = self.child.ended().await;
            gone.cancel();
            (why, ended)
        };
        let ((why, ended), ()) = tokio::join!(ending, listening);
        let was_wanted = matches!(why, Why::Idle | Why::Wanted);
        let how = match ended {
            Ok(Ended::Exited(status)) => format!("it ended with status {status}"),
            Ok(Ended::Signalled(signal)) => format!("it was ended by signal {signal}"),
            Ok(Ended::Stopped | Ended::Killed | Ended::Expired) => "it was stopped".to_owned(),
            Err(problem) => problem
                .cause()
                .map_or_else(|| problem.public_message(), ToString::to_string),
        };
        let why = match why {
            Why::Idle => "nobody asked it for anything: ".to_owned(),
            Why::Wanted | Why::Silent => String::new(),
            Why::Deaf => "it does not read: ".to_owned(),
            Why::TooLong => format!("it said more than {} bytes in one line: ", self.longest),
        };
        let tail = hearing.tail();
        let words = if tail.is_empty() {
            String::new()
        } else {
            format!(", its last words:\n{tail}")
        };
        End {
            was_wanted,
            reason: format!("{why}{how}{words}"),
        }
    }

    /// Reads what it says, until it says nothing more.
    async fn read(&self, stdout: Option<Receiver>) -> Why {
        let Some(stdout) = stdout else {
            return Why::Silent;
        };
        let mut stdout = BufReader::with_capacity(PIECE, stdout);
        let mut line = Vec::new();
        loop {
            line.clear();
            line.shrink_to(KEPT_BUFFER);
            let limit = self.longest as u64 + 1;
            let read = (&mut stdout).take(limit).read_until(b'\n', &mut line).await;
            match (read, line.last()) {
                (Ok(_), Some(b'\n')) => self.hear(line.trim_ascii()),
                (Ok(count), _) if count > self.longest => return Why::TooLong,
                _ => return Why::Silent,
            }
        }
    }

    fn hear(&self, line: &[u8]) {
        if line.is_empty() {
            return;
        }
        match message::read(line) {
            Ok(Said::Answer(id, answer)) => {
                if !self.calls.answer(id, answer) {
                    tracing::debug!(id, "an answer came that nobody waits for");
                }
            }
            Ok(Said::Progress(token, progress)) => self.calls.progress(token, progress),
            Ok(Said::Notification(method, params)) => self.hearing.notification(&method, &params),
            Ok(Said::Request(id, method)) => {
                // One that asks faster than it reads gets no answer.
                if let Some(replies) = self.replies.upgrade() {
                    let _ = replies.try_send(message::reply(&id, &method));
                }
            }
            Err(fault) => self.hearing.nonsense(line, fault),
        }
    }
}

/// Writes what it is asked; lines that come while one is written go together.
async fn write(stdin: Option<Sender>, mut queue: mpsc::Receiver<Vec<u8>>) -> Why {
    let Some(mut stdin) = stdin else {
        return Why::Deaf;
    };
    while let Some(mut line) = queue.recv().await {
        while let Some(next) = (line.len() < PIECE)
            .then(|| queue.try_recv().ok())
            .flatten()
        {
            line.extend_from_slice(&next);
        }
        if stdin.write_all(&line).await.is_err() {
            // Most likely it is at its end, and what it has said is still being read.
            sleep(LINGER).await;
            return Why::Deaf;
        }
    }
    Why::Wanted
}

async fn idle(calls: &Calls, limit: Option<Duration>) {
    match limit {
        Some(limit) => calls.closed_when_idle(limit).await,
        None => std::future::pending().await,
    }
}

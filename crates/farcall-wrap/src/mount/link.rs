//! One running MCP server, which many callers share.
//!
//! A task [looks after it](Tending). Each request has an id and a progress token of its own, so no
//! answer can reach anybody else.

use std::{sync::Arc, time::Duration};

use farcall_core::{JsonObject, problem::Problem};
use serde_json::{Value, json};
use tokio::{sync::watch, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{
    broken::Broken,
    calls::{Calls, NoPlace, Opened},
    message::{self, Progress},
    outbox::{Outbox, outbox},
    tending::{End, Pipes, Tending, Terms},
};
use crate::{child::Child, text};

/// The newest revision that has a handshake, which is what servers of standard input and output speak;
/// one of them answers with the newest that it knows.
const OFFERED: &str = "2025-11-25";

/// The revisions that are understood.
const UNDERSTOOD: &[&str] = &["2024-11-05", "2025-03-26", "2025-06-18", OFFERED];

/// How long a server may take for the handshake: some install themselves first.
const HANDSHAKE: Duration = Duration::from_mins(1);

/// A running server. Dropped, it is stopped.
pub(super) struct Link {
    calls: Arc<Calls>,
    outbox: Outbox,
    child: Arc<Child>,
    end: watch::Receiver<Option<End>>,
    closing: CancellationToken,
    /// What it said in the handshake; nothing before that.
    pub(super) hello: JsonObject,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

impl Link {
    /// The link to a server that is being started, which is to be [greeted](Self::greet) before anything else.
    ///
    /// # Errors
    /// [`Broken::Unstartable`].
    pub(super) async fn spawn(
        starting: impl Future<Output = Result<Child, Problem>>,
        terms: Terms,
    ) -> Result<Self, Broken> {
        let mut child = starting.await.map_err(|problem| {
            let cause = problem.cause().map(ToString::to_string);
            Broken::Unstartable(cause.unwrap_or_else(|| problem.public_message()))
        })?;
        let pipes = Pipes {
            stdin: child.stdin.take(),
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
        };
        let child = Arc::new(child);
        let calls = Arc::new(Calls::new());
        let (outbox, replies, queue) = outbox();
        let (ended, end) = watch::channel(None);
        let closing = CancellationToken::new();
        let tending = Tending {
            child: Arc::clone(&child),
            calls: Arc::clone(&calls),
            replies,
            closing: closing.clone(),
            terms,
        };
        tokio::spawn(async move { ended.send_replace(Some(tending.tend(pipes, queue).await)) });
        Ok(Self {
            calls,
            outbox,
            child,
            end,
            closing,
            hello: JsonObject::new(),
        })
    }

    /// Shakes its hand. Where that fails, it has ended when this returns.
    ///
    /// # Errors
    /// [`Broken::Unstartable`], with its last words.
    pub(super) async fn greet(&mut self) -> Result<(), Broken> {
        let outcome = timeout(HANDSHAKE, self.shake_hands()).await;
        let fault = match outcome {
            Ok(Ok(hello)) => {
                self.hello = hello;
                return Ok(());
            }
            // How it ended says it all.
            Ok(Err(Broken::Ended | Broken::Gone)) => String::new(),
            Ok(Err(broken)) => format!("{broken}: "),
            Err(_) => {
                let seconds = HANDSHAKE.as_secs();
                format!("it did not answer `initialize` within {seconds} s: ")
            }
        };
        self.close();
        let end = self.end().await;
        Err(Broken::Unstartable(format!("{fault}{}", end.reason)))
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
            let version = text::shown(version);
            let sentence =
                format!("it speaks the revision `{version}` of MCP, which has no place here");
            return Err(Broken::Unstartable(sentence));
        }
        let initialized = message::notification("notifications/initialized", &json!({}));
        self.outbox.notification(initialized).await?;
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
        let flight = Flight {
            link: self,
            opened,
            // The protocol does not let the handshake be taken back.
            can_be_cancelled: method != "initialize",
        };
        if wants_progress {
            let meta = params.entry("_meta").or_insert_with(|| json!({}));
            meta["progressToken"] = flight.opened.id.into();
        }
        let line = message::request(flight.opened.id, method, params)
            .map_err(|error| Broken::Unreadable(error.to_string()))?;
        self.outbox.request(flight.opened.id, line).await?;
        Ok(flight)
    }

    /// What runs it, to let it live longer where its life has an end.
    pub(super) fn child(&self) -> Arc<Child> {
        Arc::clone(&self.child)
    }

    /// Whether it takes no requests any more.
    pub(super) fn is_over(&self) -> bool {
        self.calls.is_closed()
    }

    /// Stops it: it is told by the end of its input, then by signals. Returns at once.
    pub(super) fn close(&self) {
        self.closing.cancel();
    }

    /// The same where nobody may wait: by a signal, then, after its grace, by one that it cannot pass over.
    pub(super) fn stop(&self) {
        self.close();
        self.child.stop();
    }

    /// Waits until it and all its descendants are gone.
    pub(super) async fn end(&self) -> End {
        let mut end = self.end.clone();
        let known = end.wait_for(Option::is_some).await;
        let known = known.ok().and_then(|end| end.clone());
        known.unwrap_or(End {
            was_wanted: false,
            has_expired: false,
            reason: "nobody looks after it any more".to_owned(),
        })
    }
}

/// A request on its way. Dropped before its answer, it is taken back.
pub(super) struct Flight<'a> {
    link: &'a Link,
    opened: Opened,
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
        answer.map_err(|_| Broken::Ended)?.map(Heard::Answer)
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        let id = self.opened.id;
        if self.link.calls.forget(id) && self.can_be_cancelled {
            self.link.outbox.cancel(id);
        }
    }
}

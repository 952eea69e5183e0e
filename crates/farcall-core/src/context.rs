//! What a running call knows and what it can say to its client.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    BoxFuture, JsonObject,
    principal::Principal,
    problem::{Demand, Problem},
    question::{Answer, Asking, Question},
    trace::TraceParent,
};

/// How far a call has come.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// How much is done; it only ever grows.
    pub done: f64,
    /// How much there is in all, where it is known.
    pub total: Option<f64>,
    /// One line about the present step.
    pub message: Option<String>,
}

/// The weight of a log entry (RFC 5424), lightest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names of RFC 5424 say it")]
pub enum LogLevel {
    Debug,
    Info,
    Notice,
    Warning,
    Error,
    Critical,
    Alert,
    Emergency,
}

/// The other end of a call. The protocol layer implements it; user code sees [`CallContext`].
pub trait Client: Send + Sync {
    /// Tells how far the call is; nothing happens where the client did not ask to know.
    fn progress(&self, progress: Progress) -> BoxFuture<()>;

    /// Sends a log entry; nothing happens where the client does not want ones this light.
    fn log(&self, level: LogLevel, logger: Option<String>, data: Value) -> BoxFuture<()>;

    /// Whether the client said that it can be asked this way.
    fn can_be_asked(&self, asking: Asking) -> bool;

    /// Puts questions and waits for their answers, in order.
    ///
    /// `Ok(None)` where the client has to call again to bring them.
    fn ask(
        &self,
        questions: Vec<(String, Question)>,
    ) -> BoxFuture<Result<Option<Vec<Answer>>, Problem>>;
}

/// What a caller brought along when it called again after questions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recollection {
    /// The answers so far, by the key of their question.
    #[serde(default)]
    pub answers: BTreeMap<String, Value>,
    /// What the tool put aside with [`CallContext::remember`].
    #[serde(default)]
    pub memory: Option<Value>,
}

tokio::task_local! {
    static CURRENT: CallContext;
}

struct Call {
    principal: Principal,
    request_id: String,
    meta: JsonObject,
    cancellation: CancellationToken,
    client: Option<Arc<dyn Client>>,
    recollection: Mutex<Recollection>,
    is_waiting: watch::Sender<bool>,
    trace: OnceLock<TraceParent>,
}

/// The call that a tool, prompt or resource is answering; cheap to clone.
///
/// A tool takes it as a parameter when it needs it:
///
/// ```
/// use farcall_core::context::CallContext;
///
/// async fn slow(ctx: CallContext) -> u32 {
///     ctx.progress(1.0, Some(2.0), "half way").await;
///     42
/// }
///
/// # fn main() {
/// // A unit test calls it with a context that nobody listens to.
/// let answer = futures_util::future::FutureExt::now_or_never(slow(CallContext::detached()));
/// assert_eq!(answer, Some(42));
/// # }
/// ```
#[derive(Clone)]
pub struct CallContext(Arc<Call>);

impl CallContext {
    /// The context of a call by `principal`; the protocol layer makes it.
    pub fn new(
        principal: Principal,
        request_id: impl Into<String>,
        meta: JsonObject,
        cancellation: CancellationToken,
        client: Arc<dyn Client>,
        recollection: Recollection,
    ) -> Self {
        Self(Arc::new(Call {
            principal,
            request_id: request_id.into(),
            meta,
            cancellation,
            client: Some(client),
            recollection: Mutex::new(recollection),
            is_waiting: watch::Sender::new(false),
            trace: OnceLock::new(),
        }))
    }

    /// A context without a client, for unit tests: it says nothing and cannot ask.
    pub fn detached() -> Self {
        Self(Arc::new(Call {
            principal: Principal::anonymous(),
            request_id: String::new(),
            meta: JsonObject::new(),
            cancellation: CancellationToken::new(),
            client: None,
            recollection: Mutex::default(),
            is_waiting: watch::Sender::new(false),
            trace: OnceLock::new(),
        }))
    }

    /// Who is calling.
    pub fn principal(&self) -> &Principal {
        &self.0.principal
    }

    /// The id of the HTTP request, the same as in the log and in `x-request-id`.
    pub fn request_id(&self) -> &str {
        &self.0.request_id
    }

    /// The protocol metadata of the request (`_meta`).
    pub fn meta(&self) -> &JsonObject {
        &self.0.meta
    }

    /// Where the call stands in a trace, where its caller began one or this process keeps spans. What a tool asks
    /// of others goes on from here.
    pub fn trace(&self) -> Option<TraceParent> {
        let own = self.0.trace.get().copied();
        own.or_else(|| TraceParent::of_meta(self.meta()))
    }

    /// Has what the call asks of others stand below `place`; the protocol layer says it, once.
    pub fn continue_at(&self, place: TraceParent) {
        let _ = self.0.trace.set(place);
    }

    /// The call that this task, or this thread of a blocking tool, is answering; for whoever writes a log.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// Runs `call` as an answer to this one.
    pub async fn scope<F: Future>(&self, call: F) -> F::Output {
        CURRENT.scope(self.clone(), call).await
    }

    /// The same on this thread.
    pub fn sync_scope<T>(&self, call: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self.clone(), call)
    }

    /// Cancelled when the client has gone or has taken its call back.
    pub fn cancellation(&self) -> &CancellationToken {
        &self.0.cancellation
    }

    /// Tells the client how far the call is, where it asked to know.
    pub async fn progress(&self, done: f64, total: Option<f64>, message: impl Into<String>) {
        let Some(client) = &self.0.client else { return };
        let message = Some(message.into()).filter(|message: &String| !message.is_empty());
        client
            .progress(Progress {
                done,
                total,
                message,
            })
            .await;
    }

    /// Sends the client a log entry; `data` is any value that serialises.
    pub async fn log(&self, level: LogLevel, data: impl Serialize) {
        let Some(client) = &self.0.client else { return };
        let data = serde_json::to_value(data).unwrap_or(Value::Null);
        client.log(level, None, data).await;
    }

    /// Whether the client declared that it can be asked this way.
    pub fn can_ask(&self, asking: Asking) -> bool {
        self.0
            .client
            .as_ref()
            .is_some_and(|client| client.can_be_asked(asking))
    }

    /// Asks the client, and goes on with its answer.
    ///
    /// `key` names the question within this call. A client of 2026-07-28 gets the
    /// question as the call's result and calls again: the tool then runs **from its
    /// start**, and this returns at once with the answer. Do what must happen once
    /// after the last question.
    ///
    /// # Errors
    /// A problem that the tool hands up with `?`: the question that is still open, or
    /// that this client cannot be asked.
    pub async fn ask(&self, key: impl Into<String>, question: Question) -> Result<Answer, Problem> {
        let [answer] = self.ask_all([(key.into(), question)]).await?;
        Ok(answer)
    }

    /// Asks several questions in one round; the answers come in the same order.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub async fn ask_all<const N: usize>(
        &self,
        questions: [(String, Question); N],
    ) -> Result<[Answer; N], Problem> {
        let keys = questions.each_ref().map(|(key, _)| key.clone());
        self.put(questions.into()).await?;
        let known = self.recollection();
        Ok(keys.map(|key| answer(&known, &key)))
    }

    /// The same for a number of questions that is known only when the program runs.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub async fn ask_many(
        &self,
        questions: Vec<(String, Question)>,
    ) -> Result<Vec<Answer>, Problem> {
        let keys: Vec<_> = questions.iter().map(|(key, _)| key.clone()).collect();
        self.put(questions).await?;
        let known = self.recollection();
        Ok(keys.iter().map(|key| answer(&known, key)).collect())
    }

    /// Sees to it that every question is answered.
    async fn put(&self, questions: Vec<(String, Question)>) -> Result<(), Problem> {
        let open: Vec<_> = {
            let known = self.recollection();
            let is_open = |(key, _): &(String, Question)| !known.answers.contains_key(key);
            questions.into_iter().filter(is_open).collect()
        };
        if open.is_empty() {
            return Ok(());
        }
        let mut asked = open.iter().map(|(_, question)| question.asking());
        let refused = asked.find(|&asking| !self.can_ask(asking));
        let (Some(client), None) = (&self.0.client, refused) else {
            let asking = refused.unwrap_or(Asking::Person);
            return Err(Problem::demanding(Demand::Capability(asking)));
        };
        let waiting = Waiting::begin(&self.0.is_waiting);
        let answers = client.ask(open.clone()).await;
        drop(waiting);
        let Some(answers) = answers? else {
            return Err(Problem::demanding(Demand::Answers(open)));
        };
        let mut known = self.recollection();
        for ((key, _), answer) in open.into_iter().zip(answers) {
            known.answers.insert(key, answer.as_value().clone());
        }
        Ok(())
    }

    /// Whether the call waits for an answer of its client; the clock that limits it stands still
    /// meanwhile.
    pub fn waiting(&self) -> watch::Receiver<bool> {
        self.0.is_waiting.subscribe()
    }

    /// Puts `value` aside for the time when the client calls again with its answers.
    ///
    /// It travels through the client, signed, but readable: put no secret into it.
    ///
    /// # Errors
    /// A problem where `value` cannot be written as JSON.
    pub fn remember(&self, value: &impl Serialize) -> Result<(), Problem> {
        let value = serde_json::to_value(value)?;
        self.recollection().memory = Some(value);
        Ok(())
    }

    /// What [`remember`](Self::remember) put aside in an earlier round of this call.
    ///
    /// # Errors
    /// A problem where it does not have the shape of `T`.
    pub fn recall<T: DeserializeOwned>(&self) -> Result<Option<T>, Problem> {
        let memory = self.recollection().memory.clone();
        Ok(memory.map(serde_json::from_value).transpose()?)
    }

    /// What must come back when the client calls again; the protocol layer signs it.
    pub fn recollection(&self) -> std::sync::MutexGuard<'_, Recollection> {
        // No code panics while it holds this lock, and the value is whole at every moment.
        self.0
            .recollection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn answer(known: &Recollection, key: &str) -> Answer {
    Answer::new(known.answers.get(key).cloned().unwrap_or(Value::Null))
}

/// Says that a call waits for its client, also when the wait is given up.
struct Waiting<'a>(&'a watch::Sender<bool>);

impl<'a> Waiting<'a> {
    fn begin(is_waiting: &'a watch::Sender<bool>) -> Self {
        is_waiting.send_replace(true);
        Self(is_waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.send_replace(false);
    }
}

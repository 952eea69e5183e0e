//! The other end of a call, as user code sees it.

use farcall_core::{
    BoxFuture,
    context::{Client, LogLevel, Progress},
    problem::Problem,
    question::{Answer, Asking, Question},
};
use rmcp::{
    Peer, RoleServer,
    model::{
        ClientCapabilities, ProgressNotification, ProgressNotificationParam, ProgressToken,
        ProtocolVersion, RequestId, RequestMetaObject, ServerNotification,
    },
    service::RequestContext,
};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{front::Accepts, headers::MCP_SESSION_ID, logging, questions};

/// How a client can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Era {
    /// 2026-07-28 and later: every request stands alone, and questions are answers.
    Rounds,
    /// Before, in a session: the server may send requests of its own.
    Session,
    /// Before, without a session: nothing but answers.
    Stateless,
}

impl Era {
    pub(crate) fn of(request: &RequestContext<RoleServer>) -> Self {
        let version = request.protocol_version();
        if version.is_some_and(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str())
        {
            return Self::Rounds;
        }
        match request.extensions.get::<http::request::Parts>() {
            Some(parts) if !parts.headers.contains_key(MCP_SESSION_ID) => Self::Stateless,
            _ => Self::Session,
        }
    }
}

/// Where the notifications of a request leave.
#[derive(Clone)]
pub(super) enum Outlet {
    /// By the SDK.
    Sdk(Peer<RoleServer>),
    /// Into the stream that the answer becomes.
    Stream(mpsc::Sender<ServerNotification>),
}

impl Outlet {
    /// Sends `notification`, unless the client has gone.
    pub(super) async fn send(&self, notification: ServerNotification) {
        let is_sent = match self {
            Self::Sdk(peer) => peer.send_notification(notification).await.is_ok(),
            Self::Stream(news) => news.send(notification).await.is_ok(),
        };
        if !is_sent {
            tracing::debug!("a notification does not reach the client");
        }
    }
}

/// The client of one request.
pub(crate) struct PeerClient {
    outlet: Outlet,
    request_id: RequestId,
    era: Era,
    progress_token: Option<ProgressToken>,
    log_threshold: Option<LogLevel>,
    capabilities: Capabilities,
    stopping: CancellationToken,
}

/// What a client says it can be asked.
enum Capabilities {
    /// Nothing: the SDK makes up capabilities for a stateless older client, and a client that reads
    /// no streams could not read a question.
    None,
    /// What the request says; looked at only when somebody asks.
    Declared(Value),
    /// What the session began with.
    Negotiated(ClientCapabilities),
}

impl Capabilities {
    fn of(request: &RequestContext<RoleServer>, era: Era, is_mute: bool) -> Self {
        const DECLARED: &str = "io.modelcontextprotocol/clientCapabilities";
        match era {
            Era::Stateless => Self::None,
            _ if is_mute && era == Era::Session => Self::None,
            Era::Rounds => {
                let declared = request.meta.0.0.get(DECLARED);
                declared.map_or(Self::None, |declared| Self::Declared(declared.clone()))
            }
            Era::Session => request
                .client_capabilities()
                .map_or(Self::None, Self::Negotiated),
        }
    }

    fn include(&self, asking: Asking) -> bool {
        match self {
            Self::None => false,
            Self::Declared(declared) => {
                let name = match asking {
                    Asking::Person => "elicitation",
                    Asking::Model => "sampling",
                    Asking::Roots => "roots",
                };
                declared.get(name).is_some_and(Value::is_object)
            }
            Self::Negotiated(negotiated) => match asking {
                Asking::Person => negotiated.elicitation.is_some(),
                Asking::Model => negotiated.sampling.is_some(),
                Asking::Roots => negotiated.roots.is_some(),
            },
        }
    }
}

impl PeerClient {
    /// Whether there is any question that the client could answer.
    pub(crate) fn can_be_asked_anything(&self) -> bool {
        let ways = [Asking::Person, Asking::Model, Asking::Roots];
        ways.into_iter()
            .any(|asking| self.capabilities.include(asking))
    }

    /// `session_level` is what the client of a session asked for with `logging/setLevel`.
    pub(crate) fn new(
        request: &RequestContext<RoleServer>,
        era: Era,
        session_level: LogLevel,
        stopping: CancellationToken,
    ) -> Self {
        let accepts = request
            .extensions
            .get::<http::request::Parts>()
            .and_then(|parts| parts.extensions.get::<Accepts>());
        // Anything sent before the answer makes it a stream, which this client cannot read.
        let is_mute = accepts.is_some_and(|accepts| !accepts.stream);
        let log_threshold = match era {
            Era::Rounds => logging::wanted(&request.meta),
            Era::Session | Era::Stateless => Some(session_level),
        };
        Self {
            outlet: Outlet::Sdk(request.peer.clone()),
            request_id: request.id.clone(),
            era,
            progress_token: request.meta.get_progress_token().filter(|_| !is_mute),
            log_threshold: log_threshold.filter(|_| !is_mute),
            capabilities: Capabilities::of(request, era, is_mute),
            stopping,
        }
    }

    /// The client of a request that nothing can be asked.
    pub(super) fn unaskable(
        outlet: Outlet,
        request_id: RequestId,
        era: Era,
        meta: &RequestMetaObject,
        accepts: Accepts,
        stopping: CancellationToken,
    ) -> Self {
        let log_threshold = match era {
            Era::Rounds => logging::wanted(meta),
            Era::Session | Era::Stateless => Some(LogLevel::Info),
        };
        Self {
            outlet,
            request_id,
            era,
            progress_token: meta.get_progress_token().filter(|_| accepts.stream),
            log_threshold: log_threshold.filter(|_| accepts.stream),
            capabilities: Capabilities::None,
            stopping,
        }
    }
}

impl Client for PeerClient {
    fn progress(&self, progress: Progress) -> BoxFuture<()> {
        let Some(token) = self.progress_token.clone() else {
            return Box::pin(std::future::ready(()));
        };
        let outlet = self.outlet.clone();
        Box::pin(async move {
            let mut news = ProgressNotificationParam::new(token, progress.done);
            news.total = progress.total;
            news.message = progress.message;
            outlet.send(ProgressNotification::new(news).into()).await;
        })
    }

    fn log(&self, level: LogLevel, logger: Option<String>, data: Value) -> BoxFuture<()> {
        if self.log_threshold.is_none_or(|threshold| level < threshold) {
            return Box::pin(std::future::ready(()));
        }
        Box::pin(logging::send(self.outlet.clone(), level, logger, data))
    }

    fn can_be_asked(&self, asking: Asking) -> bool {
        self.capabilities.include(asking)
    }

    fn ask(
        &self,
        questions: Vec<(String, Question)>,
    ) -> BoxFuture<Result<Option<Vec<Answer>>, Problem>> {
        let Outlet::Sdk(peer) = &self.outlet else {
            return Box::pin(std::future::ready(Ok(None)));
        };
        if self.era != Era::Session {
            return Box::pin(std::future::ready(Ok(None)));
        }
        let (peer, request_id) = (peer.clone(), self.request_id.clone());
        let stopping = self.stopping.clone();
        Box::pin(async move {
            let mut answers = Vec::with_capacity(questions.len());
            for (_, question) in questions {
                let answer = tokio::select! {
                    answer = questions::put(&peer, &request_id, &question) => answer?,
                    () = stopping.cancelled() => return Err(server_stops()),
                };
                answers.push(answer);
            }
            Ok(Some(answers))
        })
    }
}

fn server_stops() -> Problem {
    Problem::user("the server stops before its question is answered").hint("call again in a moment")
}

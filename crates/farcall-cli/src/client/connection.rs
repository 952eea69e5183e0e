//! A conversation with a server, in one version of the protocol.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use farcall_core::JsonObject;
use rmcp::{
    RoleClient,
    model::{
        CallToolRequestParams, CallToolResult, ClientCapabilities, ClientConfig, Implementation,
        ProtocolVersion,
    },
    service::{
        ClientInitializeError, ClientLifecycleMode, ClientServiceExt, RunningService, ServiceError,
    },
    transport::{
        StreamableHttpClientTransport, streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use serde_json::{Value, json};

use super::{Endpoint, diagnosis, one_line};
use crate::Failure;

/// How long a server may take for one answer; clients in use give up after 30 seconds.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the good-bye to a server may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// A version of the protocol on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// 2026-07-28: every request stands for itself.
    Stateless,
    /// 2025-11-25: requests follow a handshake; a server may agree on an older version.
    Handshake,
}

impl fmt::Display for Wire {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.version().as_str())
    }
}

impl Wire {
    fn version(self) -> ProtocolVersion {
        match self {
            Self::Stateless => ProtocolVersion::V_2026_07_28,
            Self::Handshake => ProtocolVersion::V_2025_11_25,
        }
    }

    fn lifecycle(self) -> ClientLifecycleMode {
        match self {
            Self::Stateless => ClientLifecycleMode::Discover {
                preferred_versions: vec![self.version()],
            },
            Self::Handshake => ClientLifecycleMode::Initialize,
        }
    }
}

/// Why there is no conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectError {
    /// Something answers that may well speak another version.
    NotSpoken(Failure),
    /// No version would help.
    Failed(Failure),
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        let (ConnectError::NotSpoken(failure) | ConnectError::Failed(failure)) = error;
        failure
    }
}

/// Why a call gave no result.
#[derive(Clone, Debug, PartialEq)]
pub enum CallError {
    /// The tool says that it failed.
    Refused {
        /// Its sentence.
        message: String,
        /// Its whole answer, `{"error": …}` where it keeps to the convention.
        payload: Value,
    },
    /// There was no answer of the tool, or none that can be used.
    Failed(Failure),
}

impl From<Failure> for CallError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused { message, .. } => Self::failed(message),
            CallError::Failed(failure) => failure,
        }
    }
}

/// A tool that a server lists.
#[derive(Clone, Debug)]
pub struct ListedTool {
    /// Its name.
    pub name: String,
    /// What it says about itself, where it does.
    pub description: Option<String>,
    /// The JSON Schema of its arguments.
    pub input_schema: Arc<JsonObject>,
}

/// A conversation with a server.
pub struct Connection {
    service: RunningService<RoleClient, ClientConfig>,
    endpoint: Endpoint,
    wire: Wire,
}

impl Connection {
    /// Begins to talk to the server at `endpoint`, as `wire` wants it.
    ///
    /// # Errors
    /// A [`ConnectError`] that says what is in the way.
    pub async fn open(endpoint: &Endpoint, wire: Wire) -> Result<Self, ConnectError> {
        let http = Endpoint::http_client(endpoint.url()).map_err(ConnectError::Failed)?;
        let headers = endpoint.headers().iter();
        let config = StreamableHttpClientTransportConfig::with_uri(endpoint.url().as_str())
            .custom_headers(
                headers
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect(),
            )
            .reinit_on_expired_session(false);
        let transport = StreamableHttpClientTransport::with_client(http, config);
        let caller = ClientConfig::new(
            ClientCapabilities::default(),
            Implementation::new("farcall", env!("CARGO_PKG_VERSION")),
        )
        .with_protocol_version(wire.version());
        let opened = caller.serve_with_lifecycle(transport, wire.lifecycle());
        match tokio::time::timeout(ANSWER_TIMEOUT, opened).await {
            Ok(Ok(service)) => Ok(Self {
                service,
                endpoint: endpoint.clone(),
                wire,
            }),
            Ok(Err(error)) => Err(not_opened(endpoint, wire, &error).await),
            Err(_) => Err(ConnectError::Failed(silent(&format!("`{endpoint}`")))),
        }
    }

    /// The version of the protocol that is spoken.
    pub fn version(&self) -> String {
        let info = self.service.peer_info();
        info.map_or_else(
            || self.wire.to_string(),
            |info| info.protocol_version.as_str().to_owned(),
        )
    }

    /// Name and version that the server calls itself by, and its name for people; `None` where it does not say.
    pub fn identity(&self) -> Option<(String, String, Option<String>)> {
        let info = self.service.peer_info()?;
        let server = info.server_info.as_ref()?;
        Some((
            server.name.clone(),
            server.version.clone(),
            server.title.clone(),
        ))
    }

    /// Where the server is.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Every tool, in the server's order.
    ///
    /// # Errors
    /// A [`Failure`] where the server does not list them.
    pub async fn tools(&self) -> Result<Vec<ListedTool>, Failure> {
        let listed = self.answered("tools/list", self.service.list_all_tools());
        let tools = listed.await?.into_iter().map(|tool| ListedTool {
            name: tool.name.into_owned(),
            description: tool.description.map(std::borrow::Cow::into_owned),
            input_schema: tool.input_schema,
        });
        Ok(tools.collect())
    }

    /// Calls a tool; its structured result, else the JSON in its text, else its text.
    ///
    /// # Errors
    /// A [`CallError`], which tells a tool that refuses from a server that does not answer.
    pub async fn call(&self, tool: &str, arguments: JsonObject) -> Result<Value, CallError> {
        let request = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        let answer = self
            .answered(&format!("`{tool}`"), self.service.call_tool(request))
            .await?;
        let is_error = answer.is_error == Some(true);
        let payload = payload(answer);
        if is_error {
            Err(refused(&self.endpoint, &payload))
        } else {
            Ok(payload)
        }
    }

    /// Says good-bye; a session that the server keeps is ended.
    pub async fn close(mut self) {
        let closed = self.service.close_with_timeout(CLOSE_TIMEOUT).await;
        if let Err(error) = closed {
            tracing::debug!(%error, "the connection ended badly");
        }
    }

    async fn answered<T>(
        &self,
        what: &str,
        answer: impl Future<Output = Result<T, ServiceError>>,
    ) -> Result<T, Failure> {
        match tokio::time::timeout(ANSWER_TIMEOUT, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(ServiceError::McpError(error))) => Err(Failure::failed(format!(
                "{what} is refused by the server: {} (JSON-RPC {})",
                one_line(&self.endpoint.scrubbed(&error.message)),
                error.code.0
            ))),
            Ok(Err(error)) => Err(self.broken(what, &error).await),
            Err(_) => Err(silent(what)),
        }
    }

    async fn broken(&self, what: &str, error: &ServiceError) -> Failure {
        match diagnosis::ask(&self.endpoint, self.wire).await {
            diagnosis::Finding::Trouble { failure, .. } => failure,
            _ => Failure::failed(format!(
                "{what} got no usable answer: {}",
                one_line(&self.endpoint.scrubbed(&diagnosis::innermost(error)))
            )),
        }
    }
}

async fn not_opened(
    endpoint: &Endpoint,
    wire: Wire,
    error: &ClientInitializeError,
) -> ConnectError {
    use diagnosis::Finding;
    let not_spoken = |reason: &str| {
        ConnectError::NotSpoken(Failure::failed(format!(
            "`{endpoint}` does not speak {wire}: {reason}"
        )))
    };
    match diagnosis::ask(endpoint, wire).await {
        // An old server may answer an unknown method in any way it likes.
        Finding::Trouble { failure, status } => match (wire, status) {
            (Wire::Stateless, Some(status)) if is_puzzled(status) => {
                ConnectError::NotSpoken(failure)
            }
            _ => ConnectError::Failed(failure),
        },
        Finding::Refusal(sentence) => not_spoken(&sentence),
        Finding::Answer => {
            let reason = one_line(&endpoint.scrubbed(&diagnosis::innermost(error)));
            match error {
                ClientInitializeError::NoCompatibleProtocolVersion { .. } => {
                    not_spoken("it names other versions")
                }
                _ => ConnectError::Failed(Failure::failed(format!(
                    "`{endpoint}` answers, but not as MCP {wire} wants it: {reason}"
                ))),
            }
        }
    }
}

fn is_puzzled(status: http::StatusCode) -> bool {
    use http::StatusCode;
    status.is_success()
        || status.is_client_error()
            && !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

fn silent(what: &str) -> Failure {
    Failure::failed(format!(
        "{what} did not answer within {} seconds",
        ANSWER_TIMEOUT.as_secs()
    ))
    .hint("clients give up after that time too; work that takes longer belongs in a job")
}

fn payload(answer: CallToolResult) -> Value {
    if let Some(structured) = answer.structured_content {
        return structured;
    }
    let texts = answer.content.iter().filter_map(|block| block.as_text());
    let text: String = texts.map(|block| block.text.as_str()).collect();
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

/// What a tool says that refuses. It may repeat what it was sent.
fn refused(endpoint: &Endpoint, payload: &Value) -> CallError {
    let payload = match endpoint.scrubbed_answer(payload) {
        Value::String(text) => json!({"error": text}),
        other => other,
    };
    let message = match payload["error"].as_str() {
        Some(sentence) => one_line(sentence),
        None => one_line(&payload.to_string()),
    };
    CallError::Refused { message, payload }
}

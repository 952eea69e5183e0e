//! Sessions of clients before 2026-07-28: bounded in number and in idle time, and each bound to
//! the caller that opened it. The SDK does none of this by itself.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use farcall_core::principal::Principal;
use futures_util::Stream;
use http::{HeaderMap, HeaderValue};
use rmcp::{
    model::{ClientJsonRpcMessage, ServerJsonRpcMessage},
    transport::{
        common::server_side_http::{ServerSseMessage, SessionId},
        streamable_http_server::session::{
            SessionManager,
            local::{LocalSessionManager, LocalSessionManagerError},
        },
    },
};

use super::headers::MCP_SESSION_ID;
use crate::Sessions;

/// The SDK's sessions, at most so many at once.
pub(crate) struct BoundedSessions {
    inner: LocalSessionManager,
    max: usize,
    owners: Mutex<HashMap<SessionId, Principal>>,
    /// Held while a session is opened, so that many at once cannot be too many.
    opening: tokio::sync::Mutex<()>,
}

/// Why a session cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionRefused {
    #[error("there are too many sessions")]
    Full,
    #[error(transparent)]
    Local(#[from] LocalSessionManagerError),
}

impl BoundedSessions {
    pub(crate) fn new(limits: Sessions) -> Self {
        let mut inner = LocalSessionManager::default();
        inner.session_config.keep_alive = Some(limits.idle);
        Self {
            inner,
            max: limits.max,
            owners: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
        }
    }

    /// The place for another session, to be held until it is open; `None` where there is none.
    pub(crate) async fn place(&self) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        let place = self.opening.lock().await;
        (!self.are_full().await).then_some(place)
    }

    async fn are_full(&self) -> bool {
        self.inner.sessions.read().await.len() >= self.max
    }

    /// Whether the session named by `id` was opened by `caller`.
    pub(crate) fn belongs_to(&self, id: &HeaderValue, caller: Option<&Principal>) -> bool {
        let Ok(id) = id.to_str() else { return false };
        caller.is_some() && self.owners().get(id) == caller
    }

    /// Remembers who opened the session that these headers of an answer name.
    pub(crate) async fn bind(&self, headers: &HeaderMap, owner: &Principal) {
        let Some(id) = headers.get(MCP_SESSION_ID).and_then(|id| id.to_str().ok()) else {
            return;
        };
        let live = self.inner.sessions.read().await;
        let mut owners = self.owners();
        owners.retain(|id, _| live.contains_key(id));
        owners.entry(Arc::from(id)).or_insert_with(|| owner.clone());
    }

    fn owners(&self) -> MutexGuard<'_, HashMap<SessionId, Principal>> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionManager for BoundedSessions {
    type Error = SessionRefused;
    type Transport = <LocalSessionManager as SessionManager>::Transport;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), Self::Error> {
        if self.are_full().await {
            return Err(SessionRefused::Full);
        }
        Ok(self.inner.create_session().await?)
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, Self::Error> {
        Ok(self.inner.initialize_session(id, message).await?)
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, Self::Error> {
        Ok(self.inner.has_session(id).await?)
    }

    async fn close_session(&self, id: &SessionId) -> Result<(), Self::Error> {
        self.owners().remove(id);
        Ok(self.inner.close_session(id).await?)
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        Ok(self.inner.create_stream(id, message).await?)
    }

    async fn accept_message(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<(), Self::Error> {
        Ok(self.inner.accept_message(id, message).await?)
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        Ok(self.inner.create_standalone_stream(id).await?)
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        Ok(self.inner.resume(id, last_event_id).await?)
    }
}

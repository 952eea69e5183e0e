//! News for subscribers that the SDK serves: `subscriptions/listen` of a client on standard input,
//! and the notifications that a session of an older client gets without asking, or for resources it
//! subscribed to. Over HTTP there are `subscriptions`.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use farcall_core::updates::Update;
use rmcp::{
    Peer, RoleServer, model::ResourceUpdatedNotificationParam, service::SubscriptionContext,
};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_util::sync::CancellationToken;

/// Sends the news that one stream subscribed to, until its client goes or the server stops.
pub(super) async fn listen(
    context: &SubscriptionContext,
    mut news: Receiver<Update>,
    stopping: &CancellationToken,
) {
    loop {
        let update = tokio::select! {
            update = news.recv() => update,
            () = context.cancelled() => return,
            () = stopping.cancelled() => return,
        };
        let sink = context.sink();
        let sent = match update {
            Ok(Update::Resource(uri)) => sink.notify_resource_updated(uri.to_string()).await,
            Ok(Update::Tools) => sink.notify_tool_list_changed().await,
            Ok(Update::Prompts) => sink.notify_prompt_list_changed().await,
            Ok(Update::Resources) => sink.notify_resource_list_changed().await,
            Err(RecvError::Lagged(missed)) => {
                tracing::warn!(missed, "a subscriber is too slow and has missed news");
                continue;
            }
            Err(RecvError::Closed) => return,
        };
        if let Err(error) = sent {
            // What the filter leaves out is refused here, and that is all there is to it.
            tracing::trace!(%error, "news are not for this subscriber");
        }
    }
}

/// The resources that a session of an older client subscribed to.
#[derive(Clone, Default)]
pub(super) struct Subscribed(Arc<Mutex<HashSet<String>>>);

impl Subscribed {
    /// The most resources that one session may subscribe to.
    const MAX: usize = 1_000;

    /// The longest URI that a session may subscribe to, in bytes.
    const MAX_URI: usize = 2_048;

    /// Whether these resources are neither too many for one subscriber, nor their URIs too long.
    pub(super) fn can_hold<'a>(uris: impl Iterator<Item = &'a String>) -> bool {
        let mut count = 0;
        let mut uris = uris.inspect(|_| count += 1);
        uris.all(|uri| uri.len() <= Self::MAX_URI) && count <= Self::MAX
    }

    /// Adds a resource; `false` where there are too many already, or its URI is too long.
    pub(super) fn add(&self, uri: String) -> bool {
        let mut uris = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if uris.len() >= Self::MAX || uri.len() > Self::MAX_URI {
            return false;
        }
        uris.insert(uri);
        true
    }

    pub(super) fn remove(&self, uri: &str) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(uri);
    }

    fn contains(&self, uri: &str) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(uri)
    }
}

/// Sends news to the client of a session until the session is `over`.
pub(super) async fn tell(
    peer: Peer<RoleServer>,
    subscribed: Subscribed,
    mut news: Receiver<Update>,
    over: CancellationToken,
) {
    loop {
        let update = tokio::select! {
            update = news.recv() => update,
            () = over.cancelled() => return,
        };
        let sent = match update {
            Ok(Update::Resource(uri)) if subscribed.contains(&uri) => {
                peer.notify_resource_updated(ResourceUpdatedNotificationParam::new(uri.to_string()))
                    .await
            }
            Ok(Update::Resource(_)) | Err(RecvError::Lagged(_)) => Ok(()),
            Ok(Update::Tools) => peer.notify_tool_list_changed().await,
            Ok(Update::Prompts) => peer.notify_prompt_list_changed().await,
            Ok(Update::Resources) => peer.notify_resource_list_changed().await,
            Err(RecvError::Closed) => return,
        };
        if sent.is_err() || peer.is_transport_closed() {
            return;
        }
    }
}

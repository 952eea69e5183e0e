//! What one subscription says, until it ends.
//!
//! It is made when it is asked for: for a client that reads slowly there is nothing kept but the
//! newest state of each task, and the news of the program as far back as those go.

use std::{sync::Arc, time::Duration};

use farcall_core::updates::Update;
use farcall_jobs::{Following, task::Task};
use rmcp::model::{
    JsonRpcMessage, RequestId, ServerJsonRpcMessage, ServerResult, SubscriptionFilter,
    SubscriptionsListenResult,
};
use serde_json::{Value, json};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Instant, sleep_until},
};

use super::{
    super::{KEEP_ALIVE, Server, tasks},
    places::Place,
};

/// What a stream does where nothing happens.
pub(super) struct Limits {
    /// How soon it shows that it is there.
    pub(super) keep_alive: Duration,
    /// How long it lasts: whoever forgot it does not keep its place for ever.
    pub(super) max_age: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            keep_alive: KEEP_ALIVE,
            max_age: Duration::from_mins(10),
        }
    }
}

const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";

/// What a subscription says next.
pub(in crate::mcp) enum Said {
    /// A message.
    Message(Value),
    /// Nothing yet.
    Nothing,
}

/// The news for one subscription.
pub(in crate::mcp) struct News {
    server: Arc<Server>,
    id: RequestId,
    filter: SubscriptionFilter,
    updates: Option<Receiver<Update>>,
    tasks: Option<Following>,
    keep_alive: Duration,
    ends_at: Instant,
    progress: Progress,
    _place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// It has not been acknowledged.
    New,
    Open,
    Over,
}

impl News {
    pub(super) fn new(
        server: Arc<Server>,
        id: RequestId,
        filter: SubscriptionFilter,
        updates: Option<Receiver<Update>>,
        tasks: Option<Following>,
        (place, limits): (Place, Limits),
    ) -> Self {
        let has_filter = filter != SubscriptionFilter::default();
        Self {
            server,
            id,
            updates: updates.filter(|_| has_filter),
            filter,
            tasks,
            keep_alive: limits.keep_alive,
            ends_at: Instant::now() + limits.max_age,
            progress: Progress::New,
            _place: place,
        }
    }

    /// What it says next; `None` at its end.
    pub(in crate::mcp) async fn next(&mut self) -> Option<Said> {
        match self.progress {
            Progress::Over => return None,
            Progress::New => {
                self.progress = Progress::Open;
                return Some(Said::Message(self.acknowledgment()));
            }
            Progress::Open => {}
        }
        let stopping = self.server.stopping.clone();
        let quiet_until = Instant::now() + self.keep_alive;
        while self.tasks.is_some() || self.updates.is_some() {
            tokio::select! {
                task = next_task(&mut self.tasks), if self.tasks.is_some() => match task {
                    Some(task) => {
                        if let Some(message) = self.of_task(task) {
                            return Some(Said::Message(message));
                        }
                    }
                    None => self.tasks = None,
                },
                update = next_update(&mut self.updates), if self.updates.is_some() => match update {
                    Ok(update) => {
                        if let Some(message) = self.of_update(&update) {
                            return Some(Said::Message(message));
                        }
                    }
                    Err(RecvError::Closed) => self.updates = None,
                    Err(RecvError::Lagged(missed)) => {
                        // Without an answer, so that the client knows that it has missed something.
                        tracing::warn!(missed, "a subscriber reads too slowly, its stream ends");
                        self.progress = Progress::Over;
                        return None;
                    }
                },
                () = sleep_until(quiet_until) => return Some(Said::Nothing),
                () = sleep_until(self.ends_at) => break,
                () = stopping.cancelled() => break,
            }
        }
        Some(self.end())
    }

    /// What was agreed on.
    fn acknowledgment(&self) -> Value {
        let mut accepted = json!(self.filter);
        let ids: Vec<_> = self.tasks.iter().flat_map(Following::ids).collect();
        if !ids.is_empty() {
            accepted["taskIds"] = json!(ids);
        }
        let method = "notifications/subscriptions/acknowledged";
        self.notification(method, json!({"notifications": accepted}))
    }

    /// What `tasks/get` would answer at this moment.
    fn of_task(&self, task: Task) -> Option<Value> {
        let task = tasks::detailed(&self.server, task);
        let task = task.and_then(|task| {
            serde_json::to_value(task)
                .map_err(|error| rmcp::ErrorData::internal_error(error.to_string(), None))
        });
        match task {
            Ok(task) => Some(self.notification("notifications/tasks", task)),
            Err(error) => {
                tracing::error!(%error, "a task cannot be told");
                None
            }
        }
    }

    fn of_update(&self, update: &Update) -> Option<Value> {
        let filter = &self.filter;
        let (method, wanted, params) = match update {
            Update::Resource(uri) => {
                let uris = filter.resource_subscriptions.as_ref();
                let wanted = uris.map(|uris| uris.iter().any(|wanted| **wanted == **uri));
                (
                    "notifications/resources/updated",
                    wanted,
                    json!({"uri": uri}),
                )
            }
            Update::Tools => (
                "notifications/tools/list_changed",
                filter.tools_list_changed,
                json!({}),
            ),
            Update::Prompts => (
                "notifications/prompts/list_changed",
                filter.prompts_list_changed,
                json!({}),
            ),
            Update::Resources => (
                "notifications/resources/list_changed",
                filter.resources_list_changed,
                json!({}),
            ),
        };
        (wanted == Some(true)).then(|| self.notification(method, params))
    }

    fn notification(&self, method: &str, mut params: Value) -> Value {
        params["_meta"] = json!({SUBSCRIPTION_ID: self.id});
        json!({"jsonrpc": "2.0", "method": method, "params": params})
    }

    /// The answer to the request: it ends in order.
    fn end(&mut self) -> Said {
        self.progress = Progress::Over;
        let mut result = SubscriptionsListenResult::complete(self.id.clone());
        let server = &self.server.presented.info.server_info;
        result.meta.set_server_info(server.clone());
        let result = ServerResult::SubscriptionsListenResult(result);
        let message: ServerJsonRpcMessage = JsonRpcMessage::response(result, self.id.clone());
        Said::Message(json!(message))
    }
}

async fn next_task(tasks: &mut Option<Following>) -> Option<Task> {
    match tasks {
        Some(tasks) => tasks.next().await,
        None => None,
    }
}

async fn next_update(updates: &mut Option<Receiver<Update>>) -> Result<Update, RecvError> {
    match updates {
        Some(updates) => updates.recv().await,
        None => Err(RecvError::Closed),
    }
}

#[cfg(test)]
mod tests {
    use farcall_core::{catalog::Catalog, principal::Principal, updates::Updates};
    use farcall_metrics::Metrics;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::{
        Identity,
        mcp::{
            Places, Unchanging,
            rounds::{Rounds, StateKeys},
        },
    };

    const QUIET: Duration = Duration::from_millis(50);

    const AGE: Duration = Duration::from_millis(500);

    /// A subscription to the list of tools.
    fn news(updates: &Updates) -> News {
        let catalog = Catalog::new(Vec::new(), farcall_core::catalog::Offers::default()).unwrap();
        let identity = Identity {
            name: "x".to_owned(),
            version: "1".to_owned(),
            title: None,
            instructions: None,
        };
        let unchanging = Unchanging {
            rounds: Arc::new(Rounds::new(StateKeys::new([0; 32], None))),
            updates: Some(updates.clone()),
            audit: None,
            metrics: Metrics::default(),
            stopping: CancellationToken::new(),
        };
        let server = Server::new(&identity, Arc::new(catalog), None, unchanging).unwrap();
        let filter = SubscriptionFilter::builder().tools_list_changed().build();
        let place = Places::default()
            .take(&Principal::anonymous(), None)
            .unwrap();
        let id = RequestId::Number(1);
        let listening = Some(updates.subscribe());
        let limits = Limits {
            keep_alive: QUIET,
            max_age: AGE,
        };
        News::new(
            Arc::new(server),
            id,
            filter,
            listening,
            None,
            (place, limits),
        )
    }

    async fn message(news: &mut News) -> Value {
        match news.next().await {
            Some(Said::Message(message)) => message,
            _ => panic!("it says nothing"),
        }
    }

    #[tokio::test]
    async fn a_quiet_stream_shows_that_it_is_there_and_ends_in_order_when_it_is_old() {
        let updates = Updates::default();
        let (began, mut comments) = (Instant::now(), 0);
        let mut news = news(&updates);
        message(&mut news).await;
        let last = loop {
            match news.next().await.unwrap() {
                Said::Nothing => comments += 1,
                Said::Message(message) => break message,
            }
        };
        assert_eq!(last["result"]["resultType"], "complete", "{last}");
        assert!(began.elapsed() + QUIET >= AGE);
        assert!((1..=10).contains(&comments), "{comments}");
        assert!(news.next().await.is_none());
    }

    #[tokio::test]
    async fn news_for_others_do_not_keep_a_stream_silent() {
        let updates = Updates::default();
        let mut news = news(&updates);
        message(&mut news).await;
        let chatter = async {
            loop {
                updates.send(Update::Prompts);
                tokio::task::yield_now().await;
            }
        };
        let said = tokio::select! {
            said = news.next() => said,
            () = chatter => None,
        };
        assert!(matches!(said, Some(Said::Nothing)));
    }

    #[tokio::test]
    async fn a_stream_from_which_news_are_missing_ends_without_an_answer() {
        let updates = Updates::default();
        let mut news = news(&updates);
        message(&mut news).await;
        updates.send(Update::Tools);
        let told = message(&mut news).await;
        assert_eq!(told["method"], "notifications/tools/list_changed");
        for _ in 0..1_000 {
            updates.send(Update::Tools);
        }
        assert!(news.next().await.is_none());
        assert!(news.next().await.is_none());
    }
}

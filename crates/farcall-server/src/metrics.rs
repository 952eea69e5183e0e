//! `/metrics`: what the server counts, as Prometheus reads it, with what the store says at the moment.

use std::{sync::Arc, time::Duration};

use axum::{body::Body, extract::State, response::Response};
use farcall_metrics::{CONTENT_TYPE, Metrics, Seen, Store, Stored};
use farcall_store::{JobStore, Tally};
use http::{HeaderValue, header};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use crate::{Parts, problem_response::forbid_storing};

/// Where they are read.
pub(crate) const PATH: &str = "/metrics";

/// How long the store may take; Prometheus gives up after ten seconds by default.
const PATIENCE: Duration = Duration::from_secs(4);

/// How long an answer of the store holds: several may read, and none of them works the store.
const HOLDS: Duration = Duration::from_secs(2);

/// What is needed to tell the metrics; cheap to clone.
#[derive(Clone)]
pub(crate) struct Readings {
    metrics: Metrics,
    store: Option<Arc<dyn JobStore>>,
    last: Arc<Mutex<Option<(Instant, Store)>>>,
}

impl Readings {
    /// Those of a server.
    pub(crate) fn of(parts: &Parts) -> Self {
        Self {
            metrics: parts.metrics.clone(),
            store: parts.jobs.as_ref().map(|jobs| Arc::clone(&jobs.store)),
            last: Arc::default(),
        }
    }

    async fn stored(&self) -> Option<Store> {
        let (store, last) = (Arc::clone(self.store.as_ref()?), Arc::clone(&self.last));
        // A task of its own: of a reader that goes meanwhile the answer is kept for the next one, which would have
        // to ask again otherwise.
        let asked = tokio::spawn(async move {
            // Held while the store is asked, so that many who read at once ask it once.
            let mut last = last.lock().await;
            if let Some((at, said)) = &*last
                && at.elapsed() < HOLDS
            {
                return *said;
            }
            let said = tally(store.as_ref()).await;
            *last = Some((Instant::now(), said));
            said
        });
        Some(asked.await.unwrap_or(Store::Away))
    }
}

async fn tally(store: &dyn JobStore) -> Store {
    match timeout(PATIENCE, store.tally()).await {
        Ok(Ok(tally)) => Store::Holds(stored(tally)),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the store cannot be asked how many jobs there are");
            Store::Away
        }
        Err(_) => {
            tracing::warn!("the store does not say in time how many jobs there are");
            Store::Away
        }
    }
}

fn stored(tally: Tally) -> Stored {
    Stored {
        queued: tally.queued,
        running: tally.running,
        succeeded: tally.succeeded,
        failed: tally.failed,
        oldest_queued: tally.oldest_queued,
    }
}

/// `GET /metrics`.
pub(crate) async fn read(State(readings): State<Readings>) -> Response {
    let seen = Seen {
        store: readings.stored().await,
    };
    let text = readings.metrics.text(env!("CARGO_PKG_VERSION"), seen);
    let mut response = Response::new(Body::from(text));
    let kind = HeaderValue::from_static(CONTENT_TYPE);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    forbid_storing(&mut response);
    response
}

//! Collects spans and sends them to a collector. Work hands a span over and goes on: what finds no room, because
//! the collector is away, is dropped and counted.

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use farcall_config::Spans;
use farcall_core::trace::{self, Kept, Tracer};
use reqwest::{
    Client, StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue},
    redirect,
};
use secrecy::ExposeSecret;
use tokio::{sync::mpsc, task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::otlp::Resource;
use crate::Failure;

/// How many spans may wait.
const WAITING: usize = 4_096;

/// How many go into one request.
const BATCH: usize = 512;

/// How long a span waits for company, as the specification's batches do.
const PAUSE: Duration = Duration::from_secs(5);

/// How long a request may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The pauses between the tries of one request.
const AGAIN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];

/// How long a server that stops waits for the last of them.
const FAREWELL: Duration = Duration::from_secs(5);

/// Sends spans.
pub(crate) struct Sender {
    stop: CancellationToken,
    sending: JoinHandle<()>,
}

impl Sender {
    /// # Errors
    /// A [`Failure`] where there can be no client, or another tracer is there.
    pub(super) fn start(spans: &Spans, service: &str, version: &str) -> Result<Self, Failure> {
        let wrong = |error: &dyn std::fmt::Display| {
            Failure::usage(format!("spans cannot be sent: {error}")).hint(
                "correct OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_EXPORTER_OTLP_HEADERS, or unset them",
            )
        };
        let http = Client::builder()
            .user_agent(concat!("farcall/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers(spans).map_err(|error| wrong(&error))?)
            // The secret in its head is for the collector alone.
            .redirect(redirect::Policy::none())
            .timeout(PATIENCE)
            .build()
            .map_err(|error| wrong(&error))?;
        let (queue, waiting) = mpsc::channel(WAITING);
        let lost = Arc::<AtomicU64>::default();
        let collector = Collector {
            http,
            url: spans.url.clone(),
            resource: Resource::new(service, version),
            lost: Arc::clone(&lost),
        };
        if !trace::install(Arc::new(Queue { queue, lost })) {
            return Err(wrong(&"another tracer keeps them in this process"));
        }
        let stop = CancellationToken::new();
        let sending = tokio::spawn(collector.run(waiting, stop.clone()));
        Ok(Self { stop, sending })
    }

    /// Sends what is left.
    pub(super) async fn close(self) {
        self.stop.cancel();
        if tokio::time::timeout(FAREWELL, self.sending).await.is_err() {
            tracing::warn!("the last spans are not sent");
        }
    }
}

fn headers(spans: &Spans) -> Result<HeaderMap, Box<dyn std::error::Error>> {
    let mut headers = HeaderMap::new();
    for (name, value) in &spans.headers {
        let mut value = HeaderValue::from_str(value.expose_secret())?;
        value.set_sensitive(true);
        headers.insert(HeaderName::from_bytes(name.as_bytes())?, value);
    }
    Ok(headers)
}

/// Where work hands its spans over.
struct Queue {
    queue: mpsc::Sender<Kept>,
    lost: Arc<AtomicU64>,
}

impl Tracer for Queue {
    fn trace_id(&self) -> [u8; 16] {
        let [high, low] = [fresh(), fresh()];
        let mut id = [0; 16];
        id[..8].copy_from_slice(&high);
        id[8..].copy_from_slice(&low);
        id
    }

    fn span_id(&self) -> [u8; 8] {
        fresh()
    }

    fn keep(&self, span: Kept) {
        if self.queue.try_send(span).is_err() && self.lost.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::warn!("spans are lost, because those before them cannot be sent");
        }
    }
}

/// Eight bytes that no other call returns: a count from a random number on, stirred so that neighbours have
/// nothing in common (SplitMix64). Never zero.
fn fresh() -> [u8; 8] {
    static NEXT: LazyLock<AtomicU64> = LazyLock::new(|| {
        let mut seed = [0; 8];
        // Without randomness ids are still unique within this process.
        let _ = getrandom::fill(&mut seed);
        AtomicU64::new(u64::from_ne_bytes(seed))
    });
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut id = NEXT.fetch_add(STEP, Ordering::Relaxed);
    id = (id ^ (id >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    id = (id ^ (id >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (id ^ (id >> 31)).max(1).to_be_bytes()
}

/// Whoever keeps spans elsewhere.
struct Collector {
    http: Client,
    url: Url,
    resource: Resource,
    lost: Arc<AtomicU64>,
}

impl Collector {
    async fn run(self, mut waiting: mpsc::Receiver<Kept>, stop: CancellationToken) {
        loop {
            let mut batch = Vec::new();
            let is_over = tokio::select! {
                biased;
                () = self.fill(&mut batch, &mut waiting) => false,
                () = stop.cancelled() => true,
            };
            if is_over {
                while let Ok(span) = waiting.try_recv() {
                    batch.push(span);
                }
            }
            for batch in batch.chunks(BATCH) {
                self.send(batch, &stop).await;
            }
            if is_over {
                return;
            }
        }
    }

    /// Returns with a whole batch, or with what there is once the first has waited for long enough.
    async fn fill(&self, batch: &mut Vec<Kept>, waiting: &mut mpsc::Receiver<Kept>) {
        let Some(first) = waiting.recv().await else {
            return std::future::pending().await;
        };
        batch.push(first);
        let until = Instant::now() + PAUSE;
        while batch.len() < BATCH {
            match tokio::time::timeout_at(until, waiting.recv()).await {
                Ok(Some(span)) => batch.push(span),
                Ok(None) | Err(_) => return,
            }
        }
    }

    async fn send(&self, batch: &[Kept], stop: &CancellationToken) {
        let request = self.resource.request(batch);
        let mut pauses = AGAIN.into_iter();
        loop {
            let why = match self.http.post(self.url.clone()).json(&request).send().await {
                Ok(answer) if answer.status().is_success() => {
                    let lost = self.lost.swap(0, Ordering::Relaxed);
                    if lost > 0 {
                        tracing::warn!(lost, "spans were lost, those after them are sent again");
                    }
                    return;
                }
                Ok(answer) if !may_pass(answer.status()) => {
                    let status = answer.status().as_u16();
                    tracing::warn!(status, spans = batch.len(), "the collector refuses spans");
                    return;
                }
                Ok(answer) => answer.status().to_string(),
                Err(error) => error.without_url().to_string(),
            };
            let Some(pause) = pauses.next().filter(|_| !stop.is_cancelled()) else {
                tracing::warn!(
                    why,
                    spans = batch.len(),
                    "the collector cannot be reached, spans are lost"
                );
                return;
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => {}
            }
        }
    }
}

/// As the specification of OTLP says which refusals to try again.
fn may_pass(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, sync::mpsc::channel, thread, time::Instant};

    use farcall_core::trace::{Kind, TraceParent};

    use super::*;

    fn kept() -> Kept {
        Kept {
            place: TraceParent::new([1; 16], fresh()),
            parent: None,
            kind: Kind::Server,
            name: "tools/call add".to_owned(),
            begun: Instant::now(),
            took: Duration::ZERO,
            attributes: Vec::new(),
            error: None,
        }
    }

    #[test]
    fn a_span_that_finds_no_room_is_dropped_and_counted_and_nobody_waits() {
        let (queue, mut waiting) = mpsc::channel(1);
        let lost = Arc::<AtomicU64>::default();
        let queue = Queue {
            queue,
            lost: Arc::clone(&lost),
        };
        let (tell, told) = channel();
        let work = thread::spawn(move || {
            for _ in 0..3 {
                queue.keep(kept());
            }
            tell.send(()).unwrap();
        });
        let returned = told.recv_timeout(Duration::from_secs(10));
        assert!(returned.is_ok(), "work waits for a collector");
        work.join().unwrap();
        assert_eq!(lost.load(Ordering::Relaxed), 2);
        assert!(waiting.try_recv().is_ok() && waiting.try_recv().is_err());
    }

    #[test]
    fn no_id_comes_twice_and_none_is_zero() {
        let ids: HashSet<_> = (0..10_000).map(|_| fresh()).collect();
        assert_eq!(ids.len(), 10_000);
        assert!(!ids.contains(&[0; 8]));
    }
}

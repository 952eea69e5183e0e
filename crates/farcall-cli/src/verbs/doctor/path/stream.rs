//! Streams: that nothing on the way holds them back, and nothing cuts them while they are quiet.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::timeout;

use super::{
    super::finding::{Chart, Finding},
    Walk, message, stateless,
};

const BUFFERING: &str = "buffering";
const IDLE: &str = "idle cut";

/// How soon the first event of a stream has to be here.
const AT_ONCE: Duration = Duration::from_secs(5);

/// How long a stream has to pause behind an event and not be over, to show that it was not held until its end.
const GOES_ON: Duration = Duration::from_millis(100);

/// What a stream showed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// Its first event came while it went on.
    AtOnce(Duration),
    /// Nothing came, or only at its end.
    Held,
    /// It was over at once, so that nothing can be seen by it.
    Over,
    /// There is no such stream.
    NotSpoken(String),
}

/// Opens a stream about `job`, where there is one that runs, and says what it shows.
pub(super) async fn look(walk: &Walk<'_>, job: Option<&str>, chart: &mut Chart) -> bool {
    let (shown, stream) = opened(walk, job).await;
    let finding = match shown {
        Shown::AtOnce(took) => Finding::ok(BUFFERING, format!("the first event of a stream came after {} ms, while it went on", took.as_millis())),
        Shown::Held => Finding::broken(BUFFERING, format!("nothing of a stream came within {} seconds", AT_ONCE.as_secs()))
            .cause("a proxy on the way keeps answers until they are whole; clients see no progress, and give up")
            .remedy("nginx: proxy_buffering off, which `deploy nginx` writes; Caddy does so by itself; a CDN must not cache or transform /mcp"),
        Shown::Over if job.is_none() => return false,
        Shown::Over => Finding::unverified(BUFFERING, "the stream was over at once, so it does not show whether it would be held back"),
        Shown::NotSpoken(why) => Finding::unverified(BUFFERING, format!("there is no stream to look at: {why}")),
    };
    chart.add(finding);
    idle(walk, stream, chart).await;
    true
}

/// What is said where no stream could be looked at.
pub(super) fn left_out(walk: &Walk<'_>, chart: &mut Chart) {
    chart.add(Finding::unverified(
        BUFFERING,
        "this server has no stream that stays open, and no job was running to look at one",
    ));
    if walk.idle.is_some() {
        chart.add(Finding::unverified(
            IDLE,
            "there is no stream that stays open",
        ));
    }
}

async fn opened(walk: &Walk<'_>, job: Option<&str>) -> (Shown, Option<reqwest::Response>) {
    const METHOD: &str = "subscriptions/listen";
    let ids: Vec<_> = job.into_iter().collect();
    let body = message(
        METHOD,
        json!({"notifications": {"toolsListChanged": true, "taskIds": ids}}),
    );
    let limit = walk.idle.unwrap_or_default() + Duration::from_mins(1);
    let request = match walk.post(true, &body, limit) {
        Ok(request) => stateless(request, METHOD),
        Err(error) => return (Shown::NotSpoken(error), None),
    };
    let began = Instant::now();
    let mut response = match timeout(AT_ONCE, request.send()).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return (Shown::NotSpoken(crate::client::innermost(&error)), None),
        Err(_) => return (Shown::Held, None),
    };
    let media_type = response.headers().get(http::header::CONTENT_TYPE);
    let media_type = media_type
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if !response.status().is_success() || !media_type.starts_with("text/event-stream") {
        let why = format!("`{METHOD}` is answered {}", response.status());
        return (Shown::NotSpoken(why), None);
    }
    let left = AT_ONCE.saturating_sub(began.elapsed());
    match timeout(left, response.chunk()).await {
        Ok(Ok(Some(_))) => {}
        Ok(_) => return (Shown::Over, None),
        Err(_) => return (Shown::Held, None),
    }
    let took = began.elapsed();
    // What was held until its end comes all at once, in however many pieces.
    loop {
        match timeout(GOES_ON, response.chunk()).await {
            Err(_) => return (Shown::AtOnce(took), Some(response)),
            Ok(Ok(Some(more))) if !ends(&more) => {}
            Ok(_) => return (Shown::Over, None),
        }
    }
}

/// Whether the server itself ends the stream: then its last message is the result.
fn ends(event: &[u8]) -> bool {
    String::from_utf8_lossy(event).contains("\"result\"")
}

/// Watches a stream that says nothing but that it is there.
async fn idle(walk: &Walk<'_>, stream: Option<reqwest::Response>, chart: &mut Chart) {
    let Some(limit) = walk.idle else {
        chart.add(Finding::unverified(
            IDLE,
            "whether a quiet stream is cut takes time to see: --idle 20 watches one for 20 seconds",
        ));
        return;
    };
    let Some(mut stream) = stream else {
        chart.add(Finding::unverified(
            IDLE,
            "there is no stream that stays open",
        ));
        return;
    };
    let began = Instant::now();
    let cut = loop {
        let left = limit.saturating_sub(began.elapsed());
        if left.is_zero() {
            break None;
        }
        match timeout(left, stream.chunk()).await {
            Err(_) => break None,
            Ok(Ok(Some(event))) if ends(&event) => {
                chart.add(Finding::unverified(
                    IDLE,
                    "the server ended the stream, there is nothing more to tell",
                ));
                return;
            }
            Ok(Ok(Some(_))) => {}
            Ok(Ok(None) | Err(_)) => break Some(began.elapsed()),
        }
    };
    chart.add(match cut {
        None => Finding::ok(IDLE, format!("a quiet stream was not cut within {} seconds", limit.as_secs())),
        Some(after) => Finding::broken(IDLE, format!("a quiet stream was cut after {} ms", after.as_millis()))
            .cause("a time limit on the way is shorter than the 15 seconds after which the server shows that it is there")
            .remedy("give it 300 seconds: proxy_read_timeout in nginx, as `deploy nginx` writes it; a load balancer has an idle timeout of its own"),
    });
}

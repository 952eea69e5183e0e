//! Reads the body of a JSON request: limited in size and in time, never compressed.

use std::time::Duration;

use axum::{body::Body, response::Response};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode, header};
use http_body::Frame;
use http_body_util::BodyExt;

use super::wire::WireFault;
use crate::problem_response::{for_path, json_rpc};

/// The largest body of a request, in bytes (1 MiB).
const MAX_BODY: usize = 1 << 20;

/// How long a body is waited for.
#[derive(Clone, Copy)]
struct Patience {
    /// The longest time for it to arrive.
    whole: Duration,
    /// The longest time in which nothing of it arrives.
    idle: Duration,
}

const PATIENCE: Patience = Patience {
    whole: Duration::from_mins(1),
    idle: Duration::from_secs(15),
};

/// Why a body is not passed on.
pub(crate) struct ReadError {
    status: StatusCode,
    code: i32,
    sentence: String,
}

impl ReadError {
    fn new(status: StatusCode, sentence: impl Into<String>) -> Self {
        Self {
            status,
            code: 0,
            sentence: sentence.into(),
        }
    }

    /// The answer for a request to `path`.
    pub(crate) fn response(&self, path: &str) -> Response {
        match self.code {
            0 => for_path(path, self.status, &self.sentence),
            code => json_rpc(self.status, code, &self.sentence),
        }
    }
}

impl From<WireFault> for ReadError {
    fn from(fault: WireFault) -> Self {
        let (code, sentence) = match fault {
            WireFault::NotJson(sentence) => (-32_700, sentence),
            WireFault::NotARequest(sentence) => (-32_600, sentence),
        };
        Self {
            status: StatusCode::BAD_REQUEST,
            code,
            sentence,
        }
    }
}

/// The whole body.
pub(crate) async fn read_body(headers: &HeaderMap, body: Body) -> Result<Bytes, ReadError> {
    read_within(PATIENCE, headers, body).await
}

async fn read_within(
    patience: Patience,
    headers: &HeaderMap,
    body: Body,
) -> Result<Bytes, ReadError> {
    let encoded = headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .any(|coding| coding != "identity");
    if encoded {
        // A few bytes could unfold to gigabytes.
        return Err(ReadError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "compressed requests are not read; send the body as it is",
        ));
    }
    let collected = tokio::time::timeout(patience.whole, collect(body, patience.idle)).await;
    let collected = collected.map_err(|_| {
        let longest = patience.whole.as_secs();
        let sentence = format!("the request took longer than {longest} s to arrive");
        ReadError::new(StatusCode::REQUEST_TIMEOUT, sentence)
    })?;
    collected?.ok_or_else(|| {
        let sentence = "the request is larger than 1 MiB; pass large data by URL or as a file";
        ReadError::new(StatusCode::PAYLOAD_TOO_LARGE, sentence)
    })
}

/// The whole body, or `None` where it is too large.
async fn collect(mut body: Body, idle: Duration) -> Result<Option<Bytes>, ReadError> {
    let mut collected = BytesMut::new();
    while let Some(frame) = next(&mut body, idle).await? {
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if collected.len() + data.len() > MAX_BODY {
            return Ok(None);
        }
        if collected.is_empty() {
            collected = data
                .try_into_mut()
                .unwrap_or_else(|data| BytesMut::from(&data[..]));
        } else {
            collected.extend_from_slice(&data);
        }
    }
    Ok(Some(collected.freeze()))
}

/// The next part of a body, which must not be long in coming.
async fn next(body: &mut Body, idle: Duration) -> Result<Option<Frame<Bytes>>, ReadError> {
    let frame = tokio::time::timeout(idle, body.frame()).await;
    let frame = frame.map_err(|_| {
        let sentence = format!("nothing of the request arrived for {} s", idle.as_secs());
        ReadError::new(StatusCode::REQUEST_TIMEOUT, sentence)
    })?;
    frame.transpose().map_err(|error| {
        tracing::debug!(%error, "a request broke off");
        let sentence = "the request broke off before its end";
        ReadError::new(StatusCode::BAD_REQUEST, sentence)
    })
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, time::Instant};

    use futures_util::stream;
    use tokio::time::sleep;

    use super::*;

    const LONG: Duration = Duration::from_mins(1);
    const SHORT: Duration = Duration::from_millis(100);

    /// What becomes of a body of so many bytes, each of which comes after `pause`.
    async fn read(patience: Patience, bytes: usize, pause: Duration) -> Result<Bytes, ReadError> {
        let trickle = stream::unfold(bytes, move |left| async move {
            sleep(pause).await;
            let left = left.checked_sub(1)?;
            Some((Ok::<_, Infallible>(Bytes::from_static(b"x")), left))
        });
        read_within(patience, &HeaderMap::new(), Body::from_stream(trickle)).await
    }

    fn is_too_slow(read: Result<Bytes, ReadError>, reason: &str) {
        let error = read.unwrap_err();
        assert_eq!(error.status, StatusCode::REQUEST_TIMEOUT);
        assert!(error.sentence.starts_with(reason), "{}", error.sentence);
    }

    impl std::fmt::Debug for ReadError {
        fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str(&self.sentence)
        }
    }

    #[tokio::test]
    async fn a_body_that_stops_coming_is_not_waited_for() {
        let patience = Patience {
            whole: LONG,
            idle: SHORT,
        };
        let begun = Instant::now();
        is_too_slow(
            read(patience, 10, LONG).await,
            "nothing of the request arrived for",
        );
        assert!((SHORT..LONG / 2).contains(&begun.elapsed()));
    }

    #[tokio::test]
    async fn a_body_that_comes_without_end_is_not_read_to_it() {
        let patience = Patience {
            whole: SHORT,
            idle: LONG,
        };
        let begun = Instant::now();
        is_too_slow(
            read(patience, usize::MAX, Duration::from_millis(1)).await,
            "the request took longer than",
        );
        assert!((SHORT..LONG / 2).contains(&begun.elapsed()));
    }

    #[tokio::test]
    async fn a_body_may_take_longer_than_it_may_pause() {
        let patience = Patience {
            whole: LONG,
            idle: LONG / 60,
        };
        let pause = Duration::from_millis(40);
        let body = read(patience, 30, pause).await.unwrap();
        assert_eq!(body.len(), 30);
    }

    /// PROMISES 3.4, and what the sentences say.
    #[test]
    fn a_minute_for_all_of_it_and_fifteen_seconds_for_the_next_of_it() {
        assert_eq!(
            (PATIENCE.whole.as_secs(), PATIENCE.idle.as_secs()),
            (60, 15)
        );
    }
}

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

/// How much of a body that is too large is read, in bytes (16 MiB).
const MAX_DRAINED: usize = 16 << 20;

/// The longest time for a body to arrive.
const BODY_TIME: Duration = Duration::from_mins(1);

/// The longest time in which nothing of it arrives.
const IDLE_TIME: Duration = Duration::from_secs(15);

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
    let collected = tokio::time::timeout(BODY_TIME, collect(body)).await;
    let collected = collected.map_err(|_| {
        let sentence = "the request took longer than 60 s to arrive";
        ReadError::new(StatusCode::REQUEST_TIMEOUT, sentence)
    })?;
    collected?.ok_or_else(|| {
        let sentence = "the request is larger than 1 MiB; pass large data by URL or as a file";
        ReadError::new(StatusCode::PAYLOAD_TOO_LARGE, sentence)
    })
}

/// The whole body, or `None` where it is too large. Of one that is too large some more is read
/// and dropped: a client that is still writing when the connection closes never reads why.
async fn collect(mut body: Body) -> Result<Option<Bytes>, ReadError> {
    let mut collected = BytesMut::new();
    let mut length = 0;
    while length <= MAX_DRAINED
        && let Some(frame) = next(&mut body).await?
    {
        let Ok(data) = frame.into_data() else {
            continue;
        };
        length += data.len();
        if length > MAX_BODY {
            collected = BytesMut::new();
        } else if data.len() == length {
            collected = data
                .try_into_mut()
                .unwrap_or_else(|data| BytesMut::from(&data[..]));
        } else {
            collected.extend_from_slice(&data);
        }
    }
    Ok((length <= MAX_BODY).then(|| collected.freeze()))
}

/// The next part of a body, which must not be long in coming.
async fn next(body: &mut Body) -> Result<Option<Frame<Bytes>>, ReadError> {
    let frame = tokio::time::timeout(IDLE_TIME, body.frame()).await;
    let frame = frame.map_err(|_| {
        let sentence = "nothing of the request arrived for 15 s";
        ReadError::new(StatusCode::REQUEST_TIMEOUT, sentence)
    })?;
    frame.transpose().map_err(|error| {
        tracing::debug!(%error, "a request broke off");
        let sentence = "the request broke off before its end";
        ReadError::new(StatusCode::BAD_REQUEST, sentence)
    })
}

//! Reads the body of a JSON request: limited in size and in time, never compressed.

use std::time::Duration;

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::wire::{self, WireFault};
use crate::problem_response::{for_path, json_rpc};

/// The largest body of a request, in bytes (1 MiB).
const MAX_BODY: usize = 1 << 20;

/// The longest time for a body to arrive.
const BODY_TIME: Duration = Duration::from_mins(1);

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

/// The whole body, checked to be one unambiguous JSON value.
pub(crate) async fn read_json(headers: &HeaderMap, body: Body) -> Result<Bytes, ReadError> {
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
    let too_large = || {
        ReadError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the request is larger than 1 MiB; pass large data by URL or as a file",
        )
    };
    let declared = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > MAX_BODY) {
        return Err(too_large());
    }
    let collected = tokio::time::timeout(BODY_TIME, Limited::new(body, MAX_BODY).collect()).await;
    let collected = collected.map_err(|_| {
        ReadError::new(
            StatusCode::REQUEST_TIMEOUT,
            "the request took longer than 60 s to arrive",
        )
    })?;
    let bytes = match collected {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(too_large()),
        Err(error) => {
            tracing::debug!(%error, "a request broke off");
            return Err(ReadError::new(
                StatusCode::BAD_REQUEST,
                "the request broke off before its end",
            ));
        }
    };
    wire::check(&bytes)?;
    Ok(bytes)
}

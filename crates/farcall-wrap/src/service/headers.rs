//! Headers: those that every request has, and what those of an answer say.

use std::time::Duration;

use farcall_config::file::Service;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use secrecy::ExposeSecret;

/// The headers of every request, and what is wrong with them.
pub(super) fn of(service: &Service, faults: &mut Vec<String>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    for (name, value) in &service.headers {
        let shown = name.escape_debug();
        let Ok(name) = name.parse::<HeaderName>() else {
            faults.push(format!("`{shown}` is no name of a header"));
            continue;
        };
        match HeaderValue::from_str(value.expose_secret()) {
            Ok(mut value) => {
                value.set_sensitive(true);
                headers.insert(name, value);
            }
            Err(_) => faults.push(format!(
                "the value of the header `{shown}` has characters that a header cannot have"
            )),
        }
    }
    headers
}

/// The media type in small letters, without parameters; empty where there is none.
pub(super) fn media_type(headers: &HeaderMap) -> String {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next());
    essence.unwrap_or_default().trim().to_ascii_lowercase()
}

/// Seconds only: a date would need both clocks to agree.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

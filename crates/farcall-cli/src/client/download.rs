//! Fetches the files of jobs.

use std::time::Duration;

use http::header;
use reqwest::Response;
use url::Url;

use super::{Endpoint, diagnosis, one_line, without_query};
use crate::Failure;

/// How long a file may not move on.
const STALLED: Duration = Duration::from_secs(30);

/// A file that is being fetched.
pub struct Download {
    url: Url,
    response: Response,
}

impl Download {
    /// Asks for the file at `url`, which `endpoint` has named.
    ///
    /// The endpoint's headers go to its own origin only: a server must not be able to have them
    /// sent elsewhere. One redirect is followed, as to the bucket where a file is (`FARCALL_REDIRECT_FILES`),
    /// and without any header; none to a log-in, and none from TLS to what is in the clear.
    ///
    /// # Errors
    /// A [`Failure`] where it is not given out.
    pub async fn open(endpoint: &Endpoint, url: &str) -> Result<Self, Failure> {
        let parsed = Url::parse(url).ok();
        let url = parsed
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .ok_or_else(|| {
                Failure::failed(format!("`{}` is no http or https URL", one_line(url)))
                    .hint("the operator sets the beginning of file URLs with PUBLIC_BASE_URL")
            })?;
        let mut request = Endpoint::http_client(&url)?.get(url.clone());
        let is_ours = endpoint.is_same_origin(&url);
        if is_ours {
            request = request.headers(endpoint.headers().clone());
        }
        let response = tokio::time::timeout(STALLED, request.send()).await;
        let mut response = response
            .map_err(|_| stalled(&url))?
            .map_err(|error| diagnosis::unreachable(&url, &error))?;
        if let Some(place) = elsewhere(&url, &response) {
            let request = Endpoint::http_client(&place)?.get(place.clone()).send();
            response = tokio::time::timeout(STALLED, request)
                .await
                .map_err(|_| stalled(&place))?
                .map_err(|error| diagnosis::unreachable(&place, &error))?;
        }
        if response.status().is_success() {
            return Ok(Self { url, response });
        }
        let failure = refusal(endpoint, &url, response).await;
        Err(if is_ours || endpoint.headers().is_empty() {
            failure
        } else {
            failure.hint(format!(
                "credentials are sent to the origin of `{endpoint}` only; test the server under the URL that PUBLIC_BASE_URL says"
            ))
        })
    }

    /// The next bytes, `None` at the end.
    ///
    /// # Errors
    /// A [`Failure`] where the file breaks off.
    pub async fn chunk(&mut self) -> Result<Option<impl AsRef<[u8]> + use<>>, Failure> {
        let chunk = tokio::time::timeout(STALLED, self.response.chunk()).await;
        chunk.map_err(|_| stalled(&self.url))?.map_err(|error| {
            Failure::failed(format!(
                "`{}` breaks off: {}",
                without_query(&self.url),
                diagnosis::innermost(&error)
            ))
        })
    }
}

/// Where a redirect leads to, if it is where a file may be.
fn elsewhere(from: &Url, response: &Response) -> Option<Url> {
    if !response.status().is_redirection() {
        return None;
    }
    let location = response.headers().get(header::LOCATION)?.to_str().ok()?;
    let place = from.join(location).ok()?;
    let is_safe = place.scheme() == "https" || place.scheme() == "http" && from.scheme() == "http";
    let is_log_in = place
        .host_str()
        .is_some_and(|host| host.ends_with(".cloudflareaccess.com"));
    (is_safe && !is_log_in).then_some(place)
}

async fn refusal(endpoint: &Endpoint, url: &Url, response: Response) -> Failure {
    let status = response.status();
    let text_of = |name| {
        let value = response.headers().get(name);
        value
            .and_then(|value: &http::HeaderValue| value.to_str().ok())
            .map(str::to_owned)
    };
    let media_type = text_of(header::CONTENT_TYPE).unwrap_or_default();
    let location = text_of(header::LOCATION);
    let body = diagnosis::text(response).await;
    let json = serde_json::from_str(&body).unwrap_or_default();
    let words = diagnosis::words(&json, &body, &media_type);
    let mut failure = diagnosis::refused(endpoint, url, status, location.as_deref(), &words);
    if status == http::StatusCode::NOT_FOUND {
        failure.hint = Some("is PUBLIC_BASE_URL the address of this very server?".to_owned());
    }
    failure
}

fn stalled(url: &Url) -> Failure {
    Failure::failed(format!(
        "`{}` sends nothing for {} seconds",
        without_query(url),
        STALLED.as_secs()
    ))
}

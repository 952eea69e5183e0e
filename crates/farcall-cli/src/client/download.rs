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
    /// sent elsewhere.
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
        let response = response
            .map_err(|_| stalled(&url))?
            .map_err(|error| diagnosis::unreachable(&url, &error))?;
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

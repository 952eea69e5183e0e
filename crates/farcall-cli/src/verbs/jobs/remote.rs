//! Jobs behind a server, for whoever has a token with the scope `admin`.

use async_trait::async_trait;
use farcall_core::id::JobId;
use farcall_jobs::operators::{JobView, Moment, Seen};
use farcall_store::{Cancelled, JobRecord, Listed};
use http::StatusCode;
use reqwest::{Method, Response};
use secrecy::SecretString;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use url::Url;

use super::desk::{Desk, Trouble};
use crate::{
    Failure,
    client::{Endpoint, TOKEN_VARIABLES, refused, unreachable, words_of},
};

/// How many jobs are asked for at once by their ids: as many as a request's head holds.
const AT_ONCE: usize = 200;

/// The jobs of a server.
pub(super) struct Remote {
    endpoint: Endpoint,
    http: reqwest::Client,
    /// Below which everything of the server is.
    base: String,
}

impl Remote {
    /// The server at `url`: its address, or that of its MCP endpoint. It is sent these headers, of the form
    /// `Name: value`, and the token of the environment where none of them is one.
    ///
    /// # Errors
    /// A [`Failure`] where it is no URL, a header is none, or nothing says who asks.
    pub(super) fn new(url: &str, headers: &[SecretString]) -> Result<Self, Failure> {
        let endpoint = Endpoint::new(url)?.with_credentials(headers)?;
        if endpoint.headers().is_empty() {
            return Err(Failure::usage(
                "a server shows its jobs to callers with the scope `admin` alone",
            )
            .hint(format!(
                "make one with `farcall token create NAME --scopes admin`, and set {}",
                TOKEN_VARIABLES[0]
            )));
        }
        let mut base = endpoint.url().clone();
        base.set_query(None);
        base.set_fragment(None);
        let base = base.as_str().trim_end_matches('/');
        Ok(Self {
            http: Endpoint::http_client(endpoint.url())?,
            base: base
                .trim_end_matches("/mcp")
                .trim_end_matches('/')
                .to_owned(),
            endpoint,
        })
    }

    /// What is answered to a request; `None` where there is no such job.
    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<Option<T>, Trouble> {
        let mut url = Url::parse(&format!("{}/admin/jobs{path}", self.base))
            .map_err(|error| Trouble::lasting(error.to_string()))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.http.request(method, url.clone());
        let request = request.headers(self.endpoint.headers().clone());
        let response = request.send().await.map_err(|error| Trouble {
            failure: unreachable(&url, &error),
            may_pass: true,
        })?;
        match response.status() {
            status if status.is_success() => {
                let answer = response.json().await.map_err(|_| {
                    let sentence =
                        format!("`{}` answers with what is no list of jobs", self.endpoint);
                    Trouble::lasting(sentence)
                })?;
                Ok(Some(answer))
            }
            StatusCode::NOT_FOUND if !path.is_empty() => Ok(None),
            status => Err(self.refusal(&url, status, response).await),
        }
    }

    async fn refusal(&self, url: &Url, status: StatusCode, response: Response) -> Trouble {
        let words = words_of(response).await;
        Trouble {
            failure: refused(&self.endpoint, url, status, None, &words),
            may_pass: status.is_server_error(),
        }
    }
}

#[derive(Deserialize)]
struct Page {
    jobs: Vec<JobView>,
    /// Whether there are more of those that were asked for.
    more: bool,
    read_at: Option<Moment>,
}

/// A record, and what was done with it.
#[derive(Deserialize)]
struct Done {
    #[serde(flatten)]
    job: JobView,
    read_at: Moment,
    was: Option<String>,
}

impl Page {
    fn records(self) -> Vec<JobRecord> {
        let Some(read_at) = self.read_at else {
            return Vec::new();
        };
        let jobs = self.jobs.into_iter();
        jobs.map(|job| job.record(read_at)).collect()
    }
}

fn query(listed: &Listed) -> Vec<(&'static str, String)> {
    let query = [
        ("state", listed.state.map(|state| state.to_string())),
        ("job", listed.job.clone()),
        ("owner", listed.owner.clone()),
        ("id", listed.id_prefix.clone()),
        ("before", listed.before.map(|id| id.to_string())),
        ("limit", Some(listed.limit.to_string())),
    ];
    let query = query.into_iter();
    query
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

#[async_trait]
impl Desk for Remote {
    /// Page by page: a server answers with fewer than are asked for where that is more than it lists at once.
    async fn list(&self, mut listed: Listed) -> Result<Vec<JobRecord>, Trouble> {
        let mut records = Vec::new();
        loop {
            let page: Option<Page> = self.ask(Method::GET, "", &query(&listed)).await?;
            let Some(page) = page else { break };
            let is_last = !page.more;
            let more = page.records();
            let Some(oldest) = more.last() else { break };
            listed.before = Some(oldest.id);
            let count = u32::try_from(more.len()).unwrap_or(u32::MAX);
            listed.limit = listed.limit.saturating_sub(count);
            records.extend(more);
            if is_last || listed.limit == 0 {
                break;
            }
        }
        Ok(records)
    }

    async fn records(&self, ids: &[JobId]) -> Result<Vec<JobRecord>, Trouble> {
        let mut records = Vec::new();
        for some in ids.chunks(AT_ONCE) {
            let ids: Vec<_> = some.iter().map(JobId::to_string).collect();
            let query = [("ids", ids.join(","))];
            let jobs: Option<Page> = self.ask(Method::GET, "", &query).await?;
            records.extend(jobs.map(Page::records).unwrap_or_default());
        }
        Ok(records)
    }

    async fn look(&self, id: JobId, lines: u32) -> Result<Option<Seen>, Trouble> {
        let query = [("log", lines.to_string())];
        let seen: Option<Value> = self.ask(Method::GET, &format!("/{id}"), &query).await?;
        let Some(seen) = seen else { return Ok(None) };
        let read_at = Moment::deserialize(&seen["read_at"]);
        let parsed = read_at.and_then(|read_at| Seen::parse(seen, read_at));
        let wrong =
            |_| Trouble::lasting(format!("`{}` answers with what is no job", self.endpoint));
        parsed.map(Some).map_err(wrong)
    }

    async fn cancel(&self, id: JobId) -> Result<Option<Cancelled>, Trouble> {
        let done: Option<Done> = self
            .ask(Method::POST, &format!("/{id}/cancel"), &[])
            .await?;
        Ok(done.map(|done| {
            let record = done.job.record(done.read_at);
            match done.was.as_deref() {
                Some("queued") => Cancelled::Now(record),
                Some("running") => Cancelled::Requested(record),
                _ => Cancelled::WasOver(record),
            }
        }))
    }

    async fn retry(&self, id: JobId) -> Result<Option<JobRecord>, Trouble> {
        let done: Option<Done> = self.ask(Method::POST, &format!("/{id}/retry"), &[]).await?;
        Ok(done.map(|done| done.job.record(done.read_at)))
    }
}

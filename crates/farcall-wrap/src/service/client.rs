//! Sends requests to one service, and takes in what it answers.

use std::{error::Error, sync::Arc, time::Duration};

use farcall_config::file::Service;
use farcall_core::problem::{ErrorCode, Problem};
use reqwest::{
    Method, Response, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
    redirect,
};
use url::Url;

use super::{
    exchange::{Answer, Failure, Outgoing},
    guard::{Guard, Refused},
    headers,
};
use crate::text::{clean, of_bytes};

/// What is read of an answer that says that something is wrong, in bytes.
const MAX_ERROR: usize = 16 << 10;

/// What a caller reads of it, in characters.
const MAX_EXCERPT: usize = 500;

/// For how long a connection that is not needed is kept. Many servers close theirs after two or five
/// seconds, often just when the next question about the same work is due.
const IDLE: Duration = Duration::from_millis(1_500);

/// A service that can be asked. Its connections are kept and used again.
pub(crate) struct Client {
    name: String,
    http: reqwest::Client,
    base_url: Url,
    headers: HeaderMap,
    timeout: Duration,
    max_answer: usize,
}

impl Client {
    /// A client of `service`, which is called `name`.
    ///
    /// # Errors
    /// One sentence for each thing that is wrong with the declaration.
    pub(crate) fn new(name: &str, service: &Service) -> Result<Self, Vec<String>> {
        let guard = Guard::new(&service.base_url, &service.allowed_addresses);
        Self::guarded(name, service, guard)
    }

    /// The same with this guard.
    pub(super) fn guarded(
        name: &str,
        service: &Service,
        guard: Result<Guard, Vec<String>>,
    ) -> Result<Self, Vec<String>> {
        let mut faults = Vec::new();
        let headers = headers::of(service, &mut faults);
        let guard = guard.map_err(|more| faults.extend(more));
        let (Ok(guard), true) = (guard, faults.is_empty()) else {
            return Err(faults);
        };
        let http = reqwest::Client::builder()
            .user_agent(concat!("farcall/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(guard))
            .redirect(redirect::Policy::none())
            .pool_idle_timeout(IDLE)
            .no_proxy()
            .referer(false)
            // One form of requests on the wire, which is the one that the tests look at.
            .http1_only()
            // What is not asked for cannot swell when it is unpacked.
            .no_brotli()
            .no_deflate()
            .no_gzip()
            .no_zstd()
            .build()
            .map_err(|error| vec![format!("its client cannot be made: {error}")])?;
        Ok(Self {
            name: name.to_owned(),
            http,
            base_url: service.base_url.clone(),
            headers,
            timeout: service.timeout,
            max_answer: usize::try_from(service.max_answer).unwrap_or(usize::MAX),
        })
    }

    /// What the service is called.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Where it is.
    pub(super) fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// How long a request may take.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Whether every request has this header already.
    pub(super) fn sets(&self, header: &HeaderName) -> bool {
        self.headers.contains_key(header)
    }

    /// Sends a request and takes in the answer.
    ///
    /// # Errors
    /// Why there is none, or that it says that something is wrong.
    pub(super) async fn send(&self, request: Outgoing) -> Result<Answer, Failure> {
        let mut all = request.headers;
        for (name, value) in &self.headers {
            all.insert(name, value.clone());
        }
        // Servers ask for a length where a method usually has a body, RFC 9110 section 8.6.
        let has_length = matches!(request.method, Method::PATCH | Method::POST | Method::PUT);
        let mut sending = self
            .http
            .request(request.method, request.url)
            .timeout(self.timeout);
        match request.body {
            Some(body) => {
                all.entry(CONTENT_TYPE)
                    .or_insert(HeaderValue::from_static("application/json"));
                sending = sending.body(body);
            }
            None if has_length => {
                all.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
            }
            None => {}
        }
        let sent = sending.headers(all).send().await;
        let response = sent.map_err(|error| self.unanswered(error))?;
        let status = response.status();
        let retry_after = headers::retry_after(response.headers());
        if response.headers().contains_key(CONTENT_ENCODING) {
            let sentence = format!(
                "the service `{}` packed its answer, which it was not asked to",
                self.name
            );
            return Err(Failure::lasting(Problem::new(
                ErrorCode::Internal,
                sentence,
            )));
        }
        if status.is_redirection() {
            let sentence = format!(
                "the service `{}` answered {status}, and redirects are not followed",
                self.name
            );
            let problem = Problem::new(ErrorCode::Internal, sentence)
                .hint("the operator should declare the final address");
            return Err(Failure::lasting(problem));
        }
        let limit = if status.is_success() {
            self.max_answer
        } else {
            MAX_ERROR
        };
        let media_type = headers::media_type(response.headers());
        let (body, is_cut) = self.read(response, limit).await?;
        let answer = Answer {
            status,
            media_type,
            body,
            is_cut,
            retry_after,
        };
        if status.is_success() {
            Ok(answer)
        } else {
            Err(self.refused(&answer))
        }
    }

    /// At most `limit` bytes, and whether there are more.
    async fn read(&self, mut response: Response, limit: usize) -> Result<(Vec<u8>, bool), Failure> {
        let mut body = Vec::new();
        loop {
            let chunk = response.chunk().await;
            let Some(chunk) = chunk.map_err(|error| self.unanswered(error))? else {
                return Ok((body, false));
            };
            let room = limit - body.len();
            if chunk.len() > room {
                body.extend_from_slice(&chunk[..room]);
                return Ok((body, true));
            }
            body.extend_from_slice(&chunk);
        }
    }

    /// The network failed; what it says is for the log.
    fn unanswered(&self, error: reqwest::Error) -> Failure {
        let name = &self.name;
        // The URL holds what callers say.
        let error = error.without_url();
        let (problem, is_passing) = if is_refused(&error) {
            let sentence = format!("the service `{name}` leads to an address that it may not");
            let problem = Problem::new(ErrorCode::Internal, sentence);
            (
                problem.hint("the operator finds it in the server's log"),
                false,
            )
        } else if error.is_timeout() {
            let limit = self.timeout.as_secs_f64();
            let sentence = format!("the service `{name}` did not answer within {limit} s");
            (Problem::new(ErrorCode::Timeout, sentence), true)
        } else if error.is_connect() {
            let sentence = format!("the service `{name}` cannot be reached");
            let problem = Problem::new(ErrorCode::Internal, sentence);
            (problem.hint("try again later"), true)
        } else if error.is_builder() {
            (Problem::internal("the request cannot be made"), false)
        } else {
            let sentence = format!("the service `{name}` broke off its answer");
            let problem = Problem::new(ErrorCode::Internal, sentence);
            (problem.hint("try again later"), true)
        };
        Failure {
            problem: problem.because(whole(&error)),
            is_passing,
            retry_after: None,
        }
    }

    /// The service says that something is wrong.
    fn refused(&self, answer: &Answer) -> Failure {
        let status = answer.status;
        let mut sentence = format!("the service `{}` answered {status}", self.name);
        let said = excerpt(&of_bytes(&answer.body, true));
        // A page for people is mostly its looks.
        if !said.is_empty() && answer.media_type != "text/html" {
            sentence = format!("{sentence}: {said}");
        }
        let is_passing = status.is_server_error()
            || matches!(
                status,
                StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
            );
        Failure {
            problem: Problem::user(sentence).with("status", status.as_u16()),
            is_passing,
            retry_after: answer.retry_after,
        }
    }
}

/// The beginning of a text as it may stand in a sentence: clean, and one short line.
pub(super) fn excerpt(text: &str) -> String {
    let text = clean(text);
    let words: Vec<_> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(MAX_EXCERPT) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn is_refused(error: &reqwest::Error) -> bool {
    causes(error).any(<dyn Error>::is::<Refused>)
}

/// An error with all that is behind it; the last part is what an operator needs.
fn whole(error: &reqwest::Error) -> String {
    let all: Vec<_> = causes(error).map(ToString::to_string).collect();
    all.join(": ")
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(Some(error as &(dyn Error + 'static)), |&error| {
        error.source()
    })
}

#[cfg(test)]
mod tests;

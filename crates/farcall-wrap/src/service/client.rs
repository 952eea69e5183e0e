//! Sends requests to one service, and takes in what it answers.

use std::{error::Error, time::Duration};

use farcall_config::file::Service;
use farcall_core::problem::{ErrorCode, Problem};
use reqwest::{
    Method, Response, StatusCode,
    header::{
        ACCEPT, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
        RETRY_AFTER,
    },
    redirect,
};
use secrecy::ExposeSecret;
use url::Url;

use super::guard::{Guard, Refused};
use crate::text::{clean, of_bytes};

/// What is read of an answer that says that something is wrong, in bytes.
const MAX_ERROR: usize = 16 << 10;

/// What a caller reads of it, in characters.
const MAX_EXCERPT: usize = 500;

/// Headers that belong to the connection, or follow from the request; nobody sets them.
const OWN_HEADERS: [&str; 10] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// A request, ready to be sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Outgoing {
    pub(super) method: Method,
    pub(super) url: Url,
    /// Beside those of the service, which go first.
    pub(super) headers: HeaderMap,
    /// JSON.
    pub(super) body: Option<Vec<u8>>,
}

impl Outgoing {
    /// A request that only asks for what is at `url`.
    pub(super) fn get(url: Url) -> Self {
        Self {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: None,
        }
    }
}

/// What a service answered, and all is well.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// The media type in small letters, without parameters; empty where there is none.
    pub(super) media_type: String,
    pub(super) body: Vec<u8>,
    /// Whether `body` is only the beginning, because it is longer than it may be.
    pub(super) is_cut: bool,
    /// How long the service asks to wait before it is asked again.
    pub(super) retry_after: Option<Duration>,
}

/// Why there is no such answer.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) problem: Problem,
    /// Whether it may pass by itself.
    pub(super) is_passing: bool,
    /// How long the service asks to wait before it is asked again.
    pub(super) retry_after: Option<Duration>,
}

impl Failure {
    /// A problem that does not pass.
    pub(super) fn lasting(problem: Problem) -> Self {
        Self {
            problem,
            is_passing: false,
            retry_after: None,
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match (failure.is_passing, failure.retry_after) {
            (true, Some(pause)) => failure.problem.try_again_after(pause),
            (true, None) => failure.problem,
            (false, _) => failure.problem.no_retry(),
        }
    }
}

/// A service that can be asked. Its connections are kept and used again.
pub(super) struct Client {
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
    pub(super) fn new(name: &str, service: &Service) -> Result<Self, Vec<String>> {
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
        let headers = headers(service, &mut faults);
        let guard = guard.map_err(|more| faults.extend(more));
        let (Ok(guard), true) = (guard, faults.is_empty()) else {
            return Err(faults);
        };
        let http = reqwest::Client::builder()
            .user_agent(concat!("farcall/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(std::sync::Arc::new(guard))
            .redirect(redirect::Policy::none())
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
        let mut headers = request.headers;
        for (name, value) in &self.headers {
            headers.insert(name, value.clone());
        }
        // Servers ask for a length where a method usually has a body, RFC 9110 section 8.6.
        let has_length = matches!(request.method, Method::PATCH | Method::POST | Method::PUT);
        let mut sending = self
            .http
            .request(request.method, request.url)
            .timeout(self.timeout);
        match request.body {
            Some(body) => {
                headers
                    .entry(CONTENT_TYPE)
                    .or_insert(HeaderValue::from_static("application/json"));
                sending = sending.body(body);
            }
            None if has_length => {
                headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
            }
            None => {}
        }
        let sent = sending.headers(headers).send().await;
        let response = sent.map_err(|error| self.unanswered(error))?;
        let status = response.status();
        let retry_after = retry_after(response.headers());
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
        let media_type = media_type(response.headers());
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
            problem: problem.because(error),
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

fn headers(service: &Service, faults: &mut Vec<String>) -> HeaderMap {
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

/// Whether the header belongs to the connection, or follows from the request.
pub(super) fn is_own(header: &HeaderName) -> bool {
    OWN_HEADERS.contains(&header.as_str())
}

fn media_type(headers: &HeaderMap) -> String {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next());
    essence.unwrap_or_default().trim().to_ascii_lowercase()
}

/// Seconds only: a date would need both clocks to agree.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

fn is_refused(error: &reqwest::Error) -> bool {
    let mut next: Option<&dyn Error> = Some(error);
    while let Some(error) = next {
        if error.is::<Refused>() {
            return true;
        }
        next = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        net::{IpAddr, TcpListener},
        sync::{
            Arc, Mutex,
            atomic::{AtomicUsize, Ordering},
        },
    };

    use reqwest::dns::Resolve;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::service::guard::Lookup;

    fn service(base_url: &str) -> Service {
        Service {
            base_url: base_url.parse().unwrap(),
            headers: BTreeMap::new(),
            timeout: Duration::from_secs(10),
            max_answer: 1 << 20,
            allowed_addresses: Vec::new(),
            openapi: None,
        }
    }

    /// Answers with each of these addresses in turn, and counts how often it was asked.
    fn turning(addresses: &[[u8; 4]]) -> (Lookup, Arc<AtomicUsize>) {
        let left = Mutex::new(
            addresses
                .iter()
                .copied()
                .map(IpAddr::from)
                .rev()
                .collect::<Vec<_>>(),
        );
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let lookup: Lookup = Arc::new(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            let next = left.lock().unwrap().pop().unwrap();
            Box::pin(async move { Ok(vec![next]) })
        });
        (lookup, asked)
    }

    /// ContextForge looked a name up, judged the answer, and let the connection look it up again.
    #[tokio::test]
    async fn cve_2026_53710_a_name_that_turns_elsewhere_is_judged_where_it_is_connected_to() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read(&mut [0; 4_096]).await.unwrap();
            let answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";
            stream.write_all(answer).await.unwrap();
        });
        let service = service(&format!("http://farm.lan:{port}"));
        let (lookup, asked) = turning(&[[127, 0, 0, 1], [169, 254, 169, 254]]);
        let guard = Guard::resolving(&service.base_url, &[], lookup);
        let client = Client::guarded("farm", &service, guard).unwrap();
        let answer = client
            .send(Outgoing::get(service.base_url.clone()))
            .await
            .unwrap();
        assert_eq!(answer.body, b"ok");
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        serving.await.unwrap();
        let failure = client
            .send(Outgoing::get(service.base_url))
            .await
            .unwrap_err();
        assert_eq!(
            failure.problem.public_message(),
            "the service `farm` leads to an address that it may not; the operator finds it in the server's log"
        );
        assert!(!failure.is_passing);
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }

    /// The other record: a public name that later leads into the network of the server.
    #[tokio::test]
    async fn cve_2026_77822_a_public_name_that_turns_nearby_is_not_connected_to() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let service = service(&format!("http://api.example:{port}"));
        let (lookup, _) = turning(&[[93, 184, 216, 34], [127, 0, 0, 1]]);
        let guard = Guard::resolving(&service.base_url, &[], lookup).unwrap_or_else(|_| panic!());
        let public = guard.resolve("api.example".parse().unwrap()).await.unwrap();
        assert_eq!(public.count(), 1);
        let client = Client::guarded("api", &service, Ok(guard)).unwrap();
        let failure = client
            .send(Outgoing::get(service.base_url))
            .await
            .unwrap_err();
        let cause = format!("{:?}", failure.problem.cause().unwrap());
        assert!(cause.contains("Refused"), "{cause}");
        assert!(listener.accept().is_err());
    }
}

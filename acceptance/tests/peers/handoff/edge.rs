//! A relay in front of a server, which notes what clients ask for and are answered. Where it is closed, it lets nobody
//! through without the two headers of a service token, as Cloudflare Access does.

use std::{
    mem,
    sync::{Arc, Mutex},
};

use farcall::axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::Value;
use tokio::net::TcpListener;

pub(super) const ID: &str = "0123456789abcdef.access";
pub(super) const SECRET: &str = "a-secret-for-tests-only";

/// It stands until the test ends.
pub(super) struct Edge {
    /// Where clients reach it.
    pub(super) origin: String,
    answered: Answered,
}

/// The methods of MCP that the server has answered.
type Answered = Arc<Mutex<Vec<String>>>;

impl Edge {
    /// Stands in front of the server at `origin`.
    pub(super) async fn before(origin: &str, is_closed: bool) -> Self {
        let server = origin.to_owned();
        let answered = Answered::default();
        let noted = Arc::clone(&answered);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let routes = Router::new().fallback(move |request: Request| {
            let (client, server, noted) = (client.clone(), server.clone(), Arc::clone(&noted));
            async move {
                if is_closed && !has_token(request.headers()) {
                    return StatusCode::FORBIDDEN.into_response();
                }
                passed(&client, &server, request, &noted).await
            }
        });
        tokio::spawn(async move { farcall::axum::serve(listener, routes).await });
        Self {
            origin: format!("http://{address}"),
            answered,
        }
    }

    /// The methods that were answered since somebody asked this last.
    pub(super) fn answered(&self) -> Vec<String> {
        mem::take(&mut *self.answered.lock().unwrap())
    }
}

fn has_token(headers: &HeaderMap) -> bool {
    let has = |name: &str, value: &str| headers.get(name).is_some_and(|sent| sent == value);
    has("cf-access-client-id", ID) && has("cf-access-client-secret", SECRET)
}

async fn passed(
    client: &reqwest::Client,
    server: &str,
    request: Request,
    answered: &Answered,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let method = method(&body);
    let mut headers: HeaderMap = parts.headers;
    headers.remove(header::HOST);
    let request = client.request(parts.method, format!("{server}{}", parts.uri));
    let answer = request.headers(headers).body(body).send().await.unwrap();
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    headers.remove(header::TRANSFER_ENCODING);
    headers.remove(header::CONTENT_LENGTH);
    let mut response = Response::new(Body::from(answer.bytes().await.unwrap()));
    if status.is_success() {
        answered.lock().unwrap().extend(method);
    }
    (*response.status_mut(), *response.headers_mut()) = (status, headers);
    response
}

/// What a message asks for, where it is one of MCP.
fn method(body: &Bytes) -> Option<String> {
    let message: Value = serde_json::from_slice(body).ok()?;
    message["method"].as_str().map(str::to_owned)
}

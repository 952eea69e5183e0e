//! An edge that lets nobody through without the two headers of a service token, as Cloudflare Access does.

use farcall::axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use tokio::net::TcpListener;

pub(super) const ID: &str = "0123456789abcdef.access";
pub(super) const SECRET: &str = "a-secret-for-tests-only";

/// Stands in front of the server at `origin`, until the test ends; returns where.
pub(super) async fn before(origin: &str) -> String {
    let origin = origin.to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = Router::new().fallback(move |request: Request| passed(origin.clone(), request));
    tokio::spawn(async move { farcall::axum::serve(listener, routes).await });
    format!("http://{address}")
}

async fn passed(origin: String, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let has = |name: &str, value: &str| parts.headers.get(name).is_some_and(|sent| sent == value);
    if !has("cf-access-client-id", ID) || !has("cf-access-client-secret", SECRET) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let mut headers: HeaderMap = parts.headers;
    headers.remove(header::HOST);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.request(parts.method, format!("{origin}{}", parts.uri));
    let answer = request.headers(headers).body(body).send().await.unwrap();
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    headers.remove(header::TRANSFER_ENCODING);
    headers.remove(header::CONTENT_LENGTH);
    let mut response = Response::new(Body::from(answer.bytes().await.unwrap()));
    (*response.status_mut(), *response.headers_mut()) = (status, headers);
    response
}

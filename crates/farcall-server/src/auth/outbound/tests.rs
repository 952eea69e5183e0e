//! Against servers that behave badly.

use axum::{Router, body::Body, response::Redirect, routing::get};
use tokio::net::TcpListener;

use super::*;

/// A server on this machine, and where it is.
async fn serving(routes: Router) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(hyper_serve(listener, routes));
    url.parse().unwrap()
}

async fn hyper_serve(listener: TcpListener, routes: Router) {
    use hyper_util::{rt::TokioIo, service::TowerToHyperService};
    while let Ok((stream, _)) = listener.accept().await {
        let service = TowerToHyperService::new(routes.clone());
        let connection = hyper::server::conn::http1::Builder::new();
        tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
    }
}

fn routes() -> Router {
    let endless = || async {
        let pieces =
            futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>("x".repeat(1024)));
        Body::from_stream(pieces)
    };
    Router::new()
        .route("/good", get(|| async { "{}" }))
        .route("/large", get(|| async { "x".repeat(SIZE) }))
        .route("/larger", get(|| async { "x".repeat(SIZE + 1) }))
        .route("/endless", get(endless))
        .route("/silent", get(std::future::pending::<()>))
        .route("/elsewhere", get(|| async { Redirect::temporary("/good") }))
        .route("/empty", get(|| async { StatusCode::NO_CONTENT }))
}

async fn fetched(path: &str) -> Result<usize, String> {
    let url = serving(routes()).await.join(path).unwrap();
    let outbound = Outbound::patient(&url, Duration::from_millis(500)).unwrap();
    let answer = outbound.get(&url).await;
    answer
        .map(|body| body.len())
        .map_err(|reason| reason.to_string())
}

#[tokio::test]
async fn an_answer_is_taken_in_up_to_its_limit() {
    assert_eq!(fetched("/good").await, Ok(2));
    assert_eq!(fetched("/large").await, Ok(SIZE));
    for path in ["/larger", "/endless"] {
        assert!(
            fetched(path).await.unwrap_err().contains("more than"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn what_never_ends_or_leads_elsewhere_is_no_answer() {
    assert!(
        fetched("/silent")
            .await
            .unwrap_err()
            .contains("does not answer")
    );
    assert!(fetched("/elsewhere").await.unwrap_err().contains("307"));
    assert!(fetched("/empty").await.unwrap_err().contains("204"));
    assert!(fetched("/nowhere").await.unwrap_err().contains("404"));
}

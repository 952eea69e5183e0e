//! A program's own routes.

use farcall::{
    Principal,
    axum::{
        Extension, Json,
        routing::{get, post},
    },
    json,
};
use reqwest::Method;

use crate::{
    harness::{Server, Setup, exchange},
    offers::{Callers, open_server, tools},
};

async fn who(Extension(caller): Extension<Principal>) -> String {
    format!("you are {}", caller.id())
}

async fn server() -> Server {
    let app = tools()
        .token_verifier(Callers)
        .route("/who", get(who))
        .route(
            "/api/items/{id}",
            post(|| async { Json(json!({"made": true})) }),
        )
        .public_route("/about", get(|| async { "for everyone" }));
    Setup::new(app).start().await
}

#[tokio::test]
async fn a_route_is_gated_by_default() {
    let server = server().await;
    for (method, path) in [(Method::GET, "/who"), (Method::POST, "/api/items/7")] {
        let reply = server.http(method.clone(), path).send().await;
        assert_eq!(reply.status, 401, "{path}");
        assert!(reply.header("www-authenticate").starts_with("Bearer"));
        let reply = server
            .with_token("eve-token")
            .http(method, path)
            .send()
            .await;
        assert_eq!(reply.status, 401, "{path}");
    }
}

#[tokio::test]
async fn a_gated_route_knows_its_caller() {
    let server = server().await;
    for (token, said) in [
        ("alice-token", "you are alice"),
        ("bob-token", "you are bob"),
    ] {
        assert_eq!(server.with_token(token).get("/who").await.text(), said);
    }
}

#[tokio::test]
async fn a_public_route_is_for_everyone() {
    let server = server().await;
    assert_eq!(server.get("/about").await.text(), "for everyone");
    assert_eq!(
        server.with_token("eve-token").get("/about").await.text(),
        "for everyone"
    );
}

#[tokio::test]
async fn routes_stand_behind_the_same_guard() {
    let server = server().await;
    for path in ["/who", "/about"] {
        let headers = [
            ("host", "evil.example.com"),
            ("authorization", "Bearer alice-token"),
        ];
        let reply = exchange(&server, &format!("GET {path}"), &headers, b"").await;
        assert_eq!(reply.status, 403, "{path}");
    }
}

#[tokio::test]
async fn another_method_is_refused_in_json() {
    let server = server().await;
    let reply = server
        .with_token("alice-token")
        .http(Method::DELETE, "/who")
        .send()
        .await;
    assert_eq!(reply.status, 405);
    assert_eq!(reply.plain_error(), "`DELETE` is not allowed here");
}

#[tokio::test]
async fn without_authentication_the_caller_is_the_anonymous_one() {
    let server = Setup::new(tools().route("/who", get(who))).start().await;
    assert_eq!(server.get("/who").await.text(), "you are anonymous");
}

#[tokio::test]
async fn a_handler_that_panics_does_not_take_the_server_down() {
    let app = tools().public_route("/boom", get(|| async { panic!("boom") as &str }));
    let server = Setup::new(app).start().await;
    let mut connection = crate::harness::Connection::open(server.address).await;
    connection
        .write(b"GET /boom HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await;
    let _ = connection.rest().await;
    assert_eq!(server.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn what_is_nowhere_is_not_found() {
    let server = open_server().await;
    let reply = server.get("/nowhere").await;
    assert_eq!(reply.status, 404);
    assert_eq!(
        reply.plain_error(),
        "there is nothing here; MCP is spoken at `/mcp`"
    );
}

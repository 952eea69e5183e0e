//! Probes.

use reqwest::Method;

use crate::{
    harness::{Setup, exchange},
    offers::{open_server, tools_and_jobs},
};

#[tokio::test]
async fn alive_says_exactly_ok() {
    let server = open_server().await;
    for path in ["/healthz", "/health"] {
        let reply = server.get(path).await;
        assert_eq!(
            (reply.status, reply.text().as_str()),
            (200, "{\"ok\": true}")
        );
        let head = server.http(Method::HEAD, path).send().await;
        assert_eq!((head.status, head.body.len()), (200, 0));
    }
}

#[tokio::test]
async fn strangers_are_given_no_proof_by_which_to_tell_servers_apart() {
    let nonce = "0123456789abcdef0123456789abcdef";
    let forged = format!("{nonce}.{}", "0".repeat(64));
    for _ in 0..2 {
        let server = open_server().await;
        for question in [nonce, &forged, "", "x"] {
            let reply = exchange(
                &server,
                "GET /healthz",
                &[("host", "localhost"), ("farcall-nonce", question)],
                b"",
            )
            .await;
            assert_eq!(reply.status, 200);
            assert_eq!(reply.headers.get("farcall-proof").unwrap(), "other");
            let called = exchange(
                &server,
                "POST /mcp",
                &[("host", "localhost"), ("farcall-nonce", question)],
                b"",
            )
            .await;
            assert_eq!(called.headers.get("farcall-proof").unwrap(), "other");
        }
    }
}

#[tokio::test]
async fn probes_come_from_anywhere() {
    let server = Setup::new(tools_and_jobs()).start().await;
    for path in ["/healthz", "/health", "/readyz"] {
        for headers in [
            &[("host", "10.1.2.3:8900")][..],
            &[("host", "evil.example.com")],
            &[
                ("host", "localhost"),
                ("origin", "https://evil.example.com"),
            ],
            &[("host", "")],
        ] {
            let reply = exchange(&server, &format!("GET {path}"), headers, b"").await;
            assert_eq!(reply.status, 200, "{path} {headers:?}");
        }
    }
}

#[tokio::test]
async fn a_server_with_jobs_is_ready_when_it_can_keep_them() {
    let server = Setup::new(tools_and_jobs()).start().await;
    let reply = server.get("/readyz").await;
    assert_eq!(
        (reply.status, reply.text().as_str()),
        (200, "{\"ok\": true}")
    );
}

#[tokio::test]
async fn a_server_that_cannot_keep_jobs_names_the_failing_check_and_the_cause_only_to_operators() {
    let app = tools_and_jobs().token_verifier(crate::offers::Callers);
    let server = Setup::new(app).start().await;
    std::fs::remove_dir_all(server.secret_path()).unwrap();
    std::fs::write(server.secret_path(), b"in the way").unwrap();
    let public = server.get("/readyz").await;
    assert_eq!(public.status, 503, "{}", public.text());
    let json = public.json();
    assert_eq!(json["ok"], false);
    assert!(
        json["failing"].is_string() && json.get("cause").is_none(),
        "{json}"
    );
    for (token, sees_cause) in [("bob-token", false), ("carol-token", true)] {
        let json = server.with_token(token).get("/readyz").await.json();
        assert_eq!(json.get("cause").is_some(), sees_cause, "{token}: {json}");
    }
    std::fs::remove_file(server.secret_path()).unwrap();
}

#[tokio::test]
async fn tokens_cannot_be_tried_out_at_a_probe() {
    let app = tools_and_jobs().token_verifier(crate::offers::Callers);
    let server = Setup::new(app)
        .with("FARCALL_FAILURE_RATE", "3/h")
        .with("FARCALL_TRUSTED_PROXIES", "127.0.0.1")
        .start()
        .await;
    std::fs::remove_dir_all(server.secret_path()).unwrap();
    std::fs::write(server.secret_path(), b"in the way").unwrap();
    let mut told = Vec::new();
    for guess in 0..4 {
        let guess = server.with_token(&format!("guess-{guess}"));
        let request = guess.http(Method::GET, "/readyz");
        let reply = request
            .header("x-forwarded-for", "203.0.113.7")
            .send()
            .await;
        told.push(reply.status);
    }
    assert_eq!(told, [503, 503, 503, 429]);
    std::fs::remove_file(server.secret_path()).unwrap();
}

#[tokio::test]
async fn where_nobody_is_asked_a_probe_tells_nobody_a_cause() {
    let server = Setup::new(tools_and_jobs()).start().await;
    std::fs::remove_dir_all(server.secret_path()).unwrap();
    std::fs::write(server.secret_path(), b"in the way").unwrap();
    let json = server.get("/readyz").await.json();
    assert!(json["failing"].is_string(), "{json}");
    assert_eq!(json.get("cause"), None, "{json}");
    std::fs::remove_file(server.secret_path()).unwrap();
}

#[tokio::test]
async fn probes_are_only_read() {
    let server = open_server().await;
    for method in [Method::POST, Method::DELETE] {
        let reply = server.http(method, "/healthz").send().await;
        assert_eq!(reply.status, 405);
    }
}

//! `MCP_BEARER_TOKEN`.

use farcall::json;

use crate::{
    harness::{Reply, Server, Setup, exchange},
    offers::{printed, tools_and_jobs},
};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

async fn server() -> Server {
    let setup = Setup::new(tools_and_jobs()).with("MCP_BEARER_TOKEN", TOKEN);
    setup.start().await
}

/// Asks for a gated path with the given values of `Authorization`, each a header of its own.
async fn asked(server: &Server, path: &str, credentials: &[&str]) -> Reply {
    let mut headers = vec![("host", "localhost"), ("content-type", "application/json")];
    headers.extend(credentials.iter().map(|value| ("authorization", *value)));
    let (request, body) = if path == "/mcp" {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}});
        (format!("POST {path}"), body.to_string())
    } else {
        (format!("GET {path}"), String::new())
    };
    exchange(server, &request, &headers, body.as_bytes()).await
}

fn is_refused(reply: &Reply, path: &str, reason: &str) {
    assert_eq!(reply.status, 401, "{}", reply.text());
    let challenge = reply.header("www-authenticate");
    assert!(challenge.starts_with("Bearer"), "{challenge}");
    let sentence = if path == "/mcp" {
        let (code, sentence) = reply.rpc_error();
        assert_eq!(code, -32_000);
        sentence
    } else {
        reply.plain_error()
    };
    assert!(sentence.contains(reason), "{sentence}");
    assert!(!reply.text().contains(TOKEN));
}

const GATED: [&str; 3] = ["/mcp", "/files/x", "/files/x/y.txt"];

#[tokio::test]
async fn without_a_token_nobody_comes_in_and_is_told_how() {
    let server = server().await;
    for path in GATED {
        let reply = asked(&server, path, &[]).await;
        is_refused(
            &reply,
            path,
            "no bearer token was sent; send the header `Authorization: Bearer <token>`",
        );
        // RFC 6750: no error code where no credentials were sent.
        assert!(!reply.header("www-authenticate").contains("error="));
    }
}

#[tokio::test]
async fn a_wrong_token_does_not_open() {
    let server = server().await;
    let nearly = [
        format!("Bearer {}", &TOKEN[1..]),
        format!("Bearer {TOKEN}0"),
        format!("Bearer {}", TOKEN.to_uppercase()),
        "Bearer x".to_owned(),
        format!("Bearer {}", "x".repeat(8_000)),
        format!("Bearer {TOKEN},{TOKEN}"),
        format!("Bearer {TOKEN} {TOKEN}"),
        format!("Bearer \"{TOKEN}\""),
    ];
    for path in GATED {
        for credentials in &nearly {
            let reply = asked(&server, path, &[credentials]).await;
            is_refused(&reply, path, "the bearer token is not known here");
            assert!(
                reply
                    .header("www-authenticate")
                    .contains("error=\"invalid_token\"")
            );
        }
    }
}

#[tokio::test]
async fn what_is_no_bearer_token_does_not_open() {
    let server = server().await;
    for path in GATED {
        for credentials in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer    ",
            TOKEN,
            "Basic dXNlcjpwYXNz",
            &format!("Basic {TOKEN}"),
            &format!("Bearer{TOKEN}"),
            &format!("Bearer\t{TOKEN}"),
            &format!("Token {TOKEN}"),
            "Bearer \u{e4}",
        ] {
            let reply = asked(&server, path, &[credentials]).await;
            is_refused(&reply, path, "bearer token");
        }
    }
}

#[tokio::test]
async fn two_tokens_do_not_open_whatever_they_are() {
    let server = server().await;
    let right = format!("Bearer {TOKEN}");
    for pair in [
        [right.as_str(), right.as_str()],
        [&right, "Bearer x"],
        ["Bearer x", &right],
        [&right, ""],
    ] {
        for path in GATED {
            let reply = asked(&server, path, &pair).await;
            is_refused(&reply, path, "send it once");
        }
    }
}

#[tokio::test]
async fn the_right_token_opens_whatever_the_case_of_its_scheme() {
    let server = server().await;
    for scheme in ["Bearer", "bearer", "BEARER", "Bearer "] {
        let reply = asked(&server, "/mcp", &[&format!("{scheme} {TOKEN}")]).await;
        assert_eq!(reply.status, 200, "{scheme}: {}", reply.text());
    }
}

#[tokio::test]
async fn a_token_anywhere_else_does_not_open() {
    let server = server().await;
    for path in [
        format!("/files/x?access_token={TOKEN}"),
        format!("/files/x?token={TOKEN}"),
    ] {
        assert_eq!(asked(&server, &path, &[]).await.status, 401);
    }
    for header in [
        "x-api-key",
        "cookie",
        "proxy-authorization",
        "cf-access-jwt-assertion",
        "x-forwarded-authorization",
    ] {
        let headers = [("host", "localhost"), (header, TOKEN)];
        let reply = exchange(&server, "GET /files/x", &headers, b"").await;
        assert_eq!(reply.status, 401, "{header}");
    }
}

#[tokio::test]
async fn its_holder_runs_jobs_and_fetches_their_files() {
    let server = server().await;
    let holder = server.with_token(TOKEN);
    let id = printed(&holder, "hello").await;
    let path = format!("/files/{id}/page.txt");
    assert_eq!(holder.get(&path).await.text(), "hello");
    assert_eq!(server.get(&path).await.status, 401);
    assert_eq!(server.with_token("wrong").get(&path).await.status, 401);
}

#[tokio::test]
async fn every_method_of_the_gated_paths_is_gated() {
    let server = server().await;
    for request in [
        "GET /mcp",
        "DELETE /mcp",
        "OPTIONS /mcp",
        "PUT /mcp",
        "PATCH /mcp",
        "HEAD /files/x",
    ] {
        let reply = exchange(&server, request, &[("host", "localhost")], b"").await;
        assert_eq!(reply.status, 401, "{request}");
    }
    // What is served to nobody needs no gate, and tells nothing.
    let reply = exchange(&server, "DELETE /files/x", &[("host", "localhost")], b"").await;
    assert_eq!(reply.status, 405);
}

#[tokio::test]
async fn alive_is_public_and_exactly_what_the_guide_says() {
    let server = server().await;
    for path in ["/healthz", "/health"] {
        for credentials in [&[][..], &["Bearer wrong"]] {
            let reply = asked(&server, path, credentials).await;
            assert_eq!(
                (reply.status, reply.text().as_str()),
                (200, "{\"ok\": true}")
            );
            assert_eq!(reply.header("content-type"), "application/json");
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_there_for_anybody() {
    let server = server().await;
    for path in ["/", "/mcp/", "/admin", "/files", "/mcp/x"] {
        let reply = asked(&server, path, &[]).await;
        assert_eq!(reply.status, 404, "{path}");
        assert!(reply.plain_error().contains("`/mcp`"));
    }
}

#[tokio::test]
async fn the_headers_of_cloudflare_access_are_tolerated() {
    let server = server().await;
    let credentials = format!("Bearer {TOKEN}");
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}).to_string();
    let access = [
        ("host", "localhost"),
        ("content-type", "application/json"),
        ("cf-access-client-id", "x.access"),
        ("cf-access-client-secret", "y"),
        ("cf-access-jwt-assertion", "a.b.c"),
        ("cf-connecting-ip", "203.0.113.9"),
        ("cf-ray", "1-FRA"),
    ];
    let with_token: Vec<_> = access
        .iter()
        .copied()
        .chain([("authorization", credentials.as_str())])
        .collect();
    let reply = exchange(&server, "POST /mcp", &with_token, body.as_bytes()).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    // They are no credentials of this server.
    let reply = exchange(&server, "POST /mcp", &access, body.as_bytes()).await;
    assert_eq!(reply.status, 401);
}

#[tokio::test]
async fn a_body_is_not_read_before_its_sender_is_known() {
    let server = server().await;
    let headers = [
        ("host", "localhost"),
        ("content-type", "application/json"),
        ("expect", "100-continue"),
    ];
    let reply = exchange(&server, "POST /mcp", &headers, b"{not json").await;
    assert_eq!(reply.status, 401);
}

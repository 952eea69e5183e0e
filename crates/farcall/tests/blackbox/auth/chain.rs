//! All authenticators on one server: each credential is of one caller, and nothing makes two of them one.

use farcall::{
    Principal, Scope,
    axum::{Extension, routing::get},
    json,
};
use serde_json::Value;

use crate::{
    harness::{Issuer, Reply, Server, Setup, Signer, operator::tools, seconds},
    offers::{Callers, tools_and_jobs},
};

const RESOURCE: &str = "https://farm.example.com/mcp";
const SECRET: &str = "a-secret-that-is-long-enough";
const ASSERTION: &str = "cf-access-jwt-assertion";

async fn who(Extension(caller): Extension<Principal>) -> String {
    caller.id().to_owned()
}

/// Behind Cloudflare Access, with routes of its own.
fn behind_access(issuer: &Issuer) -> Setup {
    let app = tools_and_jobs().route("/who", get(who));
    guarded(Setup::new(app), issuer)
}

fn guarded(setup: Setup, issuer: &Issuer) -> Setup {
    setup
        .with("FARCALL_ACCESS_TEAM", "acme")
        .with("FARCALL_ACCESS_AUD", "tag")
        .with("FARCALL_TEST_ACCESS_KEYS", &issuer.keys())
}

/// What the edge says about ann.
fn assertion() -> String {
    Signer::today().token(&json!({
        "aud": ["tag"], "email": "ann@example.com", "exp": seconds(600), "type": "app",
        "iss": "https://acme.cloudflareaccess.com", "sub": "1",
    }))
}

/// What the issuer says about her.
fn granted(issuer: &Issuer, scope: &str) -> String {
    let claims: Value = json!({
        "iss": issuer.url, "aud": RESOURCE, "sub": "ann", "scope": scope, "exp": seconds(600),
    });
    Signer::today().token(&claims)
}

async fn asked(server: &Server, path: &str, headers: &[(&str, &str)]) -> Reply {
    let request = server.http(reqwest::Method::GET, path);
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(name, value)
    });
    request.send().await
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

#[tokio::test]
async fn each_credential_is_of_one_caller() {
    let issuer = Issuer::of(&[Signer::today()]).await;
    let app = tools_and_jobs().route("/who", get(who));
    let setup = Setup::new(app.token_verifier(Callers))
        .with("MCP_BEARER_TOKEN", SECRET)
        .with("PUBLIC_BASE_URL", "https://farm.example.com")
        .with("FARCALL_OAUTH_ISSUER", &issuer.url);
    let server = guarded(setup, &issuer).start().await;
    let named = server.operator().await.names("ci", |_| {}).await;
    let oauth = granted(&issuer, "");
    for (token, owner) in [
        (named.as_str(), "ci".to_owned()),
        (SECRET, "bearer".to_owned()),
        ("alice-token", "alice".to_owned()),
        (&oauth, format!("oauth:{}#ann", issuer.url)),
    ] {
        let token = bearer(token);
        for more in [None, Some(assertion()), Some("x".to_owned())] {
            let mut headers = vec![("authorization", token.as_str())];
            headers.extend(more.as_deref().map(|assertion| (ASSERTION, assertion)));
            let reply = asked(&server, "/who", &headers).await;
            assert_eq!((reply.status, reply.text()), (200, owner.clone()));
        }
    }
    let reply = asked(&server, "/who", &[(ASSERTION, &assertion())]).await;
    assert_eq!(reply.text(), "access:person:ann@example.com");
    // An assertion is no token, nor is one caller's name, and what is no token is nobody else's either.
    for wrong in [assertion().as_str(), "ci", &named[..named.len() - 1], ""] {
        let token = bearer(wrong);
        let headers = [("authorization", token.as_str()), (ASSERTION, &assertion())];
        assert_eq!(
            asked(&server, "/who", &headers).await.status,
            401,
            "{wrong}"
        );
    }
    assert_eq!(
        asked(&server, "/who", &[(ASSERTION, &oauth)]).await.status,
        401
    );
}

#[tokio::test]
async fn behind_access_the_first_named_caller_is_nobody_else() {
    let issuer = Issuer::of(&[Signer::today()]).await;
    let server = behind_access(&issuer).start().await;
    let (edge, stray) = (assertion(), bearer("stray"));
    // Before there are callers, nobody looks at tokens, and programs send all sorts of them.
    let both = [("authorization", stray.as_str()), (ASSERTION, &edge)];
    let reply = asked(&server, "/who", &both).await;
    assert_eq!(reply.text(), "access:person:ann@example.com");
    let token = bearer(&server.operator().await.names("ci", |_| {}).await);
    for headers in [
        vec![("authorization", token.as_str())],
        vec![("authorization", token.as_str()), (ASSERTION, &edge)],
    ] {
        let reply = asked(&server, "/who", &headers).await;
        assert_eq!((reply.status, reply.text().as_str()), (200, "ci"));
    }
    assert_eq!(asked(&server, "/who", &both).await.status, 401);
    let reply = asked(&server, "/who", &[(ASSERTION, &edge)]).await;
    assert_eq!(reply.text(), "access:person:ann@example.com");
}

#[tokio::test]
async fn scopes_of_the_issuer_are_for_its_tokens_and_those_of_this_server_for_everybody() {
    let issuer = Issuer::of(&[Signer::today()]).await;
    let server = behind_access(&issuer)
        .with("PUBLIC_BASE_URL", "https://farm.example.com")
        .with("FARCALL_OAUTH_ISSUER", &issuer.url)
        .with("FARCALL_OAUTH_SCOPES", "*=mcp")
        .start()
        .await;
    let operator = server.operator().await;
    let admin = operator.names("ops", |rights| rights.scopes = [Scope::Admin].into());
    let (admin, caller) = (
        bearer(&admin.await),
        bearer(
            &operator
                .names("ci", |rights| rights.tools = Some(tools(&["add"])))
                .await,
        ),
    );
    let (enough, nothing) = (
        bearer(&granted(&issuer, "mcp admin")),
        bearer(&granted(&issuer, "")),
    );
    let edge = assertion();
    for (credential, who, files, admin) in [
        (("authorization", admin.as_str()), 403, 403, 200),
        (("authorization", &caller), 200, 404, 403),
        // The issuer's `admin` is a word of its own.
        (("authorization", &enough), 200, 404, 403),
        (("authorization", &nothing), 403, 403, 403),
        ((ASSERTION, &edge), 200, 404, 403),
    ] {
        for (path, status) in [("/who", who), ("/files/x", files), ("/admin/jobs", admin)] {
            let reply = asked(&server, path, &[credential]).await;
            assert_eq!(reply.status, status, "{path}: {}", reply.text());
            if status == 403 {
                let challenge = reply.header("www-authenticate");
                assert!(
                    challenge.starts_with("Bearer error=\"insufficient_scope\", scope=\""),
                    "{challenge}"
                );
                assert_eq!(challenge.matches("scope=").count(), 1, "{challenge}");
            }
        }
    }
}

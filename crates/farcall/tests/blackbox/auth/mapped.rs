//! Whoever Cloudflare Access let through, as the caller that the operator says it is.

use std::time::Duration;

use farcall::{
    Principal, Scope,
    axum::{Extension, routing::get},
    json,
};
use serde_json::Value;

use crate::{
    harness::{
        Issuer, Reply, Server, Setup, Signer,
        forgeries::{self, with},
        operator::tools,
        pace, seconds, soon,
    },
    offers::tools_and_jobs,
};

const ASSERTION: &str = "cf-access-jwt-assertion";
const SERVICE: &str = "e367826f93b8d71185e03fe518aff3b4.access";

async fn who(Extension(caller): Extension<Principal>) -> String {
    caller.id().to_owned()
}

fn setup(issuer: &Issuer) -> Setup {
    Setup::new(tools_and_jobs().route("/who", get(who)))
        .with("FARCALL_ACCESS_TEAM", "acme")
        .with("FARCALL_ACCESS_AUD", "tag")
        .with("FARCALL_TEST_ACCESS_KEYS", &issuer.keys())
        .with(
            "FARCALL_ACCESS_CALLERS",
            &format!("Ann@example.com=ann,{SERVICE}=ops"),
        )
}

async fn server(issuer: &Issuer) -> Server {
    setup(issuer).start().await
}

/// What the edge says about ann.
fn ann() -> Value {
    json!({
        "aud": ["tag"], "email": "ann@Example.com", "exp": seconds(600), "type": "app",
        "iss": "https://acme.cloudflareaccess.com", "sub": "1",
    })
}

/// What it says about a service token of this name.
fn service(name: &str) -> Value {
    with(
        &ann(),
        json!({"email": null, "common_name": name, "sub": ""}),
    )
}

async fn asked(server: &Server, path: &str, claims: &Value) -> Reply {
    let request = server.http(reqwest::Method::GET, path);
    let assertion = Signer::today().token(claims);
    request.header(ASSERTION, &assertion).send().await
}

async fn called(server: &Server, tool: &str, arguments: Value) -> Reply {
    let assertion = Signer::today().token(&ann());
    let call = server.tool(tool, arguments);
    call.header(ASSERTION, &assertion).send().await
}

#[tokio::test]
async fn somebody_has_the_rights_of_the_caller_that_the_operator_says_and_no_others() {
    let issuer = Issuer::of(&[Signer::today()]).await;
    let server = server(&issuer).await;
    let operator = server.operator().await;
    operator
        .names("ann", |rights| rights.tools = Some(tools(&["add"])))
        .await;
    operator
        .names("ops", |rights| {
            rights.scopes = [Scope::Admin, Scope::Call].into();
        })
        .await;
    for (claims, name) in [
        (ann(), "ann"),
        (service(SERVICE), "ops"),
        // Nobody said anything of these, however much they look like somebody.
        (
            with(&ann(), json!({"email": "bob@example.com"})),
            "access:person:bob@example.com",
        ),
        (service("ann@example.com"), "access:service:ann@example.com"),
        (
            with(&ann(), json!({"email": SERVICE})),
            "access:person:e367826f93b8d71185e03fe518aff3b4.access",
        ),
        (with(&ann(), json!({"email": "ann"})), "access:person:ann"),
    ] {
        let reply = asked(&server, "/who", &claims).await;
        assert_eq!((reply.status, reply.text().as_str()), (200, name));
    }

    let assertion = Signer::today().token(&ann());
    let list = server.rpc("tools/list", json!({}));
    let listed = list.header(ASSERTION, &assertion).send().await.result();
    let names = listed["tools"].as_array().unwrap().iter();
    let names: Vec<_> = names.map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["add"]);
    let sum = called(&server, "add", json!({"a": 2, "b": 3})).await;
    assert_eq!(sum.structured()["sum"], 5.0);
    let refused = called(&server, "echo", json!({"text": "hi"})).await;
    let unknown = called(&server, "nothing", json!({})).await;
    let (code, sentence) = refused.rpc_error();
    assert_eq!(
        (code, sentence),
        (
            unknown.rpc_error().0,
            unknown.rpc_error().1.replace("nothing", "echo")
        )
    );
    assert_eq!(asked(&server, "/admin/jobs", &ann()).await.status, 403);
    let admin = asked(&server, "/admin/jobs", &service(SERVICE)).await;
    assert_eq!(admin.status, 200, "{}", admin.text());
}

/// The edge makes an assertion out of the cookie that a browser sends along, whoever's page it shows.
#[tokio::test]
async fn no_page_acts_by_the_cookie_of_an_operator() {
    let issuer = Issuer::of(&[Signer::today()]).await;
    let server = setup(&issuer)
        .with("PUBLIC_BASE_URL", "https://farm.example.com")
        .with("FARCALL_ALLOWED_ORIGINS", "https://app.example.com")
        .start()
        .await;
    let operator = server.operator().await;
    operator
        .names("ann", |rights| rights.scopes = [Scope::Admin].into())
        .await;
    let assertion = Signer::today().token(&ann());
    let job = format!("/admin/jobs/{}", "0".repeat(32));
    for verb in ["cancel", "retry"] {
        for (origin, status) in [
            (Some("http://localhost:3000"), 403),
            (Some("http://127.0.0.1"), 403),
            (Some("https://app.example.com"), 403),
            (Some("http://farm.example.com"), 403),
            (Some("null"), 403),
            (Some("https://Farm.example.com"), 404),
            (None, 404),
        ] {
            let request = server.http(reqwest::Method::POST, &format!("{job}/{verb}"));
            let request = request.header(ASSERTION, &assertion);
            let request = match origin {
                Some(origin) => request.header("origin", origin),
                None => request,
            };
            let reply = request.send().await;
            assert_eq!(reply.status, status, "{origin:?}: {}", reply.text());
        }
    }
}

#[tokio::test]
async fn a_forged_assertion_is_no_caller_either() {
    let issuer = Issuer::of(&[Signer::today()]).await;
    let server = server(&issuer).await;
    server.operator().await.names("ann", |_| {}).await;
    assert_eq!(asked(&server, "/who", &ann()).await.text(), "ann");
    for (what, assertion) in forgeries::of(&ann()) {
        if assertion.contains('\n') || assertion.len() > 30_000 {
            continue;
        }
        let request = server.http(reqwest::Method::GET, "/who");
        let reply = request.header(ASSERTION, &assertion).send().await;
        assert_eq!(reply.status, 401, "{what}: {}", reply.text());
    }
}

#[tokio::test]
async fn what_somebody_starts_is_the_callers() {
    let issuer = Issuer::of(&[Signer::today()]).await;
    let server = server(&issuer).await;
    let token = server.operator().await.names("ann", |_| {}).await;
    let holder = server.with_token(&token);
    let started = called(&server, "start_print", json!({"text": "hello"})).await;
    let id = json!({"job_id": started.structured()["job_id"]});
    let status = holder.call("get_print_status", id).await;
    assert_ne!(status.structured()["state"], Value::Null);
}

#[tokio::test]
async fn whose_caller_has_no_token_is_let_in_by_no_way() {
    let issuer = Issuer::of(&[Signer::today()]).await;
    let server = server(&issuer).await;
    let refused = |reply: &Reply| {
        assert_eq!(reply.status, 401, "{}", reply.text());
        assert!(reply.text().contains("has no token"), "{}", reply.text());
        let challenge = reply.header("www-authenticate");
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    };
    // Before there is such a caller.
    refused(&asked(&server, "/who", &ann()).await);
    let operator = server.operator().await;
    let token = operator.names("ann", |_| {}).await;
    assert_eq!(asked(&server, "/who", &ann()).await.text(), "ann");
    operator.revokes(&token).await;
    soon(async {
        while asked(&server, "/who", &ann()).await.status == 200 {
            pace().await;
        }
    })
    .await;
    refused(&asked(&server, "/who", &ann()).await);
    // A token that ends by itself ends this, too; of several, the last one counts.
    let (short, long) = (Duration::from_millis(1), Duration::from_mins(10));
    operator
        .rotates("ann", Duration::from_mins(10), Some(long))
        .await;
    operator
        .rotates("ann", Duration::from_mins(10), Some(short))
        .await;
    assert_eq!(asked(&server, "/who", &ann()).await.text(), "ann");
    operator.rotates("ann", Duration::ZERO, Some(short)).await;
    soon(async {
        while asked(&server, "/who", &ann()).await.status == 200 {
            pace().await;
        }
    })
    .await;
    refused(&asked(&server, "/who", &ann()).await);
}

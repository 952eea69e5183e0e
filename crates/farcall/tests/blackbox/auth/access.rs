//! Cloudflare Access, checked behind its edge.

use farcall::{Principal, axum::Extension, axum::routing::get, json};
use serde_json::Value;

use crate::{
    harness::{
        Issuer, Reply, Server, Setup, Signer, exchange,
        forgeries::{self, with},
        seconds,
    },
    offers::{Callers, tools_and_jobs},
};

const TEAM: &str = "https://acme.cloudflareaccess.com";
const TAG: &str = "32eafc7626e974616deaf0dc3ce63d7bcbed58a2731e84d06bc3cdf1b53c4228";
const ASSERTION: &str = "cf-access-jwt-assertion";
const GATED: [&str; 3] = ["/mcp", "/files/x", "/who"];

async fn who(Extension(caller): Extension<Principal>) -> String {
    caller.id().to_owned()
}

fn setup(issuer: &Issuer) -> Setup {
    let app = tools_and_jobs().route("/who", get(who));
    guarded(Setup::new(app), issuer)
}

fn guarded(setup: Setup, issuer: &Issuer) -> Setup {
    setup
        .with("FARCALL_ACCESS_TEAM", "acme")
        .with("FARCALL_ACCESS_AUD", TAG)
        .with("FARCALL_TEST_ACCESS_KEYS", &issuer.keys())
}

/// What the edge says about a person.
fn person() -> Value {
    json!({
        "aud": [TAG], "email": "ann@example.com", "exp": seconds(600), "iat": seconds(-60),
        "nbf": seconds(-60), "iss": TEAM, "type": "app", "identity_nonce": "6ei69kawdKzMIAPF",
        "sub": "7335d417-61da-459d-899c-0a01c76a2f94", "country": "US",
    })
}

/// What it says about a service token.
fn service() -> Value {
    let unlike = json!({
        "email": null, "identity_nonce": null, "country": null, "nbf": null,
        "common_name": "e367826f93b8d71185e03fe518aff3b4.access", "sub": "",
    });
    with(&person(), unlike)
}

/// A request to `path` with these headers beside those that it needs.
async fn asked(server: &Server, path: &str, headers: &[(&str, &str)]) -> Reply {
    let needed = [("host", "localhost"), ("content-type", "application/json")];
    let headers: Vec<_> = needed.iter().chain(headers).copied().collect();
    let (request, body) = if path == "/mcp" {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}});
        (format!("POST {path}"), body.to_string())
    } else {
        (format!("GET {path}"), String::new())
    };
    exchange(server, &request, &headers, body.as_bytes()).await
}

fn refused(reply: &Reply, what: &str, reason: &str) {
    assert_eq!(reply.status, 401, "{what}: {}", reply.text());
    assert!(reply.text().contains(reason), "{what}: {}", reply.text());
    let challenge = reply.header("www-authenticate");
    assert!(challenge.starts_with("Bearer "), "{what}: {challenge}");
}

#[tokio::test]
async fn whom_the_edge_let_through_comes_in_by_name() {
    let issuer = Issuer::of(&[Signer::today()]).await;
    let server = setup(&issuer).start().await;
    for (claims, id) in [
        (person(), "access:person:ann@example.com"),
        (
            service(),
            "access:service:e367826f93b8d71185e03fe518aff3b4.access",
        ),
        (
            with(&person(), json!({"aud": TAG})),
            "access:person:ann@example.com",
        ),
        (
            with(&person(), json!({"aud": ["other", TAG]})),
            "access:person:ann@example.com",
        ),
        (
            with(&person(), json!({"email": null})),
            "access:sub:7335d417-61da-459d-899c-0a01c76a2f94",
        ),
        (
            with(&person(), json!({"exp": seconds(-30)})),
            "access:person:ann@example.com",
        ),
        (
            with(&person(), json!({"nbf": seconds(30)})),
            "access:person:ann@example.com",
        ),
    ] {
        let assertion = Signer::today().token(&claims);
        let reply = asked(&server, "/who", &[(ASSERTION, &assertion)]).await;
        assert_eq!((reply.status, reply.text().as_str()), (200, id), "{claims}");
        let reply = asked(&server, "/mcp", &[(ASSERTION, &assertion)]).await;
        assert_eq!(reply.status, 200, "{claims}");
        let reply = asked(&server, "/files/x", &[(ASSERTION, &assertion)]).await;
        assert_eq!(reply.status, 404, "{claims}");
    }
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn a_forged_assertion_opens_nothing_and_costs_no_fetch() {
    let issuer = Issuer::of(&[Signer::today()]).await;
    let server = setup(&issuer).start().await;
    let right = Signer::today().token(&person());
    assert_eq!(
        asked(&server, "/who", &[(ASSERTION, &right)]).await.status,
        200
    );

    let mut all = forgeries::of(&person());
    let kinds = [
        json!({"type": null}),
        json!({"type": "org"}),
        json!({"type": "App"}),
        json!({"type": ["app"]}),
        json!({"iss": "https://other.cloudflareaccess.com"}),
        json!({"iss": "http://acme.cloudflareaccess.com"}),
        json!({"aud": TAG[1..]}),
        json!({"aud": [TAG.to_uppercase()]}),
        json!({"email": null, "sub": null}),
        json!({"email": "", "sub": ""}),
        json!({"email": " a", "sub": "\n"}),
        json!({"email": {"is": "ann@example.com"}}),
        json!({"common_name": ["x"]}),
    ];
    all.extend(kinds.map(|change| {
        let token = Signer::today().token(&with(&person(), change.clone()));
        (change.to_string(), token)
    }));
    assert!(all.len() >= 100, "{}", all.len());
    for (number, (what, forged)) in all.iter().enumerate() {
        let path = GATED[number % GATED.len()];
        let reply = asked(&server, path, &[(ASSERTION, forged)]).await;
        refused(&reply, what, "is not for this server");
        let challenge = reply.header("www-authenticate");
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    }
    assert_eq!(issuer.asked(), 1);
    assert_eq!(
        asked(&server, "/who", &[(ASSERTION, &right)]).await.status,
        200
    );
}

#[tokio::test]
async fn nothing_but_one_assertion_is_a_credential() {
    let issuer = Issuer::of(&[Signer::today()]).await;
    let server = setup(&issuer).start().await;
    let right = Signer::today().token(&person());
    let bearer = format!("Bearer {right}");
    let cookie = format!("CF_Authorization={right}");
    let nothing: [&[(&str, &str)]; 7] = [
        &[],
        &[("cookie", &cookie)],
        &[
            ("cf-access-client-id", "e3.access"),
            ("cf-access-client-secret", "y"),
        ],
        &[("cf-access-token", &right), ("cf_authorization", &right)],
        &[("authorization", &bearer)],
        &[("cf-access-authenticated-user-email", "ann@example.com")],
        &[("x-cf-access-jwt-assertion", &right)],
    ];
    for headers in nothing {
        for path in GATED {
            let reply = asked(&server, path, headers).await;
            refused(
                &reply,
                &format!("{headers:?}"),
                "did not come through Cloudflare Access",
            );
            // RFC 6750: no error code where no credentials were sent.
            assert!(!reply.header("www-authenticate").contains("error="));
        }
    }
    let (bearer, twice) = (bearer.as_str(), format!("{right}, {right}"));
    let wrong: [&[(&str, &str)]; 6] = [
        &[(ASSERTION, &right), (ASSERTION, &right)],
        &[(ASSERTION, &right), (ASSERTION, "")],
        &[(ASSERTION, "x"), ("Cf-Access-Jwt-Assertion", &right)],
        &[(ASSERTION, bearer)],
        &[(ASSERTION, &twice)],
        &[(ASSERTION, "")],
    ];
    for headers in wrong {
        let reply = asked(&server, "/who", headers).await;
        refused(&reply, &format!("{headers:?}"), "is not for this server");
    }
}

#[tokio::test]
async fn keys_are_rotated_without_a_refusal_and_hold_while_their_source_is_down() {
    let (today, tomorrow) = (Signer::today(), Signer::tomorrow());
    let issuer = Issuer::of(&[today, tomorrow]).await;
    let server = setup(&issuer).start().await;
    let opens = async |signer: &Signer| {
        let assertion = signer.token(&person());
        asked(&server, "/who", &[(ASSERTION, &assertion)])
            .await
            .status
            == 200
    };
    assert!(opens(today).await);
    issuer.go_down();
    // Published before it was used, as keys of Access are, so that nobody has to ask.
    assert!(opens(tomorrow).await && opens(today).await);
    assert!(!opens(Signer::stranger()).await);
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn where_no_keys_could_be_had_a_caller_is_told_to_come_again() {
    let issuer = Issuer::of(&[]).await;
    issuer.go_down();
    let server = setup(&issuer).start().await;
    let assertion = Signer::today().token(&person());
    for _ in 0..20 {
        let reply = asked(&server, "/mcp", &[(ASSERTION, &assertion)]).await;
        assert_eq!((reply.status, reply.header("retry-after")), (503, "5"));
        let (_, sentence) = reply.rpc_error();
        assert!(
            sentence.contains("cannot be verified at the moment"),
            "{sentence}"
        );
    }
    // What is no token is refused all the same, and nobody's health is in doubt.
    assert_eq!(
        asked(&server, "/mcp", &[(ASSERTION, "x")]).await.status,
        401
    );
    assert_eq!(asked(&server, "/mcp", &[]).await.status, 401);
    assert_eq!(asked(&server, "/healthz", &[]).await.status, 200);
}

#[tokio::test]
async fn beside_tokens_each_of_the_two_opens_by_itself_and_a_token_decides() {
    let issuer = Issuer::of(&[Signer::today()]).await;
    let app = tools_and_jobs()
        .route("/who", get(who))
        .token_verifier(Callers);
    let server = guarded(Setup::new(app), &issuer).start().await;
    let right = Signer::today().token(&person());
    let (good, bad) = ("Bearer alice-token", "Bearer eve-token");
    let came = async |headers: &[(&str, &str)]| {
        let reply = asked(&server, "/who", headers).await;
        (reply.status, reply.text())
    };
    let alice = (200, "alice".to_owned());
    let ann = (200, "access:person:ann@example.com".to_owned());
    assert_eq!(came(&[("authorization", good)]).await, alice);
    assert_eq!(came(&[(ASSERTION, &right)]).await, ann);
    assert_eq!(
        came(&[("authorization", good), (ASSERTION, &right)]).await,
        alice
    );
    assert_eq!(
        came(&[("authorization", good), (ASSERTION, "x")]).await,
        alice
    );
    // A token that was taken away does not become somebody else.
    assert_eq!(
        came(&[("authorization", bad), (ASSERTION, &right)]).await.0,
        401
    );
    assert_eq!(
        came(&[("authorization", "Basic x"), (ASSERTION, &right)])
            .await
            .0,
        401
    );
    assert_eq!(came(&[(ASSERTION, "x")]).await.0, 401);
    let reply = asked(&server, "/who", &[]).await;
    refused(
        &reply,
        "nothing",
        "or call its public URL through Cloudflare Access",
    );
}

//! Tokens that only their issuer can read (RFC 7662).

use farcall::json;
use tokio::task::JoinSet;

use super::{PUBLIC, asked, challenges, claims, setup};
use crate::harness::{Issuer, Setup, forgeries::with, pace, seconds, soon};

/// A server that asks its issuer about each token.
fn asking(issuer: &Issuer) -> Setup {
    setup(issuer)
        .with("FARCALL_OAUTH_INTROSPECTION_URL", &issuer.introspection())
        .with("FARCALL_OAUTH_CLIENT_ID", "farm")
        .with("FARCALL_OAUTH_CLIENT_SECRET", "a secret: with+signs%")
}

#[tokio::test]
async fn a_token_that_only_its_issuer_can_read_is_asked_about() {
    let issuer = Issuer::of(&[]).await;
    let server = asking(&issuer)
        .with("FARCALL_OAUTH_SCOPES", "add=math")
        .start()
        .await;
    let good = with(&claims(&issuer), json!({"active": true}));
    issuer.says("good", &good);
    for _ in 0..5 {
        let reply = asked(&server, "/who", Some("good")).await;
        assert_eq!(
            (reply.status, reply.text()),
            (200, format!("oauth:{}#ann", issuer.url))
        );
    }
    // What was said holds for a while.
    assert_eq!(issuer.asked(), 1);
    for challenge in challenges(&server, "add", "good").await {
        assert!(challenge.contains("insufficient_scope"), "{challenge}");
    }
    issuer.says("mathematician", &with(&good, json!({"scope": "mcp math"})));
    for challenge in challenges(&server, "add", "mathematician").await {
        assert_eq!(challenge, "");
    }
    for (number, change) in [
        json!({"active": false}),
        json!({"active": null}),
        json!({"active": "true"}),
        json!({"aud": null}),
        json!({"aud": "somebody-else"}),
        json!({"aud": [PUBLIC]}),
        json!({"iss": "https://evil.example.com"}),
        json!({"exp": seconds(-90)}),
        json!({"nbf": seconds(90)}),
        json!({"sub": null, "client_id": null}),
    ]
    .into_iter()
    .enumerate()
    {
        let token = format!("bad-{number}");
        issuer.says(&token, &with(&good, change.clone()));
        let reply = asked(&server, "/mcp", Some(&token)).await;
        // An answer that is none says nothing about the token.
        let expected = if number == 1 || number == 2 { 503 } else { 401 };
        assert_eq!(reply.status, expected, "{change}: {}", reply.text());
    }
    assert_eq!(
        asked(&server, "/mcp", Some("nobody-knows")).await.status,
        401
    );
    let before = issuer.asked();
    assert_eq!(
        asked(&server, "/mcp", Some(&"x".repeat(17_000)))
            .await
            .status,
        401
    );
    assert_eq!(issuer.asked(), before);
}

#[tokio::test]
async fn what_is_about_to_end_is_not_remembered() {
    let issuer = Issuer::of(&[]).await;
    let server = asking(&issuer).start().await;
    issuer.says(
        "brief",
        &with(
            &claims(&issuer),
            json!({"active": true, "exp": seconds(10)}),
        ),
    );
    for asked_before in 0..3 {
        assert_eq!(issuer.asked(), asked_before);
        assert_eq!(asked(&server, "/who", Some("brief")).await.status, 200);
    }
}

#[tokio::test]
async fn however_many_guess_whoever_was_let_in_before_is_asked_about_at_once() {
    const GUESSES: usize = 90;
    let issuer = Issuer::of(&[]).await;
    let server = asking(&issuer).start().await;
    let good = with(&claims(&issuer), json!({"active": true}));
    // It is asked about each time.
    issuer.says("brief", &with(&good, json!({"exp": seconds(10)})));
    assert_eq!(asked(&server, "/who", Some("brief")).await.status, 200);

    issuer.broods_over_others();
    let mut guessing = JoinSet::new();
    for guess in 0..GUESSES {
        let guess = server.with_token(&format!("guess-{guess}"));
        guessing.spawn(async move { guess.get("/who").await.status });
    }
    soon(async {
        while issuer.asked() < 20 {
            pace().await;
        }
    })
    .await;
    for _ in 0..10 {
        assert_eq!(asked(&server, "/who", Some("brief")).await.status, 200);
    }
    // It had not to wait until all of them were through.
    assert!(issuer.asked() < GUESSES, "{}", issuer.asked());
}

#[tokio::test]
async fn an_issuer_that_knows_us_not_is_told_apart_from_a_bad_token() {
    let issuer = Issuer::of(&[]).await;
    let server = asking(&issuer)
        .with("FARCALL_OAUTH_CLIENT_SECRET", "another")
        .start()
        .await;
    issuer.says("good", &with(&claims(&issuer), json!({"active": true})));
    assert_eq!(asked(&server, "/mcp", Some("good")).await.status, 503);
}

#[tokio::test]
async fn beside_a_shared_secret_the_secret_is_not_shown_to_the_issuer() {
    let issuer = Issuer::of(&[]).await;
    let server = asking(&issuer)
        .with("MCP_BEARER_TOKEN", "0123456789abcdef0123456789abcdef")
        .with("FARCALL_OAUTH_SCOPES", "*=mcp")
        .start()
        .await;
    let reply = asked(&server, "/who", Some("0123456789abcdef0123456789abcdef")).await;
    // Scopes are of tokens that have some.
    assert_eq!((reply.status, reply.text().as_str()), (200, "bearer"));
    assert_eq!(issuer.asked(), 0);
}

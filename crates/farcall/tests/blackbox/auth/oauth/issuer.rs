//! Issuers that are elsewhere, pretend to be another, or are down.

use farcall::json;

use super::{GATED, asked, claims, setup};
use crate::harness::{Issuer, Signer, forgeries::with};

#[tokio::test]
async fn an_issuer_may_know_this_server_by_another_name_and_keep_its_keys_elsewhere() {
    let (issuer, elsewhere) = (Issuer::of(&[]).await, Issuer::of(&[Signer::today()]).await);
    let server = setup(&issuer)
        .with("FARCALL_OAUTH_AUDIENCE", "api://farm")
        .with("FARCALL_OAUTH_JWKS_URL", &elsewhere.keys())
        .with("FARCALL_OAUTH_ALGORITHMS", "RS256")
        .start()
        .await;
    let claims = claims(&issuer);
    let token = Signer::today().token(&with(&claims, json!({"aud": "api://farm"})));
    assert_eq!(asked(&server, "/mcp", Some(&token)).await.status, 200);
    let token = Signer::today().token(&claims);
    assert_eq!(asked(&server, "/mcp", Some(&token)).await.status, 401);
    assert_eq!((issuer.asked(), elsewhere.asked()), (0, 1));
}

#[tokio::test]
async fn metadata_of_somebody_else_is_not_followed() {
    let issuer = Issuer::of(&[Signer::today()]).await;
    let other = issuer.url.replace("127.0.0.1", "localhost");
    let server = setup(&issuer)
        .with("FARCALL_OAUTH_ISSUER", &other)
        .start()
        .await;
    let token = Signer::today().token(&with(&claims(&issuer), json!({"iss": other})));
    let reply = asked(&server, "/mcp", Some(&token)).await;
    assert_eq!((reply.status, issuer.asked()), (503, 0));
}

#[tokio::test]
async fn while_the_issuer_is_down_nobody_is_called_a_stranger() {
    let issuer = Issuer::of(&[]).await;
    issuer.go_down();
    let server = setup(&issuer).start().await;
    let token = Signer::today().token(&claims(&issuer));
    for path in GATED {
        let reply = asked(&server, path, Some(&token)).await;
        assert_eq!(
            (reply.status, reply.header("retry-after")),
            (503, "5"),
            "{path}"
        );
    }
}

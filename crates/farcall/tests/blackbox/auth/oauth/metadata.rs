//! Where a client without a token reads how to get one (RFC 9728).

use farcall::json;

use super::{GATED, METADATA, RESOURCE, asked, setup};
use crate::{
    harness::{Issuer, Setup, Signer},
    offers::tools_and_jobs,
};

#[tokio::test]
async fn without_a_token_a_client_reads_where_to_get_one() {
    let issuer = Issuer::of(&[Signer::today()]).await;
    let server = setup(&issuer)
        .with("FARCALL_OAUTH_SCOPES", "*=mcp files")
        .start()
        .await;
    for path in GATED {
        let reply = asked(&server, path, None).await;
        let challenge = reply.header("www-authenticate");
        assert_eq!(reply.status, 401);
        assert!(
            challenge.contains(METADATA) && challenge.contains("scope=\"mcp files\""),
            "{challenge}"
        );
        // RFC 6750: no error code where no credentials were sent.
        assert!(!challenge.contains("error="), "{challenge}");
    }
    for path in [
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/mcp",
    ] {
        let reply = server.get(path).await;
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (200, "application/json")
        );
        let expected = json!({
            "resource": RESOURCE,
            "authorization_servers": [issuer.url],
            "bearer_methods_supported": ["header"],
            "resource_name": "blackbox",
            "scopes_supported": ["mcp", "files"],
        });
        assert_eq!(reply.json(), expected);
    }
    // Nobody asked the issuer for anything yet.
    assert_eq!(issuer.asked(), 0);
}

#[tokio::test]
async fn without_oauth_there_is_no_metadata() {
    let server = Setup::new(tools_and_jobs()).start().await;
    for path in [
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/mcp",
    ] {
        assert_eq!(server.get(path).await.status, 404);
    }
}

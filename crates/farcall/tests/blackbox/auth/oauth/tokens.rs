//! Which tokens open this server, and whom they name (RFC 9068).

use farcall::json;

use super::{GATED, METADATA, PUBLIC, RESOURCE, asked, claims, setup};
use crate::harness::{
    Issuer, Signer,
    forgeries::{self, with},
    seconds,
};

#[tokio::test]
async fn a_token_for_this_server_opens_it_and_names_its_owner() {
    let issuer = Issuer::of(&[Signer::today()]).await;
    let server = setup(&issuer).start().await;
    let (at, ann) = (&issuer.url, json!({}));
    for (change, owner) in [
        (ann, format!("oauth:{at}#ann")),
        (
            json!({"aud": ["other", RESOURCE]}),
            format!("oauth:{at}#ann"),
        ),
        (json!({"scope": null}), format!("oauth:{at}#ann")),
        (json!({"sub": null}), format!("oauth-client:{at}#agent")),
        (
            json!({"sub": null, "client_id": null, "azp": "web"}),
            format!("oauth-client:{at}#web"),
        ),
        (json!({"exp": seconds(-30)}), format!("oauth:{at}#ann")),
    ] {
        let token = Signer::today().token(&with(&claims(&issuer), change.clone()));
        let reply = asked(&server, "/who", Some(&token)).await;
        assert_eq!((reply.status, reply.text()), (200, owner), "{change}");
    }
    let types = ["at+jwt", "application/at+jwt", "AT+JWT"];
    for kind in types {
        let header = with(&Signer::today().header(), json!({"typ": kind}));
        let token = Signer::today().signed(&header.to_string(), &claims(&issuer).to_string());
        assert_eq!(
            asked(&server, "/mcp", Some(&token)).await.status,
            200,
            "{kind}"
        );
        assert_eq!(
            asked(&server, "/files/x", Some(&token)).await.status,
            404,
            "{kind}"
        );
    }
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn a_bad_token_opens_nothing_and_costs_no_fetch() {
    let issuer = Issuer::of(&[Signer::today()]).await;
    let server = setup(&issuer).start().await;
    let right = Signer::today().token(&claims(&issuer));
    assert_eq!(asked(&server, "/who", Some(&right)).await.status, 200);

    let mut all = forgeries::of(&claims(&issuer));
    // What no header can carry is refused before anybody looks at it.
    all.retain(|(_, token)| !token.contains(['\n', ' ']) && token.len() < 30_000);
    let claims = claims(&issuer);
    let more = [
        json!({"aud": PUBLIC}),
        json!({"aud": "https://farm.example.com/mcp/"}),
        json!({"aud": "http://farm.example.com/mcp"}),
        json!({"aud": "https://farm.example.com/MCP"}),
        json!({"aud": [issuer.url]}),
        json!({"sub": null, "client_id": null}),
        json!({"sub": "", "client_id": ""}),
        json!({"sub": "a\nb", "client_id": null}),
        json!({"sub": "x".repeat(400), "client_id": null}),
        json!({"sub": 7}),
        json!({"scope": 7}),
        json!({"scope": {"mcp": true}}),
    ];
    all.extend(more.map(|change| {
        let token = Signer::today().token(&with(&claims, change.clone()));
        (change.to_string(), token)
    }));
    assert!(all.len() >= 100, "{}", all.len());
    for (number, (what, token)) in all.iter().enumerate() {
        let reply = asked(&server, GATED[number % GATED.len()], Some(token)).await;
        assert_eq!(reply.status, 401, "{what}: {}", reply.text());
        let challenge = reply.header("www-authenticate");
        assert!(
            challenge.starts_with("Bearer error=\"invalid_token\""),
            "{what}: {challenge}"
        );
        assert!(challenge.contains(METADATA), "{what}: {challenge}");
    }
    assert_eq!(issuer.asked(), 1);
    assert_eq!(asked(&server, "/who", Some(&right)).await.status, 200);
}

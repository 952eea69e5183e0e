//! A credential is all of what was sent: what was right once opens the way for nothing else.

use farcall::{axum::routing::get, json};
use reqwest::Method;

use crate::{
    harness::{Issuer, Server, Setup, Signer, seconds},
    offers::{Callers, printed, result, tools_and_jobs},
};

const ADDRESS: &str = "203.0.113.7";
const ASSERTION: &str = "cf-access-jwt-assertion";

fn limited(setup: Setup) -> Setup {
    setup
        .with("FARCALL_FAILURE_RATE", "3/h")
        .with("FARCALL_TRUSTED_PROXIES", "127.0.0.1")
}

/// The status for whoever comes from one and the same address with these headers.
async fn asked(server: &Server, path: &str, headers: &[(&str, &str)]) -> u16 {
    let request = server.http(Method::GET, path);
    let request = request.header("x-forwarded-for", ADDRESS);
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(name, value)
    });
    request.send().await.status
}

/// Guesses until nothing from there is looked at any more.
async fn exhaust(server: &Server) {
    for guess in ["Bearer a", "Bearer b", "Bearer c"] {
        let guess = [("authorization", guess), (ASSERTION, guess)];
        assert_eq!(asked(server, "/files/x", &guess).await, 401);
    }
    let guess = [("authorization", "Bearer d")];
    assert_eq!(asked(server, "/files/x", &guess).await, 429);
}

#[tokio::test]
async fn a_header_that_counts_for_nothing_does_not_stand_for_what_came_with_it() {
    let issuer = Issuer::of(&[Signer::today()]).await;
    // Nobody here knows tokens, and programs send all sorts of them.
    let setup = Setup::new(tools_and_jobs())
        .with("FARCALL_ACCESS_TEAM", "acme")
        .with("FARCALL_ACCESS_AUD", "tag")
        .with("FARCALL_TEST_ACCESS_KEYS", &issuer.keys());
    let server = limited(setup).start().await;
    let right = Signer::today().token(&json!({
        "aud": ["tag"], "email": "ann@example.com", "exp": seconds(600), "type": "app",
        "iss": "https://acme.cloudflareaccess.com", "sub": "1",
    }));
    let stray = ("authorization", "Bearer stray");
    let let_in = [stray, (ASSERTION, &right)];
    assert_eq!(asked(&server, "/files/x", &let_in).await, 404);
    exhaust(&server).await;
    assert_eq!(asked(&server, "/files/x", &let_in).await, 404);
    for other in [
        &[stray, (ASSERTION, "guess")][..],
        &[stray],
        &[(ASSERTION, &right)],
        &[("authorization", "Bearer other"), (ASSERTION, &right)],
    ] {
        assert_eq!(asked(&server, "/files/x", other).await, 429, "{other:?}");
    }
}

#[tokio::test]
async fn a_link_that_opens_its_file_makes_no_token_right() {
    let app = tools_and_jobs().token_verifier(Callers);
    let server = limited(Setup::new(app)).start().await;
    let alice = server.with_token("alice-token");
    let id = printed(&alice, "page").await;
    let told = result(&alice, "print", &id).await.structured();
    let url = told["artifacts"][1]["url"].as_str().unwrap();
    let page = &url[url.find("/files/").unwrap()..];
    let alice = [("authorization", "Bearer alice-token")];
    assert_eq!(asked(&server, "/files/x", &alice).await, 404);
    assert_eq!(asked(&server, page, &[]).await, 200);

    let guesses = ["0", "1", "2", "3", "4"].map(|guess| format!("Bearer {guess}"));
    for guess in &guesses {
        let guess = [("authorization", guess.as_str())];
        assert_eq!(asked(&server, page, &guess).await, 200, "{guess:?}");
    }
    let mut statuses = Vec::new();
    for guess in &guesses {
        let guess = [("authorization", guess.as_str())];
        statuses.push(asked(&server, "/files/x", &guess).await);
    }
    assert_eq!(statuses, [401, 401, 401, 429, 429]);

    // Who was let in goes on: by the link, however it is written, and by the token, with any link.
    assert_eq!(asked(&server, page, &[]).await, 200);
    assert_eq!(asked(&server, &format!("{page}&x=1"), &[]).await, 200);
    assert_eq!(asked(&server, page, &alice).await, 200);
}

#[tokio::test]
async fn what_everybody_is_told_says_nothing_about_a_credential() {
    let app = tools_and_jobs()
        .token_verifier(Callers)
        .public_route("/about", get(async || "about"));
    let server = limited(Setup::new(app)).start().await;
    let (guess, alice) = (
        [("authorization", "Bearer guess")],
        [("authorization", "Bearer alice-token")],
    );
    for path in ["/about", "/readyz"] {
        assert_eq!(asked(&server, path, &guess).await, 200, "{path}");
        assert_eq!(asked(&server, path, &alice).await, 200, "{path}");
    }
    exhaust(&server).await;
    for path in ["/files/x", "/about", "/readyz"] {
        assert_eq!(asked(&server, path, &guess).await, 429, "{path}");
        assert_eq!(asked(&server, path, &alice).await, 429, "{path}");
    }
}

#[tokio::test]
async fn whoever_was_let_in_is_known_whatever_the_answer_was() {
    let app = tools_and_jobs().token_verifier(Callers);
    let server = limited(Setup::new(app)).start().await;
    let (alice, bob) = (
        [("authorization", "Bearer alice-token")],
        [("authorization", "Bearer bob-token")],
    );
    // Not found, and not allowed.
    assert_eq!(asked(&server, "/files/x", &alice).await, 404);
    assert_eq!(asked(&server, "/admin/jobs", &bob).await, 403);
    exhaust(&server).await;
    assert_eq!(asked(&server, "/files/x", &alice).await, 404);
    assert_eq!(asked(&server, "/admin/jobs", &bob).await, 403);
}

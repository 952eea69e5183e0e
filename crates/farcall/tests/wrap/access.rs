//! The binary behind Cloudflare Access.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use self::{
    issuer::Issuer,
    signer::{Signer, seconds},
};
use crate::harness::{Project, Server};

#[path = "../blackbox/harness/issuer.rs"]
#[expect(dead_code, reason = "the tests of single answers do more with it")]
mod issuer;
#[path = "../blackbox/harness/signer.rs"]
#[expect(dead_code, reason = "the tests of single answers do more with it")]
mod signer;

const FILE: &str = r#"
[server]
access_team = "acme"
access_aud = ["a-tag", "another-tag"]

[tool.hello]
description = "Greet."
command = ["echo", "hello"]
"#;

/// The status of a call, with these headers beside its own.
async fn status(server: &Server, headers: &[(&'static str, &str)]) -> u16 {
    let more = headers.iter().map(|(name, value)| {
        let value = HeaderValue::from_str(value).unwrap();
        (HeaderName::from_static(name), value)
    });
    let call = server.request(
        "tools/call",
        "hello",
        json!({"name": "hello", "arguments": {}}),
    );
    let call = call.headers(more.collect::<HeaderMap>());
    call.send().await.unwrap().status().as_u16()
}

fn claims() -> Value {
    json!({
        "iss": "https://acme.cloudflareaccess.com", "aud": ["another-tag"], "type": "app",
        "email": "ann@example.com", "sub": "7335d417", "exp": seconds(600), "nbf": seconds(-5),
    })
}

#[tokio::test]
async fn who_came_through_access_may_call_and_nobody_writes_the_assertion_down() {
    let issuer = Issuer::of(&[Signer::today()]).await;
    let project = Project::new(FILE)
        .with("FARCALL_TEST_ACCESS_KEYS", &issuer.keys())
        .with("FARCALL_LOG", "debug");
    let server = project.serve().await;
    let assertion = Signer::today().token(&claims());
    let forged = Signer::stranger().token(&claims());
    let header = "cf-access-jwt-assertion";
    assert_eq!(status(&server, &[]).await, 401);
    assert_eq!(status(&server, &[(header, &forged)]).await, 401);
    assert_eq!(
        status(
            &server,
            &[("cookie", &format!("CF_Authorization={assertion}"))]
        )
        .await,
        401
    );
    assert_eq!(status(&server, &[(header, &assertion)]).await, 200);
    assert_eq!(issuer.asked(), 1);

    let talk = server.talk();
    assert!(
        talk.contains("Cloudflare Access, team https://acme.cloudflareaccess.com"),
        "{talk}"
    );
    assert!(
        talk.contains("an assertion of Cloudflare Access is refused"),
        "{talk}"
    );
    for part in assertion.split('.').chain(forged.split('.')) {
        assert!(!talk.contains(part), "the log has {part}");
    }
}

#[tokio::test]
async fn half_of_it_is_refused_at_start() {
    for (half, missing) in [
        ("access_team = \"acme\"", "FARCALL_ACCESS_AUD"),
        ("access_aud = [\"a-tag\"]", "FARCALL_ACCESS_TEAM"),
    ] {
        let tool = "[tool.hello]\ndescription = \"Greet.\"\ncommand = [\"echo\", \"hello\"]\n";
        let project = Project::new(&format!("[server]\n{half}\n{tool}"));
        let (status, said) = project.refused().await;
        assert_eq!(status, 2, "{said}");
        assert!(said.contains(&format!("`{missing}` is not")), "{said}");
    }
}

#[tokio::test]
async fn who_somebody_is_stands_in_the_file() {
    let issuer = Issuer::of(&[Signer::today()]).await;
    let project = |callers: &str| {
        let callers = format!("access_callers = {{ {callers} }}\n\n[tool.hello]");
        let file = FILE.replace("[tool.hello]", &callers);
        Project::new(&file).with("FARCALL_TEST_ACCESS_KEYS", &issuer.keys())
    };
    let known = project("\"Ann@example.com\" = \"ann\"");
    let assertion = Signer::today().token(&claims());
    let headers = [("cf-access-jwt-assertion", assertion.as_str())];
    let server = known.serve().await;
    assert!(
        server
            .talk()
            .contains("names `ann`, and no such caller is let in"),
        "{}",
        server.talk()
    );
    assert_eq!(status(&server, &headers).await, 401);
    known.token(&["create", "ann", "--scopes", "admin"]);
    // It is known at once, and may not call.
    assert_eq!(status(&server, &headers).await, 403);
    server.stop().await;
    let server = known.serve().await;
    assert!(
        !server.talk().contains("no such caller"),
        "{}",
        server.talk()
    );
    server.stop().await;
    for (callers, sentence) in [
        (
            "\"ann@example.com\" = \"Ann\"",
            "names `Ann`: a caller is named by",
        ),
        ("\"ann@example.com\" = \"bearer\"", "names `bearer`: "),
        ("\"ann@example.com\" = \"\"", "says of nobody who it is"),
    ] {
        let (status, said) = project(callers).refused().await;
        assert_eq!(status, 2, "{said}");
        assert!(said.contains(sentence), "{said}");
    }
}

//! What a token suffices for, and the challenge of what it does not (RFC 6750).

use farcall::json;
use reqwest::Method;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{GATED, METADATA, PUBLIC, asked, challenges, claims, setup};
use crate::{
    harness::{Issuer, Setup, Signer, forgeries::with},
    offers::{print, tools, tools_and_jobs},
    tasks,
};

#[tokio::test]
async fn a_browser_with_a_token_that_suffices_for_no_call_reads_no_tool() {
    let issuer = Issuer::of(&[Signer::today()]).await;
    let server = setup(&issuer)
        .with("FARCALL_OAUTH_SCOPES", "*=mcp")
        .start()
        .await;
    for (scope, reads) in [("mcp", true), ("else", false)] {
        let claims = with(&claims(&issuer), json!({"scope": scope}));
        let bearer = format!("Bearer {}", Signer::today().token(&claims));
        let page = server.http(Method::GET, "/mcp");
        let page = page
            .header("accept", "text/html")
            .header("authorization", &bearer);
        let page = page.send().await;
        assert_eq!(page.status, 200);
        assert_eq!(page.text().contains("Add two numbers"), reads, "{scope}");
    }
}

#[tokio::test]
async fn a_call_beyond_what_was_granted_names_all_scopes_that_it_needs() {
    let issuer = Issuer::of(&[Signer::today()]).await;
    for plain in ["1", "0"] {
        let server = setup(&issuer)
            .with("FARCALL_PLAIN_CALLS", plain)
            .with("FARCALL_OAUTH_SCOPES", "*=mcp,add=math:read math:write")
            .with("FARCALL_METRICS", "127.0.0.1:0")
            .start()
            .await;
        let token = |scope: Value| Signer::today().token(&with(&claims(&issuer), scope));
        for scope in [
            json!({"scope": ""}),
            json!({"scope": null}),
            json!({"scope": "mcp"}),
            json!({"scope": "mcp math:read"}),
            json!({"scope": "math:read math:write"}),
            json!({"scope": "MCP math:read math:write"}),
            json!({"scope": "mcp,math:read,math:write"}),
            json!({"scope": "mcp math:*"}),
            json!({"scope": ["mcp math:read math:write"]}),
        ] {
            for challenge in challenges(&server, "add", &token(scope.clone())).await {
                assert!(
                    challenge.starts_with(
                        "Bearer error=\"insufficient_scope\", scope=\"mcp math:read math:write\""
                    ),
                    "{scope}: {challenge}"
                );
                assert!(challenge.contains(METADATA), "{challenge}");
            }
        }
        for scope in [
            json!({"scope": "math:write mcp math:read other"}),
            json!({"scope": ["mcp", "math:read", "math:write"]}),
            json!({"scope": "mcp", "scp": ["math:read", "math:write"]}),
            json!({"scope": null, "scp": "mcp math:read math:write"}),
        ] {
            for challenge in challenges(&server, "add", &token(scope.clone())).await {
                assert_eq!(challenge, "", "{scope}");
            }
        }
        // None of nine scopes let one of three calls begin.
        let told = server.at_its_metrics().get("/metrics").await.text();
        let refused = r#"farcall_tool_calls_total{tool="add",outcome="refused"} "#;
        let refused = told.lines().find_map(|line| line.strip_prefix(refused));
        assert_eq!(refused, Some("27"), "{told}");
        // A tool without scopes of its own needs those of every call.
        let mcp = token(json!({"scope": "mcp"}));
        let echoed = server
            .with_token(&mcp)
            .call("echo", json!({"text": "hi"}))
            .await;
        assert_eq!(echoed.structured(), json!({"text": "hi"}));
        let listed = asked(&server, "/mcp", Some(&mcp)).await;
        assert!(
            listed.text().contains("\"add\""),
            "what needs more is still offered"
        );
        let nothing = token(json!({"scope": "math:read math:write"}));
        for path in GATED {
            let reply = asked(&server, path, Some(&nothing)).await;
            let challenge = reply.header("www-authenticate");
            assert_eq!(reply.status, 403, "{path}");
            assert!(
                challenge.contains("insufficient_scope\", scope=\"mcp\""),
                "{path}: {challenge}"
            );
        }
    }
}

#[tokio::test]
async fn a_tool_does_not_lose_its_scopes_by_another_name() {
    let issuer = Issuer::of(&[Signer::today()]).await;
    let server = setup(&issuer)
        .with("FARCALL_OAUTH_SCOPES", "start_print=print")
        .start()
        .await;
    let refused = server.exchange(&tools()).unwrap_err();
    assert_eq!(
        refused.message,
        "`FARCALL_OAUTH_SCOPES` names `start_print`, and there is no such tool"
    );
    server.exchange(&tools_and_jobs()).unwrap();
    let token = Signer::today().token(&claims(&issuer));
    for challenge in challenges(&server, "start_print", &token).await {
        assert!(challenge.contains("scope=\"print\""), "{challenge}");
    }
}

#[tokio::test]
async fn what_a_token_may_not_do_by_a_tool_it_may_not_do_by_a_task() {
    let issuer = Issuer::of(&[Signer::today()]).await;
    let job = print(&CancellationToken::new());
    let server = Setup::new(tools().add_job(tasks::exposed(job)))
        .with("PUBLIC_BASE_URL", PUBLIC)
        .with("FARCALL_OAUTH_ISSUER", &issuer.url)
        .with(
            "FARCALL_OAUTH_SCOPES",
            "start_print=begin,get_print_result=read,cancel_print=end",
        )
        .start()
        .await;
    let with_scope = |scope: &str| {
        let claims = with(&claims(&issuer), json!({"scope": scope}));
        server.with_token(&Signer::today().token(&claims))
    };
    let text = json!({"text": "x"});
    let refused = tasks::call(&with_scope("read end"), "print", text.clone()).await;
    assert_eq!(refused.status, 403);
    let challenge = refused.header("www-authenticate");
    assert!(challenge.contains("scope=\"begin\""), "{challenge}");

    let id = tasks::id_of(&with_scope("begin"), "print", text).await;
    for (method, needed) in [
        ("tasks/get", "begin read"),
        ("tasks/cancel", "begin end"),
        ("tasks/update", "begin"),
    ] {
        for scope in [
            "mcp",
            "begin",
            "read",
            "end",
            "begin read",
            "begin end",
            needed,
        ] {
            let mut request = tasks::about(&with_scope(scope), method, &id);
            if method == "tasks/update" {
                request = request.param("inputResponses", json!({}));
            }
            let reply = request.send().await.json();
            let is_enough = needed.split(' ').all(|word| scope.contains(word));
            assert_eq!(
                reply.get("error").is_none(),
                is_enough,
                "{method} {scope}: {reply}"
            );
        }
    }
}

#[tokio::test]
async fn a_body_that_is_read_in_two_ways_does_not_pass_the_scopes() {
    let issuer = Issuer::of(&[Signer::today()]).await;
    let server = setup(&issuer)
        .with("FARCALL_OAUTH_SCOPES", "add=math")
        .start()
        .await;
    let token = Signer::today().token(&claims(&issuer));
    let arguments = r#""arguments":{"a":1,"b":2}"#;
    for body in [
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"add",{arguments}}}}}"#
        ),
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools\/call","params":{{"name":"\u0061dd",{arguments}}}}}"#
        ),
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"echo","name":"add",{arguments}}}}}"#
        ),
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"Name":"echo","name":"add",{arguments}}}}}"#
        ),
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{{"name":"add",{arguments}}}}}"#
        ),
        format!(
            r#"[{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"add",{arguments}}}}}]"#
        ),
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":" add",{arguments}}}}}"#
        ),
        // Fields by their position, which some parsers take.
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":["add",{"a":1,"b":2}]}"#
            .to_owned(),
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[null,"add",{"a":1,"b":2}]}"#
            .to_owned(),
        r#"["2.0",1,"tools/call",{"name":"add","arguments":{"a":1,"b":2}}]"#.to_owned(),
    ] {
        let request = server
            .with_token(&token)
            .http(Method::POST, "/mcp")
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .body(body.clone());
        let reply = request.send().await;
        assert!(
            !reply.text().contains("\"sum\""),
            "{body}: {}",
            reply.text()
        );
        assert!(
            reply.status >= 400 || reply.text().contains("\"error\""),
            "{body}: {}",
            reply.text()
        );
    }
}

//! An OAuth resource server.

use farcall::{
    Principal,
    axum::{Extension, routing::get},
    json,
};
use reqwest::Method;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    harness::{
        Issuer, Reply, Server, Setup, Signer,
        forgeries::{self, with},
        seconds,
    },
    offers::{print, tools, tools_and_jobs},
    tasks,
};

const PUBLIC: &str = "https://farm.example.com";
const RESOURCE: &str = "https://farm.example.com/mcp";
const METADATA: &str =
    "resource_metadata=\"https://farm.example.com/.well-known/oauth-protected-resource/mcp\"";
const GATED: [&str; 3] = ["/mcp", "/files/x", "/who"];

async fn who(Extension(caller): Extension<Principal>) -> String {
    caller.id().to_owned()
}

fn setup(issuer: &Issuer) -> Setup {
    Setup::new(tools_and_jobs().route("/who", get(who)))
        .with("PUBLIC_BASE_URL", PUBLIC)
        .with("FARCALL_OAUTH_ISSUER", &issuer.url)
}

/// What a token says that opens.
fn claims(issuer: &Issuer) -> Value {
    json!({
        "iss": issuer.url, "aud": RESOURCE, "sub": "ann", "client_id": "agent", "scope": "mcp",
        "iat": seconds(0), "exp": seconds(600), "jti": "1",
    })
}

/// A request to `path` with a token, or without one.
async fn asked(server: &Server, path: &str, token: Option<&str>) -> Reply {
    let is_mcp = path == "/mcp";
    let method = if is_mcp { Method::POST } else { Method::GET };
    let mut request = server.http(method, path);
    if let Some(token) = token {
        request = request.header("authorization", &format!("Bearer {token}"));
    }
    if is_mcp {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}});
        request = request
            .header("content-type", "application/json")
            .body(body.to_string());
    }
    request.send().await
}

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

/// The challenge of a call of `tool` by both ways through the server, and with all forms of clients.
async fn challenges(server: &Server, tool: &str, token: &str) -> Vec<String> {
    let client = server.with_token(token);
    let params = json!({"name": tool, "arguments": {"a": 1, "b": 2}});
    let asking = json!({"elicitation": {}});
    let calls = [
        client.tool(tool, json!({"a": 1, "b": 2})),
        client.legacy("tools/call", params.clone()),
        // Whom anything can be asked is not answered by the shorter way.
        client
            .tool(tool, json!({"a": 1, "b": 2}))
            .capabilities(asking),
    ];
    let mut said = Vec::new();
    for call in calls {
        let reply = call.send().await;
        if reply.status == 403 {
            let (code, _) = reply.rpc_error();
            assert_eq!(code, -32_000);
        } else {
            assert_eq!(reply.status, 200, "{}", reply.text());
        }
        said.push(reply.header("www-authenticate").to_owned());
    }
    said
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

//! Everything that is refused at the edge, in floods, and an honest client beside each of them.

use std::{sync::Arc, time::Instant};

use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::json;

use self::{
    foreign::{HOSTS, ORIGINS},
    issuer::Issuer,
    signer::{Signer, encoded, seconds},
};
use crate::{
    edge::address,
    flood::{Attack, Flood},
    harness::{Project, Server, until},
    honest::{TIMES, WINDOWS, Waits, is_hardly_slower},
};

#[path = "../blackbox/edge/foreign.rs"]
mod foreign;
#[path = "../blackbox/harness/forgeries.rs"]
mod forgeries;
#[path = "../blackbox/harness/issuer.rs"]
#[expect(dead_code, reason = "the tests of single answers do more with it")]
mod issuer;
#[path = "../blackbox/harness/signer.rs"]
#[expect(dead_code, reason = "the tests of single answers do more with it")]
mod signer;

const TOML: &str = "[tool.hello]\ndescription = \"Say hello.\"\ncommand = [\"echo\", \"hello\"]\n";
const PUBLIC: &str = "https://farm.example.com";
const TAG: &str = "a-tag";

/// How many requests of an attack are refused at least.
const REFUSED: usize = 1_000;

/// Where everybody comes from, where a proxy says so.
const ADDRESS: &str = "203.0.113.7";

/// Every kind of caller is known there, so that every credential is looked at by whoever could know it.
fn project(issuer: &Issuer) -> Project {
    Project::new(TOML)
        .with("PUBLIC_BASE_URL", PUBLIC)
        .with("MCP_BEARER_TOKEN", "a-token-that-no-attacker-has")
        .with("FARCALL_ACCESS_TEAM", "acme")
        .with("FARCALL_ACCESS_AUD", TAG)
        .with("FARCALL_TEST_ACCESS_KEYS", &issuer.keys())
        .with("FARCALL_OAUTH_ISSUER", &issuer.url)
        .with("FARCALL_LOG", "error")
}

/// The headers of whoever has `token`.
fn holder(token: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let value = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
    headers.insert("authorization", value);
    headers.insert("x-forwarded-for", HeaderValue::from_static(ADDRESS));
    headers
}

/// A request with these headers behind `Host`, or instead of it where there is one among them.
fn request(line: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut head = format!("{line} HTTP/1.1\r\nx-forwarded-for: {ADDRESS}\r\n");
    if headers.iter().all(|(name, _)| *name != "host") {
        head.push_str("host: localhost\r\n");
    }
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    let length = body.len();
    let body = format!(
        "content-type: application/json\r\naccept: application/json, text/event-stream\r\n\
         content-length: {length}\r\n\r\n{body}"
    );
    (head + &body).into_bytes()
}

fn list(headers: &[(&str, &str)]) -> Vec<u8> {
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}"#;
    request("POST /mcp", headers, body)
}

fn bad_tokens(issuer: &Issuer, right: &str) -> Attack {
    let claims = json!({
        "iss": issuer.url, "aud": format!("{PUBLIC}/mcp"), "sub": "ann", "client_id": "agent",
        "iat": seconds(0), "exp": seconds(3_600), "scope": "mcp",
    });
    let forged = forgeries::of(&claims).into_iter().map(|(_, token)| token);
    // What no header can carry is refused before anybody looks at it.
    let mut tokens: Vec<_> = forged
        .filter(|token| !token.contains(['\n', ' ']) && token.len() < 30_000)
        .collect();
    let secret = &right[16..];
    tokens.extend([
        format!("{}{}", &right[..16], "x".repeat(secret.len())),
        format!("fc_zzzzzzzzzzzz_{secret}"),
        right[..58].to_owned(),
        right.to_uppercase(),
        "a-token-that-no-attacker-hat".to_owned(),
        "x".repeat(8_000),
    ]);
    assert!(tokens.len() > 100, "{}", tokens.len());
    let with = |token: &String| list(&[("authorization", &format!("Bearer {token}"))]);
    Attack {
        name: "bad tokens",
        requests: tokens.iter().map(with).collect(),
        refusals: &[401],
    }
}

fn foreign_names(right: &str) -> Attack {
    let credential = format!("Bearer {right}");
    let of = |name: &'static str| {
        let credential = credential.clone();
        move |value: &&str| list(&[(name, value), ("authorization", &credential)])
    };
    let hosts = HOSTS.iter().map(of("host"));
    let requests: Vec<_> = hosts.chain(ORIGINS.iter().map(of("origin"))).collect();
    assert!(requests.len() > 60, "{}", requests.len());
    Attack {
        name: "foreign hosts and origins",
        requests,
        refusals: &[403],
    }
}

fn forged_assertions() -> Attack {
    let claims = json!({
        "iss": "https://acme.cloudflareaccess.com", "aud": [TAG], "type": "app",
        "email": "ann@example.com", "sub": "7335d417", "exp": seconds(3_600), "nbf": seconds(-60),
    });
    let forged = forgeries::of(&claims).into_iter();
    let forged = forged.filter(|(_, token)| !token.contains('\n') && token.len() < 30_000);
    Attack {
        name: "forged assertions",
        requests: forged
            .map(|(_, token)| list(&[("cf-access-jwt-assertion", &token)]))
            .collect(),
        refusals: &[401],
    }
}

/// Of somebody who may call, because others are refused before their body is read.
fn ambiguous_bodies(right: &str) -> Attack {
    let call = |params: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#)
    };
    let bodies = [
        call(r#"{"name":"hello","name":"other","arguments":{}}"#),
        call(r#"{"name":"hello","Name":"other","arguments":{}}"#),
        call(r#"{"Name":"hello","arguments":{}}"#),
        call(r#"{"name":"hello","Arguments":{"a":1}}"#),
        call(r#"{"name":"hello","arguments":{},"_META":{}}"#),
        call(r#"{"name":"hello","\u006eame":"other","arguments":{}}"#),
        call(r#"{"name":"hello","arguments":{},"ARGUMENTS":{"a":1}}"#),
        call(r#"{"name":"hello","arguments":{},"arguments":{"a":1}}"#),
        call(r#"{"name":"hello","arguments":{"a":1,"a":2}}"#),
        call(r#"{"name":"hello","arguments":{"a":[{"b":1,"\u0062":2}]}}"#),
        call(r#"{"name":"hello","param\u017f":{},"arguments":{}}"#),
        call(r#"{"name":"hello","arguments":{},"_meta":{},"_META":{}}"#),
        call(&format!(
            r#"{{"name":"hello","arguments":{{"a":{}1{}}}}}"#,
            "[".repeat(10_000),
            "]".repeat(10_000)
        )),
        r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","METHOD":"tools/call"}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{},"Params":{}}"#.to_owned(),
        r#"{"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"method":"ping"}"#.to_owned(),
        format!("[{}]", call(r#"{"name":"hello","arguments":{}}"#)),
        r#"{"jsonrpc":"2.0","id":1"#.to_owned(),
    ];
    let credential = format!("Bearer {right}");
    let with = |body: &String| request("POST /mcp", &[("authorization", &credential)], body);
    Attack {
        name: "bodies that can be read in two ways",
        requests: bodies.iter().map(with).collect(),
        refusals: &[400],
    }
}

fn headers_beside_the_body(right: &str) -> Attack {
    let version = "2026-07-28";
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientInfo": {"name": "storm", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params = json!({"name": "hello", "arguments": {}, "_meta": meta});
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    let (body, credential) = (body.to_string(), format!("Bearer {right}"));
    let of = |changed: &'static str, value: &'static str| {
        let headers = [
            ("mcp-protocol-version", version),
            ("mcp-method", "tools/call"),
            ("mcp-name", "hello"),
        ];
        let mut headers = headers.map(|(name, right)| {
            let value = if name == changed { value } else { right };
            (name, value)
        });
        headers.sort_unstable();
        let all = [&headers[..], &[("authorization", &credential)]].concat();
        request("POST /mcp", &all, &body)
    };
    let changes = [
        ("mcp-name", "other"),
        ("mcp-name", "Hello"),
        ("mcp-name", "hello,other"),
        ("mcp-name", "hello%20"),
        ("mcp-name", ""),
        ("mcp-method", "tools/list"),
        ("mcp-method", "TOOLS/CALL"),
        ("mcp-method", ""),
        ("mcp-protocol-version", "2025-11-25"),
    ];
    Attack {
        name: "headers that say something else than the body",
        requests: changes.map(|(name, value)| of(name, value)).into(),
        refusals: &[400],
    }
}

fn wrong_links() -> Attack {
    let requests = (0..100_u8).map(|number| {
        let link =
            format!("GET /files/{number:032x}?exp=9999999999&kid=00000000&sig={number:064x}");
        request(&link, &[], "")
    });
    Attack {
        name: "links that nobody signed",
        requests: requests.collect(),
        refusals: &[404],
    }
}

/// Floods a server while somebody lists its tools, and lets it be while somebody does, in turns; how often each
/// refusal came.
#[expect(clippy::print_stdout, reason = "what was measured")]
async fn withstood(server: &Server, attack: Attack, headers: &HeaderMap) -> Vec<usize> {
    let attack = Arc::new(attack);
    for _ in 0..TIMES {
        let (mut before, mut during) = (Waits::default(), Waits::default());
        let mut refused = vec![0; attack.refusals.len()];
        while during.len() < WINDOWS || refused.iter().sum::<usize>() < REFUSED {
            before.add(server, headers).await;
            let flood = Flood::of(&attack, address(server));
            until("the attack", async || (flood.refused() > 50).then_some(())).await;
            during.add(server, headers).await;
            for (all, more) in refused.iter_mut().zip(flood.end().await) {
                *all += more;
            }
        }
        let Attack { name, refusals, .. } = &*attack;
        println!("{name}: refused with {refusals:?}: {refused:?}");
        if is_hardly_slower(name, &before, &during) {
            return refused;
        }
    }
    panic!("{}: an honest client waits too long", attack.name)
}

/// With nothing that limits them: whatever a refusal costs is paid each time.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_refused_keeps_no_honest_client_waiting() {
    let issuer = Issuer::of(&[Signer::today()]).await;
    let mut project = project(&issuer);
    for rate in ["CALL", "TOOL", "POLL", "FAILURE"] {
        project = project.with(&format!("FARCALL_{rate}_RATE"), "off");
    }
    let (ann, bob) = (
        project.token(&["create", "ann"]),
        project.token(&["create", "bob"]),
    );
    let begun = Instant::now();
    let server = project.serve().await;
    for attack in [
        bad_tokens(&issuer, &bob),
        foreign_names(&bob),
        forged_assertions(),
        ambiguous_bodies(&bob),
        headers_beside_the_body(&bob),
        wrong_links(),
    ] {
        withstood(&server, attack, &holder(&ann)).await;
    }
    // Two of them have keys, and each looks for unknown ones once a minute.
    let minutes = usize::try_from(begun.elapsed().as_secs() / 60).unwrap();
    let asked = issuer.asked();
    assert!(asked <= 2 * (1 + minutes), "{asked} in {minutes} minutes");
    server.stop().await;
}

/// With the limits as they are: past the first of them nothing from that address is looked at, but whoever was
/// let in before goes on from there. A newcomer has to wait until it is over; an attacker who shares an
/// address with others can do that to them, and no more.
#[tokio::test(flavor = "multi_thread")]
async fn who_was_let_in_is_not_kept_out_by_wrong_credentials_from_the_same_address() {
    let issuer = Issuer::of(&[Signer::today()]).await;
    let project = project(&issuer)
        .with("FARCALL_TRUSTED_PROXIES", "127.0.0.1")
        // Whoever measures calls more often than the limit allows to anybody.
        .with("FARCALL_CALL_RATE", "off");
    let (ann, bob) = (
        project.token(&["create", "ann"]),
        project.token(&["create", "bob"]),
    );
    let server = project.serve().await;
    let mut attack = bad_tokens(&issuer, &bob);
    attack.refusals = &[401, 429];
    let refused = withstood(&server, attack, &holder(&ann)).await;
    let [looked_at, kept_out] = refused[..] else {
        panic!("{refused:?}")
    };
    // 30 a minute, and those that were under way when there was no more room.
    assert!(10 * looked_at < kept_out, "{refused:?}");
    let come = async |token: &str| {
        let request = server.request("tools/list", "", json!({}));
        let answer = request.headers(holder(token)).send().await.unwrap();
        let retry = answer.headers().get("retry-after").cloned();
        (answer.status().as_u16(), retry.is_some())
    };
    assert_eq!(come(&ann).await, (200, false));
    assert_eq!(come(&bob).await, (429, true));
    server.stop().await;
}

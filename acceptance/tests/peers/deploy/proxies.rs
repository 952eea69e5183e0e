//! Caddy and nginx of Debian in front of the example server, with TLS and a bearer token.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::front::{Front, Kind, TOKEN};
use crate::peer::{PYTHONS, Peer};

/// How long the first event of a stream may take. What holds it back does so until the stream ends, minutes later.
const AT_ONCE: Duration = Duration::from_secs(3);

#[tokio::test]
async fn clients_pass_through_caddy() {
    clients_pass(Kind::Caddy).await;
}

#[tokio::test]
async fn clients_pass_through_nginx() {
    clients_pass(Kind::Nginx).await;
}

async fn clients_pass(kind: Kind) {
    let front = Front::start(kind).await;
    let authority = front.authority();
    let said = Peer::own("farcall")
        .arguments(&["smoke", &front.url()])
        .environment(&[("FARCALL_TOKEN", TOKEN), ("SSL_CERT_FILE", &authority)])
        .content(&format!("{kind:?}"))
        .await;
    assert!(said.ends_with("OK ✅\n"), "{said}");
    assert!(
        said.contains(&format!("\"url\":\"{}/files/", front.origin)),
        "{said}"
    );
    for python in &PYTHONS {
        let seen = Peer::python(python, "acceptance/clients/guide_client.py")
            .argument(front.url())
            .environment(&[("EXAMPLE_MCP_TOKEN", TOKEN), ("SSL_CERT_FILE", &authority)])
            .json(&format!("{kind:?}, {}", python.name))
            .await;
        assert_eq!(seen["protocol_version"], python.speaks, "{seen}");
    }
    refusals_are_the_servers_own(&front).await;
    nobody_chooses_an_address(&front).await;
    front.server.stop().await;
}

/// Who brings no token, who brings too much.
async fn refusals_are_the_servers_own(front: &Front) {
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    let call = |body: String| {
        let request = front.client(None).post(front.url());
        let request = request.header("accept", "application/json, text/event-stream");
        request
            .header("content-type", "application/json")
            .body(body)
    };
    let stranger = call(message.to_string())
        .header("authorization", "Bearer nobody")
        .send()
        .await
        .unwrap();
    assert_eq!(stranger.status(), 401);
    assert!(
        stranger.headers()["www-authenticate"]
            .to_str()
            .unwrap()
            .starts_with("Bearer")
    );
    // More than the server takes, and less than what the proxy cuts.
    let large = call(format!("{message}{}", " ".repeat(3 << 19)))
        .send()
        .await
        .unwrap();
    assert_eq!(large.status(), 413);
    let said: Value = large
        .json()
        .await
        .expect("the proxy answered in the place of the server");
    assert!(said["error"]["message"].is_string(), "{said}");
    let huge = call(format!("{message}{}", " ".repeat(5 << 20)))
        .send()
        .await;
    // Whichever of the two refuses it: it is not taken in.
    assert!(huge.is_err() || !huge.unwrap().status().is_success());
}

/// What the server takes for the address of a client is the one that the proxy saw.
async fn nobody_chooses_an_address(front: &Front) {
    const FROM: [u8; 4] = [127, 0, 0, 9];
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo", "arguments": {"text": "x"}}});
    for header in [
        "x-forwarded-for",
        "cf-connecting-ip",
        "forwarded",
        "x-real-ip",
    ] {
        let before = front.audited().len();
        let request = front
            .client(Some(FROM))
            .post(front.url())
            .header(header, "203.0.113.9");
        let request = request.header("accept", "application/json, text/event-stream");
        let answer = request.json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let audited = farcall_acceptance::wait::until("the line in the audit log", async || {
            front.audited().get(before).cloned()
        })
        .await;
        assert_eq!(audited["address"], "127.0.0.9", "{header}: {audited}");
    }
}

#[tokio::test]
async fn streams_are_not_held_back_by_caddy() {
    let front = Front::start(Kind::Caddy).await;
    let first = first_event(&front).await.expect("nothing came at all");
    println!("caddy: the first event came after {first:?}");
    front.server.stop().await;
}

#[tokio::test]
async fn streams_are_not_held_back_by_nginx_unless_it_buffers() {
    let front = Front::start(Kind::Nginx).await;
    let first = first_event(&front).await.expect("nothing came at all");
    println!("nginx: the first event came after {first:?}");
    front.server.stop().await;
    // That the test would see it.
    let buffers = |text: String| {
        assert!(text.contains("proxy_buffering off;"));
        // What a server says of itself would count more than the configuration.
        let on = "proxy_buffering on; proxy_ignore_headers X-Accel-Buffering; gzip_types text/event-stream; gzip_proxied any;";
        text.replace("proxy_buffering off;", on)
    };
    let front = Front::start_changed(Kind::Nginx, buffers).await;
    assert_eq!(
        first_event(&front).await,
        None,
        "a proxy that buffers was not noticed"
    );
    front.server.kill().await;
}

/// How long the first event takes of a stream about a job that goes on meanwhile; `None` where it does not come at once.
async fn first_event(front: &Front) -> Option<Duration> {
    const PREFIX: &str = "io.modelcontextprotocol";
    let direct = front.mcp();
    let started = direct
        .call(
            "start_render",
            json!({"frames": 240, "width": 640, "height": 640}),
        )
        .await;
    let id = started["job_id"].as_str().unwrap().to_owned();
    let method = "subscriptions/listen";
    let params = json!({
        "notifications": {"taskIds": [id]},
        "_meta": {
            format!("{PREFIX}/protocolVersion"): "2026-07-28",
            format!("{PREFIX}/clientInfo"): {"name": "acceptance", "version": "1"},
            format!("{PREFIX}/clientCapabilities"): {"extensions": {format!("{PREFIX}/tasks"): {}}},
        },
    });
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let request = front
        .client(None)
        .post(front.url())
        .header("accept", "text/event-stream")
        // One that is packed is held back more easily.
        .header("accept-encoding", "gzip")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", method)
        .json(&message);
    let began = Instant::now();
    let first = tokio::time::timeout(AT_ONCE, async {
        let mut response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        let event = response.chunk().await.unwrap();
        assert!(
            event.is_some_and(|event| !event.is_empty()),
            "the stream is over"
        );
    })
    .await;
    let took = began.elapsed();
    let status = direct
        .call("get_render_status", json!({"job_id": id}))
        .await;
    assert!(
        status["state"] == "queued" || status["state"] == "running",
        "{status}"
    );
    first.ok().map(|()| took)
}

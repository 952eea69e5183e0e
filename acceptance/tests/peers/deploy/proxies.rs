//! Caddy and nginx of Debian in front of the example server, with TLS and a bearer token.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::{
    content,
    front::{Front, Kind, TOKEN},
};
use crate::peer::{PYTHONS, Peer, binary};

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
    doctors_find_nothing_broken(&front, kind).await;
    refusals_are_the_servers_own(&front).await;
    nobody_chooses_an_address(&front).await;
    front.server.stop().await;
}

/// The program's own `doctor` in the folder of its server, and that of the binary from elsewhere.
async fn doctors_find_nothing_broken(front: &Front, kind: Kind) {
    let (place, authority, url) = (front.folder.path(), front.authority(), front.url());
    fs::set_permissions(place.join(".env"), fs::Permissions::from_mode(0o600)).unwrap();
    let elsewhere = place.join(format!("elsewhere-{kind:?}"));
    fs::create_dir(&elsewhere).unwrap();
    // The token of these tests stands in this very repository.
    let ceiling = place.parent().unwrap().to_str().unwrap().to_owned();
    let data = place.join("data").to_str().unwrap().to_owned();
    let environment = [
        ("FARCALL_DATA_DIR", data.as_str()),
        ("FARCALL_TOKEN", TOKEN),
        ("GIT_CEILING_DIRECTORIES", &ceiling),
        ("SSL_CERT_FILE", &authority),
    ];
    let program = binary("example-mcp-server");
    let here = content(program, place, &["doctor"], &environment).await;
    let afar = content(
        binary("farcall"),
        &elsewhere,
        &["doctor", &url],
        &environment,
    )
    .await;
    for said in [&here, &afar] {
        for check in [
            "edge",
            "protocol",
            "tool call",
            "job",
            "open to strangers",
            "files open to strangers",
        ] {
            assert!(
                said.contains(&format!("ok          {check}: ")),
                "{kind:?}: no `{check}` in\n{said}"
            );
        }
        // It is one of two days.
        let soon = "warning     certificate: the certificate of `localhost` holds until ";
        assert!(said.contains(soon), "{kind:?}: {said}");
        assert!(!said.contains(TOKEN), "{said}");
    }
    for check in ["same server", "Host guard", "store", "readiness"] {
        assert!(
            here.contains(&format!("ok          {check}: ")),
            "{kind:?}: no `{check}` in\n{here}"
        );
    }
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
    streams_pass_at_once(Kind::Caddy).await;
}

#[tokio::test]
async fn streams_are_not_held_back_by_nginx() {
    streams_pass_at_once(Kind::Nginx).await;
}

async fn streams_pass_at_once(kind: Kind) {
    let front = Front::start(kind).await;
    let first = first_event(&front, &front.url()).await;
    assert!(first.is_some(), "{kind:?}: nothing came at once");
    // That this would be seen of one that holds answers back.
    let holding = holding_back(front.server.origin()).await;
    let held = first_event(&front, &format!("http://{holding}/mcp")).await;
    assert_eq!(held, None, "what holds back was not noticed");
    front.server.kill().await;
}

/// A proxy that passes an answer on when it has all of it.
async fn holding_back(origin: &str) -> SocketAddr {
    let server = origin.strip_prefix("http://").unwrap().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut server = TcpStream::connect(&server).await.unwrap();
            tokio::spawn(async move {
                let (mut asks, mut hears) = client.split();
                let (mut answers, mut is_asked) = server.split();
                let held = async {
                    let mut all = Vec::new();
                    answers.read_to_end(&mut all).await?;
                    hears.write_all(&all).await
                };
                tokio::join!(tokio::io::copy(&mut asks, &mut is_asked), held)
            });
        }
    });
    address
}

/// How long the first event takes of a stream about a job that goes on meanwhile; `None` where it does not come at once.
async fn first_event(front: &Front, url: &str) -> Option<Duration> {
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
        .post(url)
        .header("accept", "text/event-stream")
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

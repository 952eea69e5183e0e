//! Caddy and nginx of Debian in front of a server, with TLS and a bearer token.

use std::{fs, os::unix::fs::PermissionsExt as _, time::Duration};

use farcall_acceptance::scratch;
use farcall_testpg::free_port;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{
    EXAMPLE, content,
    front::{Front, Kind, TOKEN, around, certify},
    run,
};
use crate::peer::{PYTHONS, Peer, binary, repository};

/// How long the first event of a stream may take. What holds it back does so until the stream ends, minutes later.
const AT_ONCE: Duration = Duration::from_secs(10);

/// How long a stream has to be quiet behind its first event, and not be over, to show that it goes on.
const GOES_ON: Duration = Duration::from_millis(500);

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
            // Before it there may be a line of an earlier request.
            let audited = front.audited();
            audited[before..]
                .iter()
                .find(|line| line["tool"] == "echo")
                .cloned()
        })
        .await;
        assert_eq!(audited["address"], "127.0.0.9", "{header}: {audited}");
    }
}

#[tokio::test]
async fn the_examples_files_are_taken_by_caddy_and_nginx() {
    let example = repository().join(EXAMPLE).join("deploy");
    let folder = scratch(env!("CARGO_TARGET_TMPDIR"));
    let place = folder.path();
    let home = [("HOME", place.to_str().unwrap())];
    for file in ["Caddyfile", "Caddyfile.replicas"] {
        let file = example.join(file);
        let words = ["validate", "--adapter", "caddyfile", "--config"];
        let words = [&words[..], &[file.to_str().unwrap()]].concat();
        content("caddy", place, &words, &home).await;
    }
    certify(place).await;
    let mut text = fs::read_to_string(example.join("nginx.conf")).unwrap();
    let of_certbot = "/etc/letsencrypt/live/example-mcp.example.com";
    let (tls, plain) = (free_port(), free_port());
    for (theirs, ours) in [
        (
            format!("{of_certbot}/fullchain.pem"),
            format!("{}/server.pem", place.display()),
        ),
        (
            format!("{of_certbot}/privkey.pem"),
            format!("{}/server.key", place.display()),
        ),
        ("listen 443 ".to_owned(), format!("listen {tls} ")),
        ("[::]:443 ".to_owned(), format!("[::]:{tls} ")),
        ("listen 80;".to_owned(), format!("listen {plain};")),
        ("[::]:80;".to_owned(), format!("[::]:{plain};")),
    ] {
        assert!(text.contains(&theirs), "{theirs}: {text}");
        text = text.replace(&theirs, &ours);
    }
    let file = place.join("nginx.conf");
    fs::write(&file, text).unwrap();
    let main = around(place, &file);
    let (place, main) = (place.to_str().unwrap(), main.to_str().unwrap());
    let words = ["-t", "-p", place, "-e", "stderr", "-c", main];
    content("nginx", folder.path(), &words, &[]).await;
}

#[tokio::test]
async fn streams_are_not_held_back_by_caddy() {
    let front = Front::of_streams(Kind::Caddy, |text| text).await;
    streams_pass_at_once(front).await;
}

#[tokio::test]
async fn streams_are_not_held_back_by_nginx() {
    let front = Front::of_streams(Kind::Nginx, |text| with_buffering("off", &text)).await;
    streams_pass_at_once(front).await;
}

async fn streams_pass_at_once(front: Front) {
    assert!(comes_at_once(&front).await, "nothing came at once");
    let said = doctor(&front).await;
    let passes = "ok          buffering: the first event of a stream came after ";
    assert!(said.contains(passes), "{said}");
    front.server.kill().await;
}

#[tokio::test]
async fn an_nginx_that_holds_streams_back_is_noticed() {
    let front = Front::of_streams(Kind::Nginx, |text| with_buffering("on", &text)).await;
    assert!(!comes_at_once(&front).await, "it holds nothing back");
    let said = doctor(&front).await;
    let is_held = "broken      buffering: nothing of a stream came within ";
    assert!(said.contains(is_held), "{said}");
    front.server.kill().await;
}

/// The file of nginx with its buffering `off` or `on`, whatever the server asks for in a header of its answers.
fn with_buffering(state: &str, text: &str) -> String {
    const WRITTEN: &str = "proxy_buffering off;";
    assert!(text.contains(WRITTEN), "{text}");
    let alone = format!("proxy_buffering {state};\nproxy_ignore_headers X-Accel-Buffering;");
    text.replace(WRITTEN, &alone)
}

/// What the binary's `doctor` says of the server, from elsewhere.
async fn doctor(front: &Front) -> String {
    let (place, authority) = (front.folder.path(), front.authority());
    let elsewhere = place.join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let environment = [
        ("FARCALL_TOKEN", TOKEN),
        ("GIT_CEILING_DIRECTORIES", place.to_str().unwrap()),
        ("SSL_CERT_FILE", authority.as_str()),
    ];
    let url = front.url();
    run(
        binary("farcall"),
        &elsewhere,
        &["doctor", &url],
        &environment,
    )
    .await
    .stdout
}

/// Whether the first event of a stream that goes on behind it comes at once.
async fn comes_at_once(front: &Front) -> bool {
    const PREFIX: &str = "io.modelcontextprotocol";
    let method = "subscriptions/listen";
    let params = json!({
        "notifications": {"toolsListChanged": true},
        "_meta": {
            format!("{PREFIX}/protocolVersion"): "2026-07-28",
            format!("{PREFIX}/clientInfo"): {"name": "acceptance", "version": "1"},
            format!("{PREFIX}/clientCapabilities"): {},
        },
    });
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let request = front
        .client(None)
        .post(front.url())
        .header("accept", "text/event-stream")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", method)
        .json(&message);
    let begun = timeout(AT_ONCE, async {
        let mut response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        let event = response.chunk().await.unwrap();
        assert!(event.is_some(), "the stream is over");
        response
    })
    .await;
    let Ok(mut response) = begun else {
        return false;
    };
    // What is held back until the end comes all at once, in however many pieces.
    while let Ok(more) = timeout(GOES_ON, response.chunk()).await {
        assert!(more.unwrap().is_some(), "the stream is over");
    }
    true
}

//! The configuration of a tunnel, read as strictly as cloudflared documents it; cloudflared itself is not run.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::{EXAMPLE, content, deploy};
use crate::peer::{folder, repository};

/// What the file says, and where each of these is sent.
async fn read(file: &Path, urls: &[&str]) -> Value {
    let python = folder().join("py-schemathesis/bin/python");
    assert!(
        python.exists(),
        "`{}` is missing; run peers/install first",
        python.display()
    );
    let script = repository().join("acceptance/clients/cloudflared_config.py");
    let arguments = [
        &[script.to_str().unwrap(), file.to_str().unwrap()][..],
        urls,
    ]
    .concat();
    let said = content(python, &repository(), &arguments, &[]).await;
    serde_json::from_str(&said).unwrap()
}

#[tokio::test]
async fn the_examples_tunnel_leads_to_what_the_world_needs_and_to_nothing_else() {
    let file = repository()
        .join(EXAMPLE)
        .join("deploy/cloudflared.config.example.yml");
    let (server, nothing) = (
        json!(["http://127.0.0.1:8900", false]),
        json!(["http_status:404", false]),
    );
    for (path, service) in [
        ("/mcp", &server),
        ("/healthz", &server),
        ("/health", &server),
        ("/files/0123", &server),
        ("/files/0123/out.gif", &server),
        ("/llms.txt", &server),
        ("/", &nothing),
        ("/mcp/admin", &nothing),
        ("/readyz", &nothing),
        ("/metrics", &nothing),
        ("/admin/jobs", &nothing),
        ("/x/files/1", &nothing),
        ("/.well-known/oauth-protected-resource", &nothing),
    ] {
        let url = format!("https://example-mcp.example.com{path}");
        assert_eq!(&read(&file, &[&url]).await["sent"][&url], service, "{path}");
    }
    let elsewhere = "https://other.example.com/mcp";
    assert_eq!(read(&file, &[elsewhere]).await["sent"][elsewhere], nothing);
}

#[tokio::test]
async fn access_is_asked_for_wherever_it_leads() {
    let home = farcall_acceptance::scratch(env!("CARGO_TARGET_TMPDIR"));
    let place = home.path().join("it's a \"farm\": #1");
    fs::create_dir(&place).unwrap();
    fs::write(
        place.join("farcall.toml"),
        "[tool.a]\ndescription = \"A.\"\ncommand = [\"sh\"]\n",
    )
    .unwrap();
    let env = "PUBLIC_BASE_URL=https://farm.example.com\nFARCALL_ACCESS_TEAM=acme\nFARCALL_ACCESS_AUD=aa11,bb22\n\
               FARCALL_OAUTH_ISSUER=https://login.example.com\n";
    fs::write(place.join(".env"), env).unwrap();
    let tunnel = "6ff42ae2-765d-4adf-8112-31c55c1551ef";
    deploy(
        "farcall",
        &place,
        &["cloudflared", "--zone", "example.com", "--tunnel", tunnel],
    )
    .await;
    let file = place.join("deploy/cloudflared.config.yml");
    let paths = [
        "/mcp",
        "/healthz",
        "/files/1/a",
        "/.well-known/oauth-protected-resource/mcp",
    ];
    let urls = paths.map(|path| format!("https://farm.example.com{path}"));
    let seen = read(&file, &urls.each_ref().map(String::as_str)).await;
    for url in &urls {
        assert_eq!(
            seen["sent"][url],
            json!(["http://127.0.0.1:8900", true]),
            "{seen}"
        );
    }
    assert_eq!(seen["tunnel"], tunnel);
    let credentials = format!("{}/.cloudflared/{tunnel}.json", home.path().display());
    assert_eq!(seen["credentials"], credentials.as_str());
}

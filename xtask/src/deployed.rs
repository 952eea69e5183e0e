//! The files with which the example server goes online, as `example-mcp-server deploy …` writes them for somebody whose
//! domain is example.com.

use farcall_cli::verbs::deploy::{
    Build, CloudflaredFlags, ComposeFlags, Deployment, Kind, ProxyFlags,
};
use farcall_config::{Config, Source};

/// Where they are.
const EXAMPLE: &str = "examples/example-mcp-server";

/// Each by its path in the repository.
///
/// # Errors
/// Where a kind refuses its configuration.
pub(crate) fn files() -> anyhow::Result<Vec<(String, String)>> {
    let deployment = deployment()?;
    let cloudflared = CloudflaredFlags {
        zone: "example.com".to_owned(),
        ..CloudflaredFlags::default()
    };
    let replicas = ComposeFlags {
        replicas: Some(2),
        workers: None,
    };
    let mut files = Vec::new();
    for kind in [
        Kind::Systemd,
        Kind::Docker,
        Kind::Compose(ComposeFlags::default()),
        Kind::Compose(replicas),
        Kind::Cloudflared(cloudflared),
        Kind::Caddy(ProxyFlags::default()),
        Kind::Nginx(ProxyFlags::default()),
    ] {
        let planned = kind.files(&deployment)?;
        files.extend(
            planned
                .into_iter()
                .map(|file| (format!("{EXAMPLE}/{}", file.path), file.text)),
        );
    }
    Ok(files)
}

/// Somebody has this repository in their home, and has built the example there.
fn deployment() -> anyhow::Result<Deployment> {
    let home = "/home/<user>";
    let repository = format!("{home}/farcall");
    let settings = Source::from_pairs([("PUBLIC_BASE_URL", "https://example-mcp.example.com")]);
    let passed = [
        "FARCALL_ALLOWED_HOSTS",
        "FARCALL_TRUSTED_PROXIES",
        "MCP_BEARER_TOKEN",
        "PUBLIC_BASE_URL",
    ];
    Ok(Deployment {
        name: "example-mcp".to_owned(),
        command: "example-mcp-server deploy".to_owned(),
        file: None,
        home: home.to_owned(),
        folder: format!("{repository}/{EXAMPLE}"),
        program: format!("{repository}/target/release/example-mcp-server"),
        arguments: vec!["serve".to_owned()],
        environment: Vec::new(),
        passed: passed.map(str::to_owned).to_vec(),
        secret_files: Vec::new(),
        build: Build::Package {
            package: "example-mcp-server".to_owned(),
            binary: "example-mcp-server".to_owned(),
            up: "../..".to_owned(),
            down: EXAMPLE.to_owned(),
            is_locked: true,
            outside: Vec::new(),
        },
        routes: Vec::new(),
        config: Config::read(&settings)?,
    })
}

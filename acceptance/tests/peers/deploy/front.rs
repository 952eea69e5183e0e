//! A proxy with the configuration that `deploy` wrote, in front of a server, with TLS by an authority of its own.

use std::{
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
    process::Command,
};

use farcall_acceptance::{Launch, Process, Server, scratch, wait::until};
use farcall_testpg::free_port;
use serde_json::Value;
use tempfile::TempDir;

use super::{PATH, content, deploy};
use crate::peer::binary;

pub(super) const TOKEN: &str = "a-token-for-acceptance-tests-only";

/// A server whose streams stay open, because its tools can change while it runs.
const PROJECT: &str = "[server]\nname = \"farm\"\n[tool.hello]\ndescription = \"Greet.\"\n\
                       command = [\"/bin/sh\", \"-c\", \"echo hello\"]\n";

/// What stands in front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Caddy,
    Nginx,
}

pub(super) struct Front {
    _process: Process,
    pub(super) server: Server,
    pub(super) origin: String,
    pub(super) folder: TempDir,
}

impl Front {
    /// In front of the example server.
    pub(super) async fn start(kind: Kind) -> Self {
        let folder = scratch(env!("CARGO_TARGET_TMPDIR"));
        Self::within(folder, "example-mcp-server", kind, |text| text).await
    }

    /// In front of a server whose streams stay open, with the configuration as `change` makes it of the written one.
    pub(super) async fn of_streams(kind: Kind, change: impl Fn(String) -> String) -> Self {
        let folder = scratch(env!("CARGO_TARGET_TMPDIR"));
        fs::write(folder.path().join("farcall.toml"), PROJECT).unwrap();
        Self::within(folder, "farcall", kind, change).await
    }

    async fn within(
        folder: TempDir,
        program: &str,
        kind: Kind,
        change: impl Fn(String) -> String,
    ) -> Self {
        let place = folder.path();
        certify(place).await;
        let (port, public) = (free_port(), free_port());
        let origin = format!("https://localhost:{public}");
        fs::write(
            place.join(".env"),
            format!(
                "PUBLIC_BASE_URL={origin}\nMCP_PORT={port}\nMCP_BEARER_TOKEN={TOKEN}\nFARCALL_TRUSTED_PROXIES=127.0.0.1\n\
                 FARCALL_AUDIT=audit.jsonl\n"
            ),
        )
        .unwrap();
        let word = if kind == Kind::Caddy {
            "caddy"
        } else {
            "nginx"
        };
        let written = deploy(
            program,
            place,
            &[word, "--certificate", "server.pem", "--key", "server.key"],
        )
        .await;
        let file = place.join(written.trim_end());
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, change(text)).unwrap();
        // It reads `.env` itself; only the port is one of the tests' own variables.
        let launch = Launch::of(&binary(program), place).env("MCP_PORT", port.to_string());
        let server = launch.verb(&["serve"]).start().await;
        let mut process = match kind {
            Kind::Caddy => caddy(place, &file),
            Kind::Nginx => nginx(place, &file),
        };
        let client = client(place, None);
        until("the proxy", async || {
            let ended = process.ended();
            assert!(
                ended.is_none(),
                "{kind:?} ended: {ended:?}: {}",
                process.stderr()
            );
            client.get(format!("{origin}/healthz")).send().await.ok()
        })
        .await;
        Self {
            _process: process,
            server,
            origin,
            folder,
        }
    }

    pub(super) fn url(&self) -> String {
        format!("{}/mcp", self.origin)
    }

    /// An HTTP client that trusts the authority and brings the token; from this address, where it has one of its own.
    pub(super) fn client(&self, from: Option<[u8; 4]>) -> reqwest::Client {
        client(self.folder.path(), from)
    }

    /// What clients of others need to trust it.
    pub(super) fn authority(&self) -> String {
        self.folder
            .path()
            .join("authority.pem")
            .to_str()
            .unwrap()
            .to_owned()
    }

    /// The lines of the audit log.
    pub(super) fn audited(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.path().join("audit.jsonl")).unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

fn client(folder: &Path, from: Option<[u8; 4]>) -> reqwest::Client {
    let authority = fs::read(folder.join("authority.pem")).unwrap();
    let authority = reqwest::Certificate::from_pem(&authority).unwrap();
    let mut token = reqwest::header::HeaderValue::from_str(&format!("Bearer {TOKEN}")).unwrap();
    token.set_sensitive(true);
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([authority])
        .resolve("localhost", ([127, 0, 0, 1], 0).into())
        .local_address(from.map(IpAddr::from))
        .default_headers(
            [(reqwest::header::AUTHORIZATION, token)]
                .into_iter()
                .collect(),
        )
        .build()
        .unwrap()
}

/// An authority, and a certificate of it for `localhost`.
pub(super) async fn certify(folder: &Path) {
    let openssl = async |words: &str| {
        let words: Vec<_> = words.split(' ').collect();
        content("openssl", folder, &words, &[]).await;
    };
    openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=tests -keyout authority.key -out authority.pem").await;
    openssl("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout server.key -out server.csr").await;
    fs::write(
        folder.join("names"),
        "subjectAltName=DNS:localhost,IP:127.0.0.1\n",
    )
    .unwrap();
    openssl("x509 -req -in server.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days 2 -extfile names -out server.pem").await;
}

/// Debian's Caddy, which imports the file as beside other sites. It keeps to itself: no port of administrators, none for
/// plain HTTP.
fn caddy(folder: &Path, file: &Path) -> Process {
    let main = folder.join("Caddyfile.main");
    let text = format!(
        "{{\n\tadmin off\n\tauto_https disable_redirects\n}}\nimport {}\n",
        file.display()
    );
    fs::write(&main, text).unwrap();
    let mut command = Command::new("caddy");
    command
        .args(["run", "--adapter", "caddyfile", "--config"])
        .arg(main)
        .env_clear()
        .env("PATH", PATH)
        .env("HOME", folder);
    Process::spawn(&mut command)
}

/// Debian's nginx.
fn nginx(folder: &Path, file: &Path) -> Process {
    let mut command = Command::new("nginx");
    command
        .env_clear()
        .env("PATH", PATH)
        .arg("-p")
        .arg(folder)
        .args(["-e", "stderr", "-c"])
        .arg(around(folder, file));
    Process::spawn(&mut command)
}

/// The file of an nginx in `folder`: what Debian's own says around the one that was written.
pub(super) fn around(folder: &Path, file: &Path) -> PathBuf {
    let main = folder.join("nginx.main.conf");
    // Started by root, its workers would be somebody who may not write here.
    let user = if rustix::process::geteuid().is_root() {
        "user root;"
    } else {
        ""
    };
    let (place, file) = (folder.display(), file.display());
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {place}/{name};\n"))
        .concat();
    let text = format!(
        "daemon off;\nmaster_process off;\n{user}\npid {place}/nginx.pid;\nevents {{ worker_connections 256; }}\n\
         http {{\naccess_log off;\ngzip on;\n{temporary}include {file};\n}}\n"
    );
    fs::write(&main, text).unwrap();
    main
}

//! Schemathesis reads what we say about our routes and attacks real servers by it: what it sends is made
//! from the description, and what it sends wrongly on purpose as well. Every answer has to be one that is
//! described: its status, its headers, its media type, its JSON.
//!
//! `acceptance/clients/schemathesis.toml` says how. The requests are the same in every run; one that is not
//! answered as described is printed as a command that repeats it.

use std::{fs, path::Path};

use farcall_acceptance::{Launch, Server, scratch, wait::until};
use farcall_testpg::{Cluster, Durability};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::json;
use tempfile::TempDir;

use crate::peer::{Peer, binary, repository};

/// One job that leaves a file, or fails; and a tool.
const OFFER: &str = r#"
[server]
name = "attacked"

[job.render]
description = "Leave a file."
command = ["cp", "{from}", "out.txt"]
artifacts = ["out.txt"]
params.from = { type = "string", description = "What is copied." }

[tool.say]
description = "Say something."
command = ["echo", "{text}"]
params.text = { type = "string", description = "What." }
"#;

/// A server with a job that has succeeded and one that has failed.
struct Scene {
    server: Server,
    token: String,
    succeeded: String,
    failed: String,
    folder: TempDir,
}

fn launch(folder: &Path) -> Launch {
    Launch::of(&binary("farcall"), folder).env("PATH", "/usr/bin:/bin")
}

fn folder() -> TempDir {
    let folder = scratch(env!("CARGO_TARGET_TMPDIR"));
    fs::write(folder.path().join("farcall.toml"), OFFER).unwrap();
    folder
}

impl Scene {
    async fn of(launch: Launch, token: String, folder: TempDir) -> Self {
        let server = launch.verb(&["serve"]).start().await;
        let bearer = HeaderValue::try_from(format!("Bearer {token}")).unwrap();
        let http = reqwest::Client::builder()
            .default_headers(HeaderMap::from_iter([(AUTHORIZATION, bearer)]))
            .build()
            .unwrap();
        let client = farcall_acceptance::McpClient::sharing(http, server.url());
        let mut ids = Vec::new();
        for (from, state) in [("/etc/hostname", "succeeded"), ("nothing", "failed")] {
            let started = client.call("start_render", json!({"from": from})).await;
            let id = started["job_id"].as_str().unwrap().to_owned();
            until("the end of the job", async || {
                let status = json!({"job_id": id});
                let status = client.call("get_render_status", status).await;
                (status["state"] == state).then_some(())
            })
            .await;
            ids.push(id);
        }
        let [succeeded, failed] = ids.try_into().unwrap();
        Self {
            server,
            token,
            succeeded,
            failed,
            folder,
        }
    }

    /// Attacks, and sees that nothing was found.
    async fn withstands(self, arguments: &[&str]) {
        let client = repository().join("acceptance/clients/schemathesis.toml");
        let mut settings = fs::read_to_string(client).unwrap();
        for (name, value) in [
            ("${ORIGIN}", self.server.origin()),
            ("${TOKEN}", &self.token),
            ("${SUCCEEDED}", &self.succeeded),
            ("${FAILED}", &self.failed),
        ] {
            assert!(settings.contains(name), "{name}");
            settings = settings.replace(name, value);
        }
        let folder = self.folder.path();
        let settings_file = folder.join("schemathesis.toml");
        fs::write(&settings_file, settings).unwrap();
        let attack = Peer::schemathesis()
            .within(folder)
            .arguments(&["--no-color", "--config-file"])
            .argument(&settings_file)
            .argument("run")
            .argument(repository().join("docs/reference/openapi.json"))
            .arguments(arguments);
        let ended = attack.run().await;
        let talk = self.server.talk();
        assert_eq!(
            ended.code,
            Some(0),
            "{}{}\n{talk}",
            ended.stdout,
            ended.stderr
        );
        // What asks for nothing finds nothing.
        let cases = ended
            .stdout
            .lines()
            .find_map(|line| line.trim().split_once(" generated, "));
        let (cases, _) =
            cases.unwrap_or_else(|| panic!("it does not say what it did:\n{}", ended.stdout));
        assert!(cases.parse::<u32>().unwrap() > 1_000, "{}", ended.stdout);
        assert!(!talk.contains("panicked"), "{talk}");
        self.server.stop().await;
    }
}

#[tokio::test]
async fn a_server_that_asks_nobody_answers_as_it_is_described() {
    let folder = folder();
    let scene = Scene::of(launch(folder.path()), "none".to_owned(), folder).await;
    // Nobody has to be anybody, and there is no issuer whose metadata could be shown.
    let without = ["--exclude-checks", "ignored_auth", "--exclude-tag", "oauth"];
    scene.withstands(&without).await;
}

/// With named callers, an issuer of tokens, and its jobs in PostgreSQL.
#[tokio::test]
async fn a_server_with_callers_answers_as_it_is_described() {
    let folder = folder();
    let cluster = Cluster::start(Durability::None);
    let launch = || {
        launch(folder.path())
            .env("FARCALL_DATABASE_URL", cluster.url("postgres"))
            // Nobody is there: a token that only the issuer could judge is refused for its form.
            .env("FARCALL_OAUTH_ISSUER", "http://127.0.0.1:9")
            .env("FARCALL_OAUTH_JWKS_URL", "http://127.0.0.1:9/keys")
            .env("FARCALL_OAUTH_SCOPES", "*=mcp")
    };
    let create = ["token", "create", "attacker", "--scopes", "call,admin"];
    let created = launch().verb(&create).run().await;
    assert_eq!(created.code, Some(0), "{}", created.stderr);
    let token = created.stdout.trim().to_owned();
    let launch = launch();
    Scene::of(launch, token, folder).await.withstands(&[]).await;
}

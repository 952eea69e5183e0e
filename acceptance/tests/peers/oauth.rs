//! The whole way of a person's agent to a tool: oidc-provider issues the tokens, the Python SDK's client
//! fetches them, and the example server judges them.

use farcall_acceptance::{Launch, Process, Server, scratch, wait::until};
use farcall_testpg::free_port;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::peer::{PYTHONS, Peer, Python, binary, repository};

/// How tokens are made, and what the server is told about them beside the issuer.
const FORMATS: [(&str, bool); 2] = [("jwt", false), ("opaque", true)];

/// The secret of the client as which the server asks; `acceptance/clients/authorization_server.mjs` has it, too.
const SECRET: &str = "a secret: with+signs%";

/// An authorization server and an example server that takes its tokens.
struct Scene {
    server: Server,
    issuer: String,
    _authorization: Process,
    _folder: TempDir,
}

async fn scene(format: &str, is_asked: bool) -> Scene {
    let port = free_port();
    let issuer = format!("http://127.0.0.1:{port}");
    let mut authorization = Peer::node("node")
        .argument(repository().join("acceptance/clients/authorization_server.mjs"))
        .arguments(&[&port.to_string(), format])
        .spawn();
    until("the authorization server", async || {
        let talk = authorization.stderr();
        assert!(authorization.ended().is_none(), "{talk}");
        talk.contains("ready").then_some(())
    })
    .await;

    let folder = scratch(env!("CARGO_TARGET_TMPDIR"));
    let launch = trusting(&folder, &issuer, is_asked)
        .env("FARCALL_LOG", "debug")
        .env("FARCALL_OAUTH_SCOPES", "*=mcp,start_render=render");
    Scene {
        server: launch.start().await,
        issuer,
        _authorization: authorization,
        _folder: folder,
    }
}

/// An example server that takes the tokens of `issuer`.
fn trusting(folder: &TempDir, issuer: &str, is_asked: bool) -> Launch {
    let launch = Launch::of(&binary("example-mcp-server"), folder.path());
    let launch = launch.env("FARCALL_OAUTH_ISSUER", issuer);
    if !is_asked {
        return launch;
    }
    let url = format!("{issuer}/token/introspection");
    launch
        .env("FARCALL_OAUTH_INTROSPECTION_URL", url)
        .env("FARCALL_OAUTH_CLIENT_ID", "farcall")
        .env("FARCALL_OAUTH_CLIENT_SECRET", SECRET)
}

impl Scene {
    async fn agent(&self, python: &Python, arguments: &[&str]) -> Value {
        Peer::python(python, "acceptance/clients/oauth_client.py")
            .argument(self.server.url())
            .arguments(arguments)
            .json(python.name)
            .await
    }
}

#[tokio::test]
async fn an_agent_logs_in_calls_and_asks_for_more_where_a_tool_needs_it() {
    for (format, is_asked) in FORMATS {
        let scene = scene(format, is_asked).await;
        for python in &PYTHONS {
            let case = format!("{}, {format}", python.name);
            let seen = scene
                .agent(python, &["--client", "agent", "--render"])
                .await;
            let resource = scene.server.url();
            assert_eq!(seen["sum"], 5.0, "{case}");
            assert_eq!(seen["job_id"].as_str().unwrap().len(), 32, "{case}");
            // One visit for the start, and one for the tool that needs more.
            let visits = json!([
                {"resource": resource, "scope": "mcp"},
                {"resource": resource, "scope": "mcp render"},
            ]);
            assert_eq!(seen["visits"], visits, "{case}");
            assert_eq!(seen["granted"], json!(["mcp", "mcp render"]), "{case}");
            assert_eq!(seen["registered"], false, "{case}");
            let talk = scene.server.talk();
            for secret in [seen["token"].as_str().unwrap(), SECRET] {
                assert!(!talk.contains(secret), "{case}: the log has `{secret}`");
            }
        }
        let talk = scene.server.talk();
        assert!(
            talk.contains(&format!("tokens of {}", scene.issuer)),
            "{talk}"
        );
    }
}

#[tokio::test]
async fn an_agent_that_nobody_knows_registers_and_calls() {
    let scene = scene("jwt", false).await;
    for python in &PYTHONS {
        let seen = scene.agent(python, &[]).await;
        assert_eq!(
            (&seen["sum"], &seen["registered"]),
            (&json!(5.0), &json!(true))
        );
        assert_eq!(seen["granted"], json!(["mcp"]));
    }
}

#[tokio::test]
async fn a_token_for_another_server_of_the_same_issuer_opens_nothing() {
    for (format, is_asked) in FORMATS {
        let (here, folder) = (
            scene(format, is_asked).await,
            scratch(env!("CARGO_TARGET_TMPDIR")),
        );
        let there = trusting(&folder, &here.issuer, is_asked).start().await;
        let seen = here.agent(&PYTHONS[0], &["--client", "agent"]).await;
        let token = seen["token"].as_str().unwrap();
        let statuses = [
            status(&here.server, token).await,
            status(&there, token).await,
        ];
        assert_eq!(statuses, [200, 401], "{format}");
    }
}

async fn status(server: &Server, token: &str) -> u16 {
    let request = reqwest::Client::new()
        .post(server.url())
        .bearer_auth(token)
        .json(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}));
    request.send().await.unwrap().status().as_u16()
}

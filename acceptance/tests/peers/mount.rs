//! Servers of others that are passed on: one that offers one of each, and the example, which is a FastMCP
//! server.

use std::{env, fs, path::Path};

use farcall_acceptance::{Launch, Server, scratch};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::peer::{PYTHONS, Peer, binary, folder, repository};

/// How many clients ask at once.
const CLIENTS: usize = 200;

/// How often each of them asks; `FARCALL_STORMS` multiplies it.
const ROUNDS: usize = 5;

/// Tools of server-everything whose answers depend on nothing but their arguments.
const CALLS: &str = r#"[
    ["echo", {"message": "a 'b' \"c\" \u00e4\ud83d\ude80"}],
    ["get-sum", {"a": 2, "b": 3.5}],
    ["get-annotated-message", {"messageType": "error", "includeImage": true}],
    ["get-annotated-message", {"messageType": "success"}],
    ["get-annotated-message", {"messageType": "debug", "includeImage": false}],
    ["get-tiny-image", {}],
    ["get-structured-content", {"location": "Chicago"}],
    ["get-resource-links", {"count": 4}],
    ["get-resource-reference", {"resourceType": "Text", "resourceId": 3}],
    ["get-resource-reference", {"resourceType": "Blob", "resourceId": 3}],
    ["get-resource-reference", {"resourceType": "Text", "resourceId": -1}],
    ["trigger-long-running-operation", {"duration": 0.2, "steps": 4}]
]"#;

fn path(program_of: &str) -> std::ffi::OsString {
    let mut path = folder().join(program_of).into_os_string();
    path.push(":");
    path.push(env::var_os("PATH").unwrap_or_default());
    path
}

/// The command that starts server-everything.
fn everything() -> [String; 3] {
    let program = |name: &str| folder().join("node/node_modules/.bin").join(name);
    let word = |path: std::path::PathBuf| path.to_str().unwrap().to_owned();
    [
        word(program("node")),
        word(program("mcp-server-everything")),
        "stdio".to_owned(),
    ]
}

/// A server of server-everything.
async fn passed_on(here: &Path) -> Server {
    let command = everything();
    Launch::of(&binary("farcall"), here)
        .env("PATH", path("node/node_modules/.bin"))
        // It prints more to its standard error than anybody wants to read.
        .env("FARCALL_LOG", "warn")
        .env("FARCALL_TOOL_RATE", "off")
        .env("FARCALL_CALL_RATE", "off")
        .verb(&["serve", "--sandbox", "off", "--"])
        .verb(&command.each_ref().map(String::as_str))
        .start()
        .await
}

#[tokio::test]
async fn a_server_that_offers_one_of_each_is_passed_on_unchanged() {
    let here = scratch(env!("CARGO_TARGET_TMPDIR"));
    let server = passed_on(here.path()).await;
    assert!(
        server.talk().contains("mcp-servers/everything 2.0.0"),
        "{}",
        server.talk()
    );
    let seen = Peer::python(&PYTHONS[0], "acceptance/clients/mount_client.py")
        .argument(server.url())
        .argument(CALLS)
        .arguments(&everything().each_ref().map(String::as_str))
        .json("server-everything")
        .await;
    assert_eq!(seen["different"], json!([]));
    assert!(seen["same"].as_u64().unwrap() >= 50, "{seen}");
    assert_eq!((&seen["errors"], &seen["progress"]), (&json!(3), &json!(4)));
    server.stop().await;
}

/// CVE-2026-25536: answers of one server of somebody else reach who asked, each over a connection of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_clients_each_get_their_own_answers() {
    let here = scratch(env!("CARGO_TARGET_TMPDIR"));
    let server = passed_on(here.path()).await;
    let factor = env::var("FARCALL_STORMS").map_or(1, |factor| factor.parse().unwrap());
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let client = server.client();
        clients.spawn(async move {
            for round in 0..ROUNDS * factor {
                let nonce = format!("{number}-{round}");
                let params = json!({"name": "echo", "arguments": {"message": nonce}});
                let answer = client.try_request("tools/call", "echo", params).await;
                let answer = answer.unwrap();
                let said = &answer["result"]["content"][0]["text"];
                assert_eq!(said, &json!(format!("Echo: {nonce}")), "{answer}");
            }
        });
    }
    clients.join_all().await;
    server.stop().await;
}

/// The example as its readers run it.
async fn example(here: &Path) -> Server {
    let example = repository().join("examples/mount-a-server");
    for file in ["farcall.toml", "server.py"] {
        fs::copy(example.join(file), here.join(file)).unwrap();
    }
    let launch = Launch::of(&binary("farcall"), here).env("PATH", path("py-fastmcp/bin"));
    launch.verb(&["serve"]).start().await
}

#[tokio::test]
async fn an_unchanged_fastmcp_server_has_a_durable_job() {
    let here = scratch(env!("CARGO_TARGET_TMPDIR"));
    let server = example(here.path()).await;
    let client = server.client();
    let predicted = client
        .call("predict", json!({"slope": 2, "intercept": 1, "x": 3}))
        .await;
    assert_eq!(predicted, json!(7.0));
    let started = client.call("start_fit", json!({})).await;
    let id = json!({"job_id": started["job_id"]});
    assert_eq!(started["total_stages"], 3);
    let end = farcall_acceptance::wait::until("the end of the job", async || {
        let status = client.call("get_fit_status", id.clone()).await;
        (status["state"] == "succeeded" || status["state"] == "failed").then_some(status)
    })
    .await;
    assert_eq!(end["state"], "succeeded", "{end}\n{}", server.talk());
    let result = client.call("get_fit_result", id).await;
    assert_eq!(result["artifacts"][0]["name"], "model.json");
    let model = client.download(result["url"].as_str().unwrap()).await;
    assert_eq!(
        serde_json::from_slice::<Value>(&model).unwrap(),
        result["result"]
    );
    server.stop().await;
}

#[tokio::test]
async fn a_block_of_mcp_servers_serves_as_it_is_imported() {
    let here = scratch(env!("CARGO_TARGET_TMPDIR"));
    let example = repository().join("examples/mount-a-server");
    fs::copy(example.join("server.py"), here.path().join("server.py")).unwrap();
    let block = json!({"mcpServers": {"line fitting": {"command": "python3", "args": ["server.py"], "env": {"MODE": "fast"}}}});
    fs::write(here.path().join("mcp.json"), block.to_string()).unwrap();
    let farcall =
        || Launch::of(&binary("farcall"), here.path()).env("PATH", path("py-fastmcp/bin"));
    let imported = farcall().verb(&["init", "--from", "mcp.json"]).run().await;
    assert_eq!(imported.code, Some(0), "{}", imported.stderr);
    let checked = farcall().verb(&["check"]).run().await;
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
    assert!(
        checked.stdout.contains("predict(slope, intercept, x)"),
        "{}",
        checked.stdout
    );
    let server = farcall().verb(&["serve"]).start().await;
    let arguments = json!({"slope": 0, "intercept": 1, "x": 3});
    assert_eq!(server.client().call("predict", arguments).await, json!(1.0));
    server.stop().await;
}

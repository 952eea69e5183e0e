//! Servers of others that are passed on: one that offers one of each, and the example, which is a FastMCP
//! server.

use std::{env, fs, path::Path};

use farcall_acceptance::{Launch, Server, scratch};
use serde_json::{Value, json};

use crate::peer::{PYTHONS, Peer, binary, folder, repository};

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
    ["get-resource-reference", {"resourceType": "Blob", "resourceId": 3}]
]"#;

fn path(program_of: &str) -> std::ffi::OsString {
    let mut path = folder().join(program_of).into_os_string();
    path.push(":");
    path.push(env::var_os("PATH").unwrap_or_default());
    path
}

#[tokio::test]
async fn a_server_that_offers_one_of_each_is_passed_on_unchanged() {
    let here = scratch(env!("CARGO_TARGET_TMPDIR"));
    let everything = folder().join("node/node_modules/.bin/mcp-server-everything");
    let node = folder().join("node/node_modules/.bin/node");
    let server = Launch::of(&binary("farcall"), here.path())
        .env("PATH", path("node/node_modules/.bin"))
        // It prints more to its standard error than anybody wants to read.
        .env("FARCALL_LOG", "warn")
        .verb(&["serve", "--sandbox", "off", "--"])
        .verb(&[
            node.to_str().unwrap(),
            everything.to_str().unwrap(),
            "stdio",
        ])
        .start()
        .await;
    assert!(
        server.talk().contains("mcp-servers/everything 2.0.0"),
        "{}",
        server.talk()
    );
    let seen = Peer::python(&PYTHONS[0], "acceptance/clients/mount_client.py")
        .argument(server.url())
        .argument(CALLS)
        .argument(node)
        .argument(everything)
        .argument("stdio")
        .json("server-everything")
        .await;
    assert_eq!(seen["different"], json!([]));
    assert!(seen["same"].as_u64().unwrap() >= 50, "{seen}");
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

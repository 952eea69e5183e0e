//! Every client that runs here lists the tools by the block that is printed for it, and by nothing else.

use std::{collections::BTreeMap, path::Path};

use farcall_acceptance::scratch;
use farcall_server::connect::{CLIENTS, MCP_REMOTE, Tried};
use serde_json::Value;

use super::{
    edge::{self, Edge},
    readers::{READERS, Reader},
};
use crate::{
    example::{BARE, BEARER, TOOLS, example},
    peer::{Peer, folder, repository},
};

/// The block for `reader`, as a Rust server prints it that is known at `origin`.
async fn block(reader: &Reader, origin: &str, auth: &str, folder: &Path) -> String {
    Peer::own("example-mcp-server")
        .arguments(&["handoff", "--client", reader.id, "--auth", auth])
        .environment(&[("PUBLIC_BASE_URL", origin)])
        .within(folder)
        .content(reader.id)
        .await
}

/// Whether it is connected with these secrets: as variables, or where it substitutes nothing, written into its file.
async fn connects(reader: &Reader, block: &str, secrets: &[(&str, &str)]) -> (bool, String) {
    let home = scratch(env!("CARGO_TARGET_TMPDIR"));
    let mut block = block.to_owned();
    for (name, value) in secrets {
        assert!(!block.contains(value), "{}: {block}", reader.id);
        if reader.id == "claude-desktop" {
            let written = format!(
                "\"{}${{{name}}}\"",
                if *name == "EXAMPLE_MCP_TOKEN" {
                    "Bearer "
                } else {
                    ""
                }
            );
            assert!(block.contains(&written), "{block}");
            block = block.replace(&written, &written.replace(&format!("${{{name}}}"), value));
        }
    }
    reader.put(home.path(), &block);
    reader.connects(home.path(), secrets).await
}

/// The same, and that it lists the tools: whether it says so itself or not, the server has been asked for them.
async fn lists(reader: &Reader, block: &str, secrets: &[(&str, &str)], edge: &Edge) {
    let (is_connected, said) = connects(reader, block, secrets).await;
    assert!(is_connected, "{}: {said}\n{block}", reader.id);
    let answered = edge.answered();
    assert!(
        answered.iter().any(|method| method == "tools/list"),
        "{}: {answered:?}\n{said}",
        reader.id
    );
}

#[tokio::test]
async fn every_client_lists_the_tools_by_its_block_and_the_token() {
    let example = example(&BEARER).await;
    let edge = Edge::before(example.server.origin(), false).await;
    for reader in &READERS {
        let block = block(reader, &edge.origin, "bearer", example.folder.path()).await;
        lists(reader, &block, BEARER.client, &edge).await;
        let wrong = [("EXAMPLE_MCP_TOKEN", "another-token-for-tests")];
        let (is_connected, said) = connects(reader, &block, &wrong).await;
        assert!(!is_connected, "{} with a wrong token: {said}", reader.id);
        assert_eq!(edge.answered(), Vec::<String>::new(), "{}", reader.id);
    }
    example.server.stop().await;
}

#[tokio::test]
async fn every_client_lists_the_tools_through_an_edge_by_two_headers() {
    let example = example(&BARE).await;
    let edge = Edge::before(example.server.origin(), true).await;
    let secrets = [
        ("EXAMPLE_CF_CLIENT_ID", edge::ID),
        ("EXAMPLE_CF_CLIENT_SECRET", edge::SECRET),
    ];
    for reader in &READERS {
        let block = block(reader, &edge.origin, "cloudflare", example.folder.path()).await;
        lists(reader, &block, &secrets, &edge).await;
    }
    example.server.stop().await;
}

/// Those that read `includeTools` complain about a server that leaves them no tool.
#[tokio::test]
async fn a_tool_that_is_not_in_the_list_of_a_block_is_not_taken() {
    let example = example(&BEARER).await;
    let origin = example.server.origin();
    let mut filters = Vec::new();
    for reader in &READERS {
        let mut block = block(reader, origin, "bearer", example.folder.path()).await;
        if !block.contains("includeTools") {
            continue;
        }
        for tool in TOOLS {
            block = block.replace(&format!("\"{tool}\""), &format!("\"no_{tool}\""));
        }
        let (is_content, said) = connects(reader, &block, BEARER.client).await;
        assert!(!is_content, "{}: {said}\n{block}", reader.id);
        filters.push(reader.id);
    }
    assert_eq!(filters, ["gemini-cli", "qwen-code"]);
    example.server.stop().await;
}

#[test]
fn the_table_says_of_every_client_that_was_run_in_which_version() {
    let pins = |file: &str| -> Value {
        let text = std::fs::read_to_string(repository().join(file)).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let package = pins("peers/clients/package.json");
    let of_npm = |name: &str| {
        ["dependencies", "optionalDependencies"]
            .iter()
            .find_map(|kind| package[kind][name].as_str())
            .unwrap_or_else(|| panic!("{name} is not pinned"))
            .trim_start_matches("npm:@openai/codex@")
            .trim_end_matches("-linux-x64")
            .to_owned()
    };
    let nanobot = std::fs::read_to_string(repository().join("peers/python/nanobot.txt")).unwrap();
    let nanobot = nanobot
        .lines()
        .find_map(|line| line.strip_prefix("nanobot-ai=="));
    let remote = format!("mcp-remote {}", of_npm("mcp-remote"));
    assert_eq!(MCP_REMOTE.replace('@', " "), remote);
    let installed = BTreeMap::from([
        ("claude-code", of_npm("@anthropic-ai/claude-code-linux-x64")),
        ("claude-desktop", remote),
        ("codex", of_npm("@openai/codex-linux-x64")),
        ("gemini-cli", of_npm("@google/gemini-cli")),
        ("mcporter", of_npm("mcporter")),
        ("nanobot", nanobot.unwrap().to_owned()),
        ("opencode", of_npm("opencode-linux-x64")),
        ("qwen-code", of_npm("@qwen-code/qwen-code")),
    ]);
    let said = CLIENTS.iter().filter_map(|client| match client.tried {
        Tried::Run(version, _) => Some((client.id, version.to_owned())),
        Tried::NotRun(_) => None,
    });
    assert_eq!(said.collect::<BTreeMap<_, _>>(), installed);
    assert!(
        READERS
            .iter()
            .all(|reader| installed.contains_key(reader.id))
    );
    assert_eq!(READERS.len(), installed.len());
}

/// No program of those that run here reads YAML, so a reader of the language itself does.
#[tokio::test]
async fn the_block_for_goose_is_yaml() {
    let home = scratch(env!("CARGO_TARGET_TMPDIR"));
    let goose = CLIENTS.iter().find(|client| client.id == "goose").unwrap();
    let block = Peer::own("example-mcp-server")
        .arguments(&["handoff", "--client", goose.id, "--auth", "bearer"])
        .within(home.path())
        .content(goose.id)
        .await;
    std::fs::write(home.path().join("config.yaml"), block).unwrap();
    let read = "import json, yaml; print(json.dumps(yaml.safe_load(open('config.yaml'))))";
    let python = folder().join("py-nanobot/bin/python");
    let read = Peer::at(&python)
        .arguments(&["-c", read])
        .within(home.path())
        .json("PyYAML")
        .await;
    let server = &read["extensions"]["example-mcp"];
    assert_eq!(
        server["headers"]["Authorization"],
        "Bearer ${EXAMPLE_MCP_TOKEN}"
    );
    assert_eq!(server["available_tools"].as_array().unwrap().len(), 5);
}

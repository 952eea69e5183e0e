//! Configurations that no server starts with, and usage that says nothing.

use super::{Doctor, FARM, TOKEN};
use crate::harness::Project;

#[tokio::test]
async fn a_key_that_is_none() {
    let project = Project::new("[server]\nnaem = \"x\"\n");
    let seen = Doctor::within(&project.path("")).run().await;
    assert_eq!(seen.exit, 2, "{}", seen.all());
    seen.says("configuration", "broken", "farcall.toml:2:1", "name");
}

#[tokio::test]
async fn a_program_that_is_not_there() {
    let project = Project::new("[tool.x]\ndescription = \"X.\"\ncommand = [\"no-such-program\"]\n");
    let seen = Doctor::within(&project.path("")).run().await;
    assert_eq!(seen.exit, 2, "{}", seen.all());
    seen.says("configuration", "broken", "no-such-program", "");
}

#[tokio::test]
async fn a_public_url_that_still_holds_a_placeholder() {
    let project = Project::new(FARM);
    let seen = Doctor::within(&project.path(""))
        .variable("PUBLIC_BASE_URL", "https://farm.<your-zone>")
        .run()
        .await;
    assert_eq!(seen.exit, 2, "{}", seen.all());
    seen.says(
        "configuration",
        "broken",
        "still holds a placeholder",
        "https://example-mcp.example.com",
    );
}

#[tokio::test]
async fn a_bind_for_everybody_without_a_token() {
    let project = Project::new(FARM);
    let seen = Doctor::within(&project.path(""))
        .variable("MCP_HOST", "0.0.0.0")
        .run()
        .await;
    assert_eq!(seen.exit, 2, "{}", seen.all());
    seen.says("configuration", "broken", "0.0.0.0", "MCP_BEARER_TOKEN");
}

#[tokio::test]
async fn doubts_are_told_beside_what_is_broken() {
    let project = Project::new(FARM);
    let seen = Doctor::within(&project.path(""))
        .argument("--only")
        .argument("machine")
        .variable("MCP_HOST", "0.0.0.0")
        .variable("MCP_PORT", "0")
        .variable("MCP_BEARER_TOKEN", "short")
        .variable("PUBLIC_BASE_URL", "http://farm.example.com")
        .run()
        .await;
    assert_eq!(seen.exit, 0, "{}", seen.all());
    seen.says("bind", "warning", "`MCP_PORT` is `0`", "MCP_PORT=8900");
    seen.says("public URL", "warning", "without TLS", "https://");
    seen.says(
        "authentication",
        "warning",
        "shorter than 16",
        "openssl rand",
    );
    seen.says(
        "trusted proxies",
        "warning",
        "one address",
        "FARCALL_TRUSTED_PROXIES",
    );
    seen.says(
        "secrets",
        "warning",
        "`MCP_BEARER_TOKEN` is in this shell",
        "`.env`",
    );
}

#[tokio::test]
async fn a_folder_without_a_server_and_without_a_url() {
    let folder = tempfile::tempdir().unwrap();
    let seen = Doctor::within(folder.path()).run().await;
    assert_eq!(seen.exit, 2);
    assert!(
        seen.stderr
            .contains("there is no `farcall.toml` here\nhint: "),
        "{}",
        seen.stderr
    );
    let seen = Doctor::within(folder.path())
        .argument("ftp://x")
        .run()
        .await;
    assert_eq!(seen.exit, 2);
    assert!(
        seen.stderr.contains("no http or https URL"),
        "{}",
        seen.stderr
    );
    let seen = Doctor::within(folder.path())
        .argument("http://127.0.0.1:1/mcp")
        .argument("--header")
        .argument(TOKEN)
        .run()
        .await;
    assert_eq!(seen.exit, 2);
    assert!(
        seen.stderr.contains("not of the form `Name: value`"),
        "{}",
        seen.stderr
    );
    let seen = Doctor::within(folder.path())
        .argument("http://127.0.0.1:1/mcp")
        .argument("--header")
        .argument("Mcp-Method: x")
        .run()
        .await;
    assert_eq!(seen.exit, 2);
    assert!(
        seen.stderr.contains("belongs to the protocol")
            && seen.stderr.contains("\nhint: leave it out"),
        "{}",
        seen.stderr
    );
}

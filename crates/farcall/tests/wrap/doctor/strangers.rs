//! Servers that let in who sent nothing.

use super::{
    FARM, TOKEN, afar, beside, free_port,
    front::{Way, answering, relay},
    on_a_known_port,
};
use crate::harness::Project;

#[tokio::test]
async fn a_gate_that_lets_everybody_through() {
    let (project, port) = on_a_known_port();
    let project = project.with("MCP_BEARER_TOKEN", TOKEN);
    let server = project.serve().await;
    let front = relay(&server.origin(), Way::Authorizing(TOKEN)).await;
    let seen = beside(&project, &port)
        .variable("MCP_BEARER_TOKEN", TOKEN)
        .argument(&front)
        .run()
        .await;
    seen.is_broken_at("open to strangers", "anyone who finds", "MCP_BEARER_TOKEN");
    // Nobody else can know that it should not be.
    let seen = afar(&front, &[("FARCALL_TOKEN", TOKEN)]).await;
    assert_eq!(seen.exit, 0, "{}", seen.all());
    seen.says("open to strangers", "warning", "is not asked for", "");
}

#[tokio::test]
async fn a_server_that_runs_without_its_token() {
    let (project, port) = on_a_known_port();
    let _server = project.serve().await;
    let seen = beside(&project, &port)
        .variable("MCP_BEARER_TOKEN", TOKEN)
        .run()
        .await;
    seen.is_broken_at(
        "open to strangers",
        "runs without its token",
        "start it again",
    );
}

#[tokio::test]
async fn an_open_server_whose_list_is_long() {
    use std::fmt::Write as _;

    let port = free_port().to_string();
    let mut farm = FARM.to_owned();
    let words = "word ".repeat(180);
    for index in 0..90 {
        let _ = write!(
            farm,
            "\n[tool.t{index}]\ndescription = \"{words}.\"\ncommand = [\"python3\", \"-c\", \"1\"]\n"
        );
    }
    let project = Project::new(&farm).with("MCP_PORT", &port);
    let _server = project.serve().await;
    let seen = beside(&project, &port)
        .variable("MCP_BEARER_TOKEN", TOKEN)
        .run()
        .await;
    seen.is_broken_at("open to strangers", "may call 95 tools", "MCP_BEARER_TOKEN");
}

#[tokio::test]
async fn an_open_server_whose_list_takes_too_long_for_strangers() {
    let (project, port) = on_a_known_port();
    let server = project.serve().await;
    let front = relay(&server.origin(), Way::SilentToStrangers).await;
    let seen = beside(&project, &port)
        .variable("MCP_BEARER_TOKEN", TOKEN)
        .argument(&front)
        .run()
        .await;
    seen.is_broken_at(
        "open to strangers",
        "is let in; the list",
        "MCP_BEARER_TOKEN",
    );
}

#[tokio::test]
async fn files_that_are_let_past_the_gate() {
    let port = free_port().to_string();
    let own = format!("http://127.0.0.1:{port}");
    let front = relay(&own, Way::AuthorizingFiles(TOKEN)).await;
    let project = Project::new(FARM)
        .with("MCP_PORT", &port)
        .with("MCP_BEARER_TOKEN", TOKEN)
        .with("PUBLIC_BASE_URL", &front);
    let _server = project.serve().await;
    let seen = afar(&front, &[("FARCALL_TOKEN", TOKEN)]).await;
    seen.is_broken_at(
        "files open to strangers",
        "is given to somebody who sent nothing",
        "before the whole host",
    );
}

#[tokio::test]
async fn where_no_conversation_begins_strangers_are_looked_at_all_the_same() {
    const EMPTY: &str = r#"{"jsonrpc": "2.0", "id": 1, "result": {}}"#;
    let edge = answering("200 OK", "content-type: application/json\r\n", EMPTY).await;
    let seen = afar(&edge, &[]).await;
    seen.is_broken_at("protocol", "", "");
    seen.says("open to strangers", "unverified", "who sends nothing", "");
    seen.says("files open to strangers", "unverified", "", "");
    seen.says("path", "unverified", "were not looked at", "");
}

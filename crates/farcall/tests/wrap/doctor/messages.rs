//! What clients say, and what it means.

use serde_json::json;

use super::{Doctor, FARM, Seen, TOKEN};
use crate::harness::{Project, client};

async fn explained(text: &str) -> Seen {
    let folder = tempfile::tempdir().unwrap();
    Doctor::within(folder.path())
        .argument("--message")
        .argument(text)
        .run()
        .await
}

#[tokio::test]
async fn a_message_is_told_apart_and_what_nobody_knows_is_not_guessed() {
    let seen = explained("Dynamic Client Registration rejected (HTTP 404)").await;
    assert_eq!(seen.exit, 0);
    assert!(
        seen.stdout.contains("the token was not sent") && seen.stdout.contains("EXAMPLE_MCP_TOKEN"),
        "{}",
        seen.stdout
    );
    let seen = explained("the moon is full").await;
    assert_eq!(seen.exit, 1);
    assert!(
        seen.stderr.contains("not known here\nhint: "),
        "{}",
        seen.stderr
    );
}

#[tokio::test]
async fn what_the_server_says_itself_is_known() {
    let project = Project::new(FARM).with("MCP_BEARER_TOKEN", TOKEN);
    let server = project.serve().await;
    let asked = || server.request("tools/list", "", json!({}));
    let large = json!({"text": "x".repeat(2 << 20)});
    let of_ann = |name, value: &str| asked().bearer_auth(TOKEN).header(name, value);
    for (request, part) in [
        (asked(), "did not send the header"),
        (asked().bearer_auth("another"), "none of this server"),
        (
            asked().header("authorization", "Basic YTpi"),
            "not in the form `Bearer <token>`",
        ),
        (
            of_ann("host", "a.example"),
            "the name under which it was called",
        ),
        (
            of_ann("origin", "https://a.example"),
            "its origin is not listed",
        ),
        (
            server
                .request("tools/call", "add", large)
                .bearer_auth(TOKEN),
            "more than the 1 MiB",
        ),
        (
            client()
                .post(format!("{}/mcp", server.origin()))
                .bearer_auth(TOKEN)
                .header("accept", "text/plain")
                .json(&json!({"jsonrpc": "2.0", "id": 1, "method": "ping"})),
            "not those of Streamable HTTP",
        ),
        (
            client()
                .post(format!("{}/mpc", server.origin()))
                .bearer_auth(TOKEN),
            "nothing is at this path",
        ),
        (
            client()
                .post(format!("{}/mcp", server.origin()))
                .bearer_auth(TOKEN)
                .header("accept", "application/json, text/event-stream")
                .header("content-type", "application/json")
                .body(""),
            "a POST without a body",
        ),
    ] {
        let answer = request.send().await.unwrap();
        assert!(!answer.status().is_success(), "{answer:?}");
        let said = answer.text().await.unwrap();
        let seen = explained(&said).await;
        assert!(seen.stdout.contains(part), "{said}\n{}", seen.stdout);
    }
}

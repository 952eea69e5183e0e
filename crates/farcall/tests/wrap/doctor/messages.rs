//! What clients say, and what it means.

use super::{Doctor, Seen};

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

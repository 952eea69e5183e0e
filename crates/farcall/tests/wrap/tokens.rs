//! `farcall token` and `farcall serve`, as their operator runs them.

use std::{fs, path::Path};

use serde_json::json;

use crate::harness::{Project, Server, until};

const TOML: &str = "[tool.hello]\ndescription = \"Say hello.\"\ncommand = [\"echo\", \"hello\"]\n\
                    [job.wait]\ndescription = \"Say hello later.\"\ncommand = [\"echo\", \"hello\"]\n";

/// The status and the whole answer to whoever has `token`.
async fn called(server: &Server, token: &str) -> (u16, String) {
    let params = json!({"name": "hello", "arguments": {}});
    let request = server
        .request("tools/call", "hello", params)
        .bearer_auth(token);
    let response = request.send().await.unwrap();
    let (status, head) = (
        response.status().as_u16(),
        format!("{:?}", response.headers()),
    );
    (status, head + &response.text().await.unwrap())
}

/// Everything in a folder, and in those below.
fn contents(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            bytes.extend(contents(&path));
        } else {
            bytes.extend(fs::read(path).unwrap());
        }
    }
    bytes
}

#[tokio::test]
async fn who_is_named_first_is_let_in_from_the_start() {
    let project = Project::new(TOML);
    let ci = project.token(&["create", "ci"]);
    let server = project.serve().await;
    assert!(
        server
            .talk()
            .contains("authenticated by the tokens of named callers"),
        "{}",
        server.talk()
    );
    assert_eq!(called(&server, &ci).await.0, 200);
    assert_eq!(called(&server, "nothing").await.0, 401);
    server.stop().await;
}

/// PROMISES 3.2 and 3.6: a token is where its holder has it, and nowhere else.
#[tokio::test]
async fn a_token_is_in_no_log_no_file_and_no_answer() {
    // Also those who say too much for every day.
    let loud = "trace,hyper=trace,rmcp=trace,rmcp::service=trace,sqlx=trace";
    let project = Project::new(TOML).with("FARCALL_LOG", loud);
    let ci = project.token(&["create", "ci"]);
    let secret = &ci[16..];
    let server = project.serve().await;
    let mut answers = String::new();
    for sent in [
        ci.clone(),
        format!("{ci}x"),
        ci[..58].to_owned(),
        ci.to_uppercase(),
        format!("fc_zzzzzzzzzzzz_{secret}"),
        format!("\"{ci}\""),
        format!("{ci} {ci}"),
    ] {
        answers.push_str(&called(&server, &sent).await.1);
    }
    // By the way through the SDK, which has a log of its own.
    let listing = server
        .request("prompts/list", "", json!({}))
        .bearer_auth(&ci);
    answers.push_str(&listing.send().await.unwrap().text().await.unwrap());
    // Where it does not belong.
    for path in [
        format!("/files/{ci}"),
        format!("/files/x?access_token={ci}"),
        format!("/{ci}"),
    ] {
        let url = server.origin() + &path;
        let response = reqwest::Client::builder()
            .no_proxy()
            .build()
            .unwrap()
            .get(url)
            .send();
        answers.push_str(&response.await.unwrap().text().await.unwrap());
    }
    let fresh = project.token(&["rotate", "ci"]);
    assert_eq!(called(&server, &fresh).await.0, 200);
    project.token(&["revoke", &fresh]);
    until("the refusal", async || {
        (called(&server, &fresh).await.0 == 401).then_some(())
    })
    .await;
    let talk = server.talk();
    assert!(
        talk.contains("TRACE"),
        "the log is not as loud as it can be"
    );
    server.stop().await;
    let files = contents(&project.path(".farcall"));
    assert!(!files.is_empty());
    for secret in [secret, &fresh[16..]] {
        assert!(!talk.contains(secret), "it is in the log");
        assert!(!answers.contains(secret), "it is in an answer");
        let is_in = files
            .windows(secret.len())
            .any(|bytes| bytes == secret.as_bytes());
        assert!(!is_in, "it is in the data folder");
    }
}

/// The start matrix of PROMISES 3.2: an address that this machine does not have shows what is refused
/// before anything is bound.
#[tokio::test]
async fn beyond_loopback_a_named_caller_counts_as_authentication() {
    let project = Project::new(TOML).with("MCP_HOST", "192.0.2.1");
    let (exit, talk) = project.refused().await;
    assert_eq!(exit, 2, "{talk}");
    assert!(
        talk.contains("without authentication") && talk.contains("token create"),
        "{talk}"
    );
    let ci = project.token(&["create", "ci"]);
    let (exit, talk) = project.refused().await;
    assert_eq!(exit, 2, "{talk}");
    assert!(
        talk.contains("cannot be bound") && !talk.contains("without authentication"),
        "{talk}"
    );
    // Whoever was named and is not let in any more does not open the server to everybody.
    project.token(&["revoke", &ci]);
    let (_, talk) = project.refused().await;
    assert!(talk.contains("cannot be bound"), "{talk}");
}

//! `farcall keys` beside `farcall serve`, as their operator runs them.

use std::sync::Arc;

use farcall_core::{artifact::hexadecimal, clock::SystemClock};
use farcall_store::{JobStore, SqliteStore};
use serde_json::{Value, json};

use crate::harness::{Project, Server, client, message, until};

const TOKEN: &str = "the-token-of-the-tests-0123456789abcdef";

const TOML: &str = "[job.film]\ndescription = \"Make a film.\"\n\
                    command = [\"sh\", \"-c\", \"echo film > film.txt\"]\nartifacts = [\"film.txt\"]\n";

async fn called(server: &Server, tool: &str, arguments: Value) -> Value {
    let params = json!({"name": tool, "arguments": arguments});
    let request = server.request("tools/call", tool, params);
    let answer = request.bearer_auth(TOKEN).send().await.unwrap();
    let body = answer.text().await.unwrap();
    message(&body)["result"]["structuredContent"].clone()
}

/// The link in a result of this moment.
async fn link(server: &Server, id: &Value) -> String {
    until("the film", async || {
        let result = called(server, "get_film_result", json!({"job_id": id})).await;
        result["url"].as_str().map(str::to_owned)
    })
    .await
}

async fn status(link: &str) -> u16 {
    client().get(link).send().await.unwrap().status().as_u16()
}

/// What an operator does where a key was stolen: from the verb to the last 404.
#[tokio::test]
async fn a_stolen_key_opens_nothing_seconds_after_the_verb_and_is_printed_nowhere() {
    let project = Project::new(TOML)
        .with("MCP_BEARER_TOKEN", TOKEN)
        .with("FARCALL_LOG", "trace,hyper=trace,rmcp=trace,sqlx=trace");
    let server = project.serve().await;
    let id = called(&server, "start_film", json!({})).await["job_id"].clone();
    let stolen = link(&server, &id).await;
    assert_eq!(status(&stolen).await, 200);
    let mut keys = stored(&project).await;

    let said = project.keys(&["rotate", "--now"]);
    until("the end of the links before", async || {
        (status(&stolen).await == 404).then_some(())
    })
    .await;
    let fresh = link(&server, &id).await;
    assert_eq!(status(&fresh).await, 200);
    let kid = fresh
        .split("kid=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap();
    assert!(said.contains(&format!("links: {kid} signs")), "{said}");
    let talk = server.talk();
    assert!(
        talk.contains("another key signs from now on") && talk.contains(kid),
        "{talk}"
    );

    server.stop().await;
    keys.extend(stored(&project).await);
    assert_eq!(keys.len(), 4);
    for digits in &keys {
        assert!(!talk.contains(digits.as_str()) && !said.contains(digits.as_str()));
    }
}

/// The keys in the store, as hexadecimal digits.
async fn stored(project: &Project) -> Vec<String> {
    let folder = project.path(".farcall");
    let store = SqliteStore::attach(&folder, Arc::new(SystemClock)).await;
    let store = store.unwrap();
    let mut keys = Vec::new();
    for purpose in ["links", "request-state"] {
        let live = store.secrets(purpose).await.unwrap().live;
        keys.extend(live.iter().map(|secret| hexadecimal(&secret.value)));
    }
    store.close().await;
    keys
}

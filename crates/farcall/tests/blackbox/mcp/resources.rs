//! Resources and templates.

use farcall::{App, Resource, ResourceContent, ResourceTemplate, json};

use crate::{
    harness::{Reply, Server, Setup},
    offers::tools,
};

fn app() -> App {
    let today = Resource::new("notes://today", "today", |_, uri| async move {
        Ok(vec![ResourceContent::text(
            uri,
            "text/plain",
            "nothing yet",
        )])
    });
    let logo = Resource::new("notes://logo", "logo", |_, uri| async move {
        Ok(vec![ResourceContent::blob(uri, "image/gif", b"GIF89a")])
    });
    let broken = Resource::new("notes://broken", "broken", |_, _| async {
        panic!("SELECT")
    });
    let day = ResourceTemplate::new("notes://day/{day}", "day", |_, uri, found| async move {
        let text = format!("notes of {}", found["day"]);
        Ok(vec![ResourceContent::text(uri, "text/plain", text)])
    });
    tools()
        .resource(
            today
                .describe("Today's notes.")
                .with("mimeType", "text/plain"),
        )
        .resource(logo)
        .resource(broken)
        .resource_template(day.describe("The notes of a day."))
}

async fn server() -> Server {
    Setup::new(app()).start().await
}

async fn read(uri: &str) -> Reply {
    let request = server().await.rpc("resources/read", json!({"uri": uri}));
    request.send().await
}

#[tokio::test]
async fn resources_and_templates_are_listed_apart() {
    let server = server().await;
    let listed = server
        .rpc("resources/list", json!({}))
        .send()
        .await
        .result();
    assert_eq!(
        listed["resources"][0],
        json!({"uri": "notes://today", "name": "today", "description": "Today's notes.", "mimeType": "text/plain"})
    );
    assert_eq!(listed["resources"].as_array().unwrap().len(), 3);
    let listed = server
        .rpc("resources/templates/list", json!({}))
        .send()
        .await
        .result();
    assert_eq!(
        listed["resourceTemplates"],
        json!([{"uriTemplate": "notes://day/{day}", "name": "day", "description": "The notes of a day."}])
    );
}

#[tokio::test]
async fn a_text_is_read() {
    assert_eq!(
        read("notes://today").await.result()["contents"],
        json!([{"uri": "notes://today", "mimeType": "text/plain", "text": "nothing yet"}])
    );
}

#[tokio::test]
async fn bytes_are_read_as_base64() {
    let contents = read("notes://logo").await.result()["contents"].clone();
    assert_eq!(contents[0]["blob"], "R0lGODlh");
}

#[tokio::test]
async fn a_template_finds_its_variables_decoded() {
    let contents = read("notes://day/m%C3%A4rz").await.result()["contents"].clone();
    assert_eq!(contents[0]["text"], "notes of märz");
}

#[tokio::test]
async fn a_uri_that_nothing_matches_is_not_found_with_the_uri() {
    for uri in [
        "notes://tomorrow",
        "notes://day/1/2",
        "notes://day/",
        "file:///etc/passwd",
        "notes://day/%ff",
    ] {
        let reply = read(uri).await;
        let (code, sentence) = reply.rpc_error();
        assert!(matches!(code, -32_002 | -32_602), "{uri}: {code}");
        assert!(sentence.contains("no such resource"), "{uri}: {sentence}");
        assert_eq!(reply.json()["error"]["data"]["uri"], uri);
    }
}

#[tokio::test]
async fn a_resource_that_panics_is_a_fault_of_the_server() {
    let (code, sentence) = read("notes://broken").await.rpc_error();
    assert_eq!(code, -32_603);
    assert!(sentence.contains("the server failed"), "{sentence}");
}

#[tokio::test]
async fn without_sessions_an_older_client_cannot_subscribe_and_is_told_so() {
    let server = server().await;
    let request = server.legacy("resources/subscribe", json!({"uri": "notes://today"}));
    let (_, sentence) = request.send().await.rpc_error();
    assert!(sentence.contains("no session"), "{sentence}");
}

//! `subscriptions/listen` of 2026-07-28.

use farcall::{App, Resource, ResourceContent, Updates, json};
use farcall_core::updates::Update;

use crate::{
    harness::{Events, Server, Setup, soon},
    offers::{open_server, tools},
};

fn app(updates: &Updates) -> App {
    let today = Resource::new("notes://today", "today", |_, uri| async move {
        Ok(vec![ResourceContent::text(
            uri,
            "text/plain",
            "nothing yet",
        )])
    });
    tools().resource(today).updates(updates)
}

/// A stream that has been acknowledged.
async fn listening(server: &Server, filter: farcall::Value) -> Events {
    let request = server.rpc("subscriptions/listen", json!({"notifications": filter}));
    let mut events = request.events().await;
    assert_eq!(events.status, 200);
    let acknowledged = events.expect().await;
    assert_eq!(
        acknowledged["method"],
        "notifications/subscriptions/acknowledged"
    );
    events
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_update_reaches_the_stream_that_subscribed_to_it() {
    let updates = Updates::default();
    let server = Setup::new(app(&updates)).start().await;
    let mut events = listening(&server, json!({"resourceSubscriptions": ["notes://today"]})).await;
    updates.resource("notes://today");
    let news = events.expect().await;
    assert_eq!(news["method"], "notifications/resources/updated");
    assert_eq!(news["params"]["uri"], "notes://today");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn only_what_was_subscribed_to_arrives() {
    let updates = Updates::default();
    let server = Setup::new(app(&updates)).start().await;
    let filter = json!({"resourceSubscriptions": ["notes://today"], "toolsListChanged": true});
    let mut events = listening(&server, filter).await;
    updates.resource("notes://yesterday");
    updates.send(Update::Prompts);
    updates.send(Update::Resources);
    updates.send(Update::Tools);
    updates.resource("notes://today");
    assert_eq!(
        events.expect().await["method"],
        "notifications/tools/list_changed"
    );
    assert_eq!(
        events.expect().await["method"],
        "notifications/resources/updated"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_stream_hears_the_news_for_itself() {
    let updates = Updates::default();
    let server = Setup::new(app(&updates)).start().await;
    let mut streams = Vec::new();
    for _ in 0..5 {
        streams.push(listening(&server, json!({"toolsListChanged": true})).await);
    }
    drop(streams.pop());
    updates.send(Update::Tools);
    for events in &mut streams {
        assert_eq!(
            events.expect().await["method"],
            "notifications/tools/list_changed"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_server_stops_although_somebody_listens() {
    let updates = Updates::default();
    let server = Setup::new(app(&updates)).start().await;
    let mut events = listening(&server, json!({"toolsListChanged": true})).await;
    let reader = tokio::spawn(async move { while events.message().await.is_some() {} });
    server.stop().await;
    soon(reader).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_updates_nothing_can_be_subscribed_to() {
    let server = open_server().await;
    let filter = json!({"notifications": {"toolsListChanged": true}});
    let (code, _) = server
        .rpc("subscriptions/listen", filter)
        .send()
        .await
        .rpc_error();
    assert_eq!(code, -32_601);
}

#[tokio::test]
async fn who_reads_no_streams_cannot_subscribe() {
    let server = Setup::new(app(&Updates::default())).start().await;
    let filter = json!({"notifications": {"toolsListChanged": true}});
    let request = server.rpc("subscriptions/listen", filter);
    let reply = request.accept("application/json").send().await;
    assert_eq!(reply.status, 406);
    assert!(reply.rpc_error().1.contains("stream"));
}

//! What the client of a session is told unasked.

use farcall::{LogLevel, Resource, ResourceContent, Sessions, Updates, json, prelude::*};
use farcall_core::updates::Update;
use reqwest::Method;

use super::Session;
use crate::{
    harness::{Events, Server, Setup},
    offers::tools,
};

/// Say something light and something heavy.
#[tool]
async fn talk(ctx: CallContext) -> u32 {
    ctx.log(LogLevel::Info, "light").await;
    ctx.log(LogLevel::Error, "heavy").await;
    2
}

async fn server(updates: &Updates) -> Server {
    let today = Resource::new("notes://today", "today", |_, uri| async move {
        Ok(vec![ResourceContent::text(
            uri,
            "text/plain",
            "nothing yet",
        )])
    });
    let app = tools().tool::<talk>().resource(today).updates(updates);
    Setup::new(app.sessions(Sessions::default())).start().await
}

/// The stream that a session gets by GET.
async fn stream(session: &Session) -> Events {
    let request = session.client.http(Method::GET, "/mcp");
    let request = request.header("mcp-session-id", &session.id);
    let request = request.header("mcp-protocol-version", "2025-11-25");
    let events = request.header("accept", "text/event-stream").events().await;
    assert_eq!(events.status, 200);
    events
}

#[tokio::test]
async fn a_resource_that_was_subscribed_to_is_announced() {
    let updates = Updates::default();
    let server = server(&updates).await;
    let session = Session::open(&server).await;
    let mut events = stream(&session).await;
    let subscribe = session.request("resources/subscribe", json!({"uri": "notes://today"}));
    subscribe.send().await.result();
    updates.resource("notes://yesterday");
    updates.resource("notes://today");
    let news = events.expect().await;
    assert_eq!(news["method"], "notifications/resources/updated");
    assert_eq!(news["params"]["uri"], "notes://today");
}

#[tokio::test]
async fn after_unsubscribing_it_is_not_announced_any_more() {
    let updates = Updates::default();
    let server = server(&updates).await;
    let session = Session::open(&server).await;
    let mut events = stream(&session).await;
    for method in ["resources/subscribe", "resources/unsubscribe"] {
        let request = session.request(method, json!({"uri": "notes://today"}));
        request.send().await.result();
    }
    updates.resource("notes://today");
    updates.send(Update::Tools);
    assert_eq!(
        events.expect().await["method"],
        "notifications/tools/list_changed"
    );
}

#[tokio::test]
async fn log_entries_follow_the_level_that_the_session_chose() {
    let server = server(&Updates::default()).await;
    let session = Session::open(&server).await;
    let mut events = stream(&session).await;
    for (level, heard) in [
        ("debug", &["light", "heavy"][..]),
        ("critical", &[]),
        ("error", &["heavy"]),
    ] {
        let choose = session.request("logging/setLevel", json!({"level": level}));
        choose.send().await.result();
        session.call("talk", json!({})).send().await.result();
        for heard in heard {
            let entry = events.expect().await;
            assert_eq!(entry["method"], "notifications/message");
            assert_eq!(entry["params"]["data"], *heard, "{level}");
        }
    }
}

#[tokio::test]
async fn the_stream_of_a_session_ends_when_the_server_stops() {
    let server = server(&Updates::default()).await;
    let session = Session::open(&server).await;
    let mut events = stream(&session).await;
    // Left open, it would hold the end of the server back for its whole drain time.
    let began = std::time::Instant::now();
    server.stop().await;
    assert_eq!(events.message().await, None);
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}

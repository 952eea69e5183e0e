//! Many who follow at once, or for long: their bounds, and what is left of those who go.

use farcall::{Principal, Problem, TokenVerifier, Updates, async_trait, json};
use tokio_util::sync::CancellationToken;

use super::{NOWHERE, app, ends, following, is_over, listen, listening, server, told_when};
use crate::{
    harness::{Connection, Setup, pace, soon},
    tasks::{ended, id_of},
};

#[tokio::test]
async fn no_more_than_so_many_are_followed_on_a_stream() {
    let server = server(&CancellationToken::new()).await;
    let id = id_of(&server, "print", json!({"text": "x"})).await;
    let mut ids = vec![NOWHERE; 64];
    ids.push(&id);
    let (events, accepted) = listening(&server, json!({"taskIds": ids})).await;
    assert_eq!(accepted, json!({}));
    ends(events).await;
    let (_events, accepted) = listening(&server, json!({"taskIds": &ids[1..]})).await;
    assert_eq!(accepted, json!({"taskIds": [id]}));
}

/// Knows everybody whose token ends in `-token`.
struct Many;

#[async_trait]
impl TokenVerifier for Many {
    async fn verify(&self, token: &str) -> Result<Option<Principal>, Problem> {
        Ok(token.strip_suffix("-token").map(Principal::new))
    }
}

#[tokio::test]
async fn two_hundred_follow_at_once_and_each_caller_has_its_bound() {
    let gate = CancellationToken::new();
    let server = Setup::new(app(&gate).token_verifier(Many)).start().await;
    let mut all = Vec::new();
    let mut callers = Vec::new();
    for number in 0..25 {
        let caller = server.with_token(&format!("caller-{number}-token"));
        let id = id_of(&caller, "print", json!({"text": "x"})).await;
        for _ in 0..8 {
            all.push(following(&caller, &[&id]).await);
        }
        let refused = listen(&caller, json!({"taskIds": [id]})).send().await;
        assert_eq!((refused.status, refused.header("retry-after")), (429, "30"));
        assert_eq!(refused.json()["id"], 1);
        assert!(refused.rpc_error().1.contains("too many subscriptions"));
        callers.push((caller, id));
    }
    gate.cancel();
    for events in &mut all {
        let task = told_when(events, is_over).await;
        assert_eq!(task["status"], "completed", "{task}");
    }
    // They end by themselves, and their places are free again.
    for events in all {
        ends(events).await;
    }
    let (caller, id) = &callers[0];
    let again = soon(async {
        loop {
            let events = listen(caller, json!({"taskIds": [id]})).events().await;
            if events.status == 200 {
                return events;
            }
        }
    });
    drop(again.await);
}

#[tokio::test]
async fn whoever_goes_leaves_nothing_behind() {
    let gate = CancellationToken::new();
    let server = server(&gate).await;
    let id = id_of(&server, "print", json!({"text": "x"})).await;
    told_when(&mut following(&server, &[&id]).await, |task| {
        task["statusMessage"] == "[1/2] setting type"
    })
    .await;
    let metrics = tokio::runtime::Handle::current().metrics();
    let before = metrics.num_alive_tasks();
    for _ in 0..5 {
        let mut all = Vec::new();
        for _ in 0..40 {
            all.push(following(&server, &[&id]).await);
        }
        drop(all);
    }
    soon(async {
        while metrics.num_alive_tasks() > before + 5 {
            pace().await;
        }
    })
    .await;
    gate.cancel();
    ended(&server, &id).await;
}

/// A client that reads nothing costs no more than its place, and loses that.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_reads_too_slowly_loses_its_stream_and_nobody_else_does() {
    let (gate, updates) = (CancellationToken::new(), Updates::default());
    let resource = farcall::Resource::new("notes://today", "today", |_, uri| async move {
        Ok(vec![farcall::ResourceContent::text(uri, "text/plain", "x")])
    });
    let app = app(&gate).resource(resource).updates(&updates);
    let server = Setup::new(app).start().await;
    let id = id_of(&server, "print", json!({"text": "x"})).await;
    let uri = format!("notes://{}", "x".repeat(2_000));
    let filter = json!({"taskIds": [id], "resourceSubscriptions": [uri]});
    let slow = listen(&server, filter);
    let mut unread = Connection::open(server.address).await;
    unread.write(&slow.wire()).await;
    let head = String::from_utf8(unread.some().await).unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let mut quick = following(&server, &[&id]).await;

    // More than the sockets of both ends hold.
    let sent = 20_000;
    for _ in 0..sent {
        updates.resource(uri.as_str());
        tokio::task::yield_now().await;
    }
    let rest = unread.rest().await;
    let got = rest
        .windows(uri.len())
        .filter(|part| *part == uri.as_bytes())
        .count();
    assert!(got < sent, "it got all of them");
    let rest = String::from_utf8_lossy(&rest);
    assert!(!rest.contains("resultType"), "it ended in order");
    gate.cancel();
    told_when(&mut quick, is_over).await;
    ends(quick).await;
}

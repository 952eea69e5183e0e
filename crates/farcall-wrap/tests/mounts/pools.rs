//! Several servers of a mount, of which some do not start.

use farcall_core::problem::ErrorCode;
use serde_json::json;

use crate::harness::{Desk, is_alive, until, within};

#[tokio::test]
async fn a_server_that_does_not_start_leaves_its_calls_to_one_that_runs() {
    let desk = Desk::new("pool = 2\nrestarts = 1");
    let served = desk.start().await.unwrap();
    desk.put("mode", "broken");
    let waiting = tokio::spawn(served.call("wait", &json!({})));
    desk.process("waiting", 1).await;
    // The other one is tried once, and once again.
    for _ in 0..5 {
        served.echo().await;
    }
    assert_eq!(desk.noted("started").len(), 3);
    desk.put("gate", "");
    within(waiting).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_server_that_takes_long_to_start_leaves_its_calls_to_one_that_runs() {
    let desk = Desk::new("pool = 2");
    let served = desk.start().await.unwrap();
    desk.put("mode", "late");
    let waiting = tokio::spawn(served.call("wait", &json!({})));
    desk.process("waiting", 1).await;
    served.echo().await;
    assert_eq!(desk.noted("started").len(), 2);
    desk.put("gate", "");
    within(waiting).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_server_that_starts() {
    let desk = Desk::new("limits = { output = \"64KiB\" }");
    let served = desk.start().await.unwrap();
    let first = desk.process("started", 1).await;
    desk.put("mode", "late");
    // What is no message, and too long to be passed over, ends it.
    served.raw(&"x".repeat(200 << 10), "").await.unwrap_err();
    let starting = tokio::spawn(served.call("echo", &json!({"text": ""})));
    let second = desk.process("started", 2).await;
    within(served.0.server.stop()).await;
    assert!(!is_alive(first) && !is_alive(second));
    let problem = within(starting).await.unwrap().unwrap_err();
    assert_eq!(problem.code(), ErrorCode::Internal);
    assert!(problem.public_message().contains("this server stops"));
    // Nor is another one started.
    let late = served.call("echo", &json!({"text": ""})).await;
    assert!(
        late.unwrap_err()
            .public_message()
            .contains("this server stops")
    );
    assert_eq!(desk.noted("started").len(), 2);
}

#[tokio::test]
async fn a_server_ends_that_nobody_wants_any_more_before_it_has_started() {
    let desk = Desk::new("");
    desk.put("mode", "late");
    let process = {
        let mut starting = Box::pin(desk.start());
        tokio::select! {
            _ = &mut starting => panic!("it is late"),
            process = desk.process("started", 1) => process,
        }
    };
    until("the end of the server", || {
        (!is_alive(process)).then_some(())
    })
    .await;
}

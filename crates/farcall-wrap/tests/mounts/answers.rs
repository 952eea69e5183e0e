//! What becomes of answers, whatever they are.

use std::time::Duration;

use farcall_core::{context::CallContext, problem::ErrorCode};
use serde_json::json;
use tokio::time::timeout;

use crate::harness::{Desk, within};

const BEGINNING: &str = r#"{"jsonrpc":"2.0","id":"#;

#[tokio::test]
async fn an_answer_that_is_none_is_an_error_for_its_caller() {
    let desk = Desk::new("");
    let served = desk.start().await.unwrap();
    for rest in [r#","result":[1]}"#, r#","result":null,"error":null}"#, "}"] {
        let problem = served.raw(BEGINNING, rest).await.unwrap_err();
        assert_eq!(problem.code(), ErrorCode::Internal, "{rest}");
    }
    served.echo().await;
    assert_eq!(desk.noted("started").len(), 1);
}

#[tokio::test]
async fn an_error_that_is_null_is_none() {
    let desk = Desk::new("");
    let served = desk.start().await.unwrap();
    let rest = r#","result":{"content":[]},"error":null}"#;
    assert!(
        served
            .raw(BEGINNING, rest)
            .await
            .unwrap()
            .content
            .is_empty()
    );
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_an_error_for_its_caller_alone() {
    let desk = Desk::new("limits = { output = \"64KiB\" }");
    let served = desk.start().await.unwrap();
    let waiting = tokio::spawn(served.call("wait", &json!({})));
    desk.process("waiting", 1).await;
    let much = "x".repeat(200 << 10);
    let rest = format!(r#","result":{{"content":[{{"type":"text","text":"{much}"}}]}}}}"#);
    let problem = served.raw(BEGINNING, &rest).await.unwrap_err();
    assert_eq!(problem.code(), ErrorCode::OutputLimit);
    let sentence = problem.public_message();
    assert!(sentence.contains("more than 65536 bytes"), "{sentence}");
    // What it says besides answers concerns nobody.
    let before = format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/message","params":{{"data":"{much}"}}}}"#
    );
    let before = format!("{before}\n{BEGINNING}");
    served.raw(&before, r#","result":{}}"#).await.unwrap();
    desk.put("gate", "");
    waiting.await.unwrap().unwrap();
    served.echo().await;
    assert_eq!(desk.noted("started").len(), 1);
    // Here nobody knows whose answer it is.
    let before = format!(r#"{{"result":{{"text":"{much}"}},"id":"#);
    let problem = served.raw(&before, "}").await.unwrap_err();
    assert!(
        problem
            .public_message()
            .contains("ended before it answered")
    );
    served.echo().await;
    assert_eq!(desk.noted("started").len(), 2);
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_not_asked() {
    let desk = Desk::new("");
    let served = desk.start().await.unwrap();
    let napping = tokio::spawn(served.call("nap", &json!({})));
    desk.process("napping", 1).await;
    // More than the pipe takes, so what comes after it has to wait.
    let large = json!({"text": "x".repeat(256 << 10)});
    let mut blocking = Box::pin(served.call("echo", &large));
    assert!(timeout(Duration::ZERO, &mut blocking).await.is_err());
    for _ in 0..50 {
        let abandoned = served.call("echo", &json!({"text": "abandoned"}));
        assert!(timeout(Duration::ZERO, abandoned).await.is_err());
    }
    desk.put("gate", "");
    within(napping).await.unwrap().unwrap();
    within(blocking).await.unwrap();
    served.echo().await;
    let called = desk.noted("called");
    assert!(!called.contains(&"echo abandoned".to_owned()), "{called:?}");
    assert!(desk.noted("cancelled").is_empty());
}

#[tokio::test]
async fn what_was_asked_is_taken_back_however_much_waits() {
    let desk = Desk::new("");
    let served = desk.start().await.unwrap();
    let calls: Vec<_> = (0..100).map(|_| served.call("wait", &json!({}))).collect();
    let calls: Vec<_> = calls.into_iter().map(tokio::spawn).collect();
    desk.process("waiting", 100).await;
    let napping = tokio::spawn(served.call("nap", &json!({})));
    desk.process("napping", 1).await;
    let large = json!({"text": "x".repeat(256 << 10)});
    let blocking = tokio::spawn(served.call("echo", &large));
    for call in calls {
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
    }
    desk.put("gate", "");
    within(napping).await.unwrap().unwrap();
    within(blocking).await.unwrap().unwrap();
    desk.process("cancelled", 100).await;
}

#[tokio::test]
async fn a_refusal_keeps_its_code_and_what_stands_beside_it() {
    let desk = Desk::new("");
    let served = desk.start().await.unwrap();
    let problem = served.call("refuse", &json!({})).await.unwrap_err();
    assert_eq!(problem.public_message(), "no such thing");
    assert_eq!(problem.details()["code"], -32_050);
    assert_eq!(problem.details()["data"], json!({"text": "bold"}));
    let resource = &served.0.offers.resources[0];
    let read = within(resource.read(CallContext::detached())).await;
    let problem = read.unwrap_err();
    assert_eq!(problem.details()["code"], -32_002);
    assert_eq!(problem.details()["data"], json!({"uri": "demo://gone"}));
}

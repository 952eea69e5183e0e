//! Tools that are not there, that panic, and that take too long.

use std::{
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use farcall::{App, Tool, ToolDeclaration, ToolOutput, Value, json, prelude::*};

use crate::{
    harness::{Era, Server, Setup, soon},
    offers::{open_server, tools},
};

/// Panic while it waits.
#[tool]
async fn late_panic() -> String {
    tokio::task::yield_now().await;
    panic!("SELECT * FROM secrets");
}

/// Panic on a thread of its own.
#[tool]
fn plain_panic() -> String {
    panic!("there is nothing in /src/main.rs:1")
}

/// Panic while its answer is written.
#[tool]
async fn answer_panic() -> Result<String, Problem> {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(std::thread::panicking(), "panicked while it was dropped");
        }
    }
    let _bomb = Bomb;
    Ok("fine".to_owned())
}

fn early_panic(
    _: CallContext,
    _: serde_json::Map<String, Value>,
) -> std::future::Ready<Result<ToolOutput, Problem>> {
    panic!("panicked before there was a future")
}

fn panicking() -> App {
    let declaration = ToolDeclaration::new("early_panic", "Panic before there is a future.");
    tools()
        .tool::<late_panic>()
        .tool::<plain_panic>()
        .tool::<answer_panic>()
        .add_tool(Tool::dynamic(declaration, early_panic))
}

async fn panics(tool: &str) {
    let server = Setup::new(panicking()).start().await;
    for _ in 0..3 {
        let failure = server.call(tool, json!({})).await.tool_failure();
        assert_eq!(
            failure,
            json!({
                "error": "the server failed while doing this; the operator finds the cause in the server's log",
                "error_code": "internal",
            })
        );
    }
    still_adds(&server).await;
}

async fn still_adds(server: &Server) {
    let sum = server.call("add", json!({"a": 2, "b": 3})).await;
    assert_eq!(sum.structured(), json!({"sum": 5.0}));
}

#[tokio::test]
async fn an_async_tool_that_panics_answers() {
    panics("late_panic").await;
}

#[tokio::test]
async fn a_plain_function_that_panics_answers() {
    panics("plain_panic").await;
}

#[tokio::test]
async fn a_tool_that_panics_before_its_future_answers() {
    panics("early_panic").await;
}

#[tokio::test]
async fn a_tool_that_panics_at_its_end_answers() {
    panics("answer_panic").await;
}

/// Wait for ever.
#[tool(time_limit = "50ms")]
async fn endless() -> String {
    std::future::pending().await
}

#[tokio::test]
async fn a_tool_beyond_its_time_limit_is_cut_and_advised_to_be_a_job() {
    let server = Setup::new(tools().tool::<endless>()).start().await;
    let failure = server.call("endless", json!({})).await.tool_failure();
    assert_eq!(
        failure,
        json!({
            "error": "`endless` took longer than its limit of 0.05 s and was cut; work this long belongs in a job",
            "error_code": "timeout",
        })
    );
    still_adds(&server).await;
}

#[tokio::test]
async fn a_tool_that_is_cut_is_told_so() {
    let (told, mut is_told) = tokio::sync::mpsc::unbounded_channel();
    let mut declaration = ToolDeclaration::new("watch", "Wait until it is told to stop.");
    declaration.time_limit = Duration::from_millis(50);
    let watch = Tool::dynamic(declaration, move |ctx: CallContext, _| {
        let told = told.clone();
        // A task of its own, because the tool itself is dropped.
        let cancellation = ctx.cancellation().clone();
        tokio::spawn(async move {
            cancellation.cancelled().await;
            told.send(()).unwrap();
        });
        std::future::pending::<Result<ToolOutput, Problem>>()
    });
    let server = Setup::new(tools().add_tool(watch)).start().await;
    let failure = server.call("watch", json!({})).await.tool_failure();
    assert_eq!(failure["error_code"], "timeout");
    soon(is_told.recv()).await.unwrap();
}

/// A tool that holds its thread until `release`, whatever it is told.
fn blocker(released: mpsc::Receiver<()>, limit: Duration) -> Tool {
    let released = Arc::new(Mutex::new(released));
    let mut declaration = ToolDeclaration::new("block", "Hold its thread.");
    declaration.time_limit = limit;
    Tool::dynamic(declaration, move |_, _| {
        let released = Arc::clone(&released);
        async move {
            let _ = released.lock().unwrap().recv();
            Ok(ToolOutput::text("released"))
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_tool_that_blocks_its_thread_is_cut_all_the_same() {
    let (release, released) = mpsc::channel();
    let block = blocker(released, Duration::from_millis(50));
    let server = Setup::new(tools().add_tool(block)).start().await;
    let failure = server.call("block", json!({})).await.tool_failure();
    assert_eq!(failure["error_code"], "timeout");
    still_adds(&server).await;
    release.send(()).unwrap();
}

#[tokio::test]
async fn an_unknown_tool_is_a_protocol_error_that_says_where_the_names_are() {
    let server = open_server().await;
    let reply = server.call("ad", json!({"a": 1})).await;
    let expected = "there is no tool `ad`; `tools/list` has the names".to_owned();
    assert_eq!(reply.rpc_error(), (-32_602, expected));
}

#[tokio::test]
async fn the_name_of_an_unknown_tool_is_echoed_short_and_harmless() {
    let server = open_server().await;
    let name = format!("\u{1b}[31m\n{}", "x".repeat(10_000));
    let params = json!({"name": name, "arguments": {}});
    let reply = server.legacy("tools/call", params).send().await;
    let (code, sentence) = reply.rpc_error();
    assert_eq!(code, -32_602);
    assert!(
        sentence.len() < 200 && !sentence.contains(['\u{1b}', '\n']),
        "{sentence:?}"
    );
}

#[tokio::test]
async fn an_unknown_method_is_not_found() {
    let server = open_server().await;
    for era in Era::ALL {
        let request = match era {
            Era::Modern => server.rpc("tools/cal", json!({})),
            Era::Legacy => server.legacy("tools/cal", json!({})),
        };
        let (code, sentence) = request.send().await.rpc_error();
        assert_eq!(code, -32_601, "{era:?}");
        assert_eq!(sentence, "there is no method `tools/cal` here", "{era:?}");
    }
}

#[tokio::test]
async fn calls_side_by_side_get_their_own_answers() {
    let server = open_server().await;
    let calls: Vec<_> = (0..64)
        .map(|n| {
            let client = (*server).clone();
            tokio::spawn(async move {
                let text = format!("nonce {n}");
                let echoed = client.call("echo", json!({"text": text})).await;
                assert_eq!(echoed.structured(), json!({"text": text}));
            })
        })
        .collect();
    for call in calls {
        soon(call).await.unwrap();
    }
}

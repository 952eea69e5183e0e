//! What a running call tells its client, and how it learns that the client has gone.

use farcall::{App, LogLevel, Tool, ToolDeclaration, ToolOutput, Value, json, prelude::*};
use tokio::sync::mpsc;

use crate::{
    harness::{Era, Reply, Rpc, Server, Setup, soon},
    offers::tools,
};

/// Walk three steps and tell of each.
#[tool]
async fn walk(ctx: CallContext) -> u32 {
    for step in 1_u32..=3 {
        ctx.progress(step.into(), Some(3.0), format!("step {step}"))
            .await;
    }
    3
}

/// Say something at every level.
#[tool]
async fn talk(ctx: CallContext) -> u32 {
    for level in [
        LogLevel::Debug,
        LogLevel::Info,
        LogLevel::Warning,
        LogLevel::Error,
        LogLevel::Emergency,
    ] {
        ctx.log(level, json!({"level": level})).await;
    }
    5
}

async fn server() -> Server {
    Setup::new(tools().tool::<walk>().tool::<talk>())
        .start()
        .await
}

fn request(server: &Server, era: Era, tool: &str) -> Rpc {
    let params = json!({"name": tool, "arguments": {}});
    match era {
        Era::Modern => server.rpc("tools/call", params),
        Era::Legacy => server.legacy("tools/call", params),
    }
}

/// The notifications of a stream, which ends with the answer.
fn told(reply: &Reply, answer: u32) -> Vec<Value> {
    let mut messages = reply.messages();
    let last = messages.pop().unwrap();
    assert_eq!(
        last["result"]["content"][0]["text"],
        answer.to_string(),
        "{last}"
    );
    messages
}

#[tokio::test]
async fn progress_comes_before_the_answer_where_a_token_asks_for_it() {
    let server = server().await;
    for era in Era::ALL {
        for token in [json!("mine"), json!(7)] {
            let call = request(&server, era, "walk").meta("progressToken", token.clone());
            let reply = call.send().await;
            let told = told(&reply, 3);
            assert_eq!(told.len(), 3, "{era:?}");
            for (step, told) in (1..).zip(told) {
                assert_eq!(told["method"], "notifications/progress");
                assert_eq!(
                    told["params"],
                    json!({"progressToken": token, "progress": f64::from(step), "total": 3.0, "message": format!("step {step}")})
                );
            }
        }
    }
}

#[tokio::test]
async fn without_a_token_there_is_no_progress_and_no_stream() {
    let server = server().await;
    for era in Era::ALL {
        let reply = request(&server, era, "walk").send().await;
        assert!(!reply.is_stream(), "{era:?}");
        assert_eq!(reply.result()["content"][0]["text"], "3");
    }
}

#[tokio::test]
async fn a_client_that_reads_json_only_gets_json_whatever_the_tool_tells() {
    let server = server().await;
    for era in Era::ALL {
        for tool in ["walk", "talk"] {
            let call = request(&server, era, tool)
                .meta("progressToken", 1)
                .meta("io.modelcontextprotocol/logLevel", "debug")
                .accept("application/json");
            let reply = call.send().await;
            assert_eq!(reply.header("content-type"), "application/json", "{era:?}");
            reply.result();
        }
    }
}

#[tokio::test]
async fn log_entries_are_sent_from_the_level_that_the_request_names() {
    let server = server().await;
    for (level, expected) in [
        (
            "debug",
            vec!["debug", "info", "warning", "error", "emergency"],
        ),
        ("warning", vec!["warning", "error", "emergency"]),
        ("alert", vec!["emergency"]),
    ] {
        let call = request(&server, Era::Modern, "talk");
        let reply = call
            .meta("io.modelcontextprotocol/logLevel", level)
            .send()
            .await;
        let told = told(&reply, 5);
        let levels: Vec<_> = told.iter().map(|told| &told["params"]["level"]).collect();
        assert_eq!(levels, expected, "{level}");
        assert_eq!(told[0]["method"], "notifications/message");
    }
}

#[tokio::test]
async fn without_a_level_a_request_of_2026_gets_no_log_entries() {
    let server = server().await;
    let reply = request(&server, Era::Modern, "talk").send().await;
    assert!(!reply.is_stream());
}

/// A tool that reports `begun` and then waits; it sends `told` when it learns that nobody waits
/// for it any more, and `dropped` when it is gone.
fn waiting(says: mpsc::UnboundedSender<&'static str>, with_progress: bool) -> App {
    struct Dropped(mpsc::UnboundedSender<&'static str>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            let _ = self.0.send("dropped");
        }
    }
    let declaration = ToolDeclaration::new("wait", "Wait until the client has gone.");
    tools().add_tool(Tool::dynamic(declaration, move |ctx: CallContext, _| {
        let says = says.clone();
        let (token, ear) = (ctx.cancellation().clone(), says.clone());
        tokio::spawn(async move {
            token.cancelled().await;
            let _ = ear.send("told");
        });
        async move {
            let _dropped = Dropped(says.clone());
            if with_progress {
                ctx.progress(1.0, None, "").await;
            }
            says.send("begun").unwrap();
            std::future::pending::<Result<ToolOutput, Problem>>().await
        }
    }))
}

#[tokio::test]
async fn a_tool_whose_client_goes_is_told_and_dropped() {
    for era in Era::ALL {
        let (says, mut said) = mpsc::unbounded_channel();
        let server = Setup::new(waiting(says, false)).start().await;
        let call = tokio::spawn(request(&server, era, "wait").send());
        assert_eq!(soon(said.recv()).await, Some("begun"));
        call.abort();
        let mut rest = [
            soon(said.recv()).await.unwrap(),
            soon(said.recv()).await.unwrap(),
        ];
        rest.sort_unstable();
        assert_eq!(rest, ["dropped", "told"], "{era:?}");
    }
}

#[tokio::test]
async fn a_tool_whose_client_leaves_its_stream_is_told_and_dropped() {
    for era in Era::ALL {
        let (says, mut said) = mpsc::unbounded_channel();
        let server = Setup::new(waiting(says, true)).start().await;
        let call = request(&server, era, "wait").meta("progressToken", 1);
        let mut events = call.events().await;
        assert_eq!(events.expect().await["method"], "notifications/progress");
        assert_eq!(soon(said.recv()).await, Some("begun"));
        drop(events);
        let mut rest = [
            soon(said.recv()).await.unwrap(),
            soon(said.recv()).await.unwrap(),
        ];
        rest.sort_unstable();
        assert_eq!(rest, ["dropped", "told"], "{era:?}");
    }
}

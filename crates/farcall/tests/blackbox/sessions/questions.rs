//! Questions in a session: the server sends a request of its own while the call waits.

use farcall::{Question, Sessions, Tool, ToolDeclaration, json, prelude::*};

use super::Session;
use crate::{
    harness::{Server, Setup, soon},
    offers::tools,
};

/// What a person answers.
#[data]
struct Choice {
    /// The colour.
    colour: String,
}

/// Ask for a colour.
#[tool]
async fn choose(ctx: CallContext) -> Result<String, Problem> {
    let question = Question::form("Which colour?").field("colour", json!({"type": "string"}));
    let answer = ctx.ask("colour", question).await?;
    Ok(match answer.form::<Choice>()? {
        Some(Choice { colour }) => colour,
        None => "none".to_owned(),
    })
}

/// Ask the client's model.
#[tool]
async fn ponder(ctx: CallContext) -> Result<String, Problem> {
    let answer = ctx
        .ask("thought", Question::sample("What is it?", 100))
        .await?;
    Ok(answer.text().unwrap_or("nothing").to_owned())
}

async fn server() -> Server {
    let app = tools().tool::<choose>().tool::<ponder>();
    Setup::new(app.sessions(Sessions::default())).start().await
}

#[tokio::test]
async fn a_person_is_asked_and_the_call_goes_on_with_the_answer() {
    let server = server().await;
    let session = Session::open(&server).await;
    for (answer, text) in [
        (
            json!({"action": "accept", "content": {"colour": "red"}}),
            "red",
        ),
        (json!({"action": "decline"}), "none"),
    ] {
        let mut events = session.call("choose", json!({})).events().await;
        let question = events.expect().await;
        assert_eq!(question["method"], "elicitation/create");
        assert_eq!(question["params"]["message"], "Which colour?");
        let accepted = session.answer(&question["id"], answer).await;
        assert_eq!(accepted.status, 202);
        let result = events.expect().await;
        assert_eq!(result["result"]["content"][0]["text"], text, "{result}");
    }
}

#[tokio::test]
async fn a_model_is_asked_and_the_call_goes_on_with_the_answer() {
    let server = server().await;
    let session = Session::open(&server).await;
    let mut events = session.call("ponder", json!({})).events().await;
    let question = events.expect().await;
    assert_eq!(question["method"], "sampling/createMessage");
    let said =
        json!({"role": "assistant", "model": "m", "content": {"type": "text", "text": "a pond"}});
    session.answer(&question["id"], said).await;
    let result = events.expect().await;
    assert_eq!(result["result"]["content"][0]["text"], "a pond", "{result}");
}

#[tokio::test]
async fn a_call_that_is_taken_back_is_cancelled() {
    let (says, mut said) = tokio::sync::mpsc::unbounded_channel();
    let declaration = ToolDeclaration::new("wait", "Wait until the call is taken back.");
    let wait = Tool::dynamic(declaration, move |ctx: CallContext, _| {
        let says = says.clone();
        async move {
            says.send("begun").unwrap();
            ctx.cancellation().cancelled().await;
            says.send("told").unwrap();
            Ok(ToolOutput::text("too late"))
        }
    });
    let app = tools().add_tool(wait).sessions(Sessions::default());
    let server = Setup::new(app).start().await;
    let session = Session::open(&server).await;
    let call = session.call("wait", json!({}));
    let body = call.body().replace("\"id\":1,", "\"id\":77,");
    let _events = call.with_body(body).events().await;
    assert_eq!(soon(said.recv()).await, Some("begun"));
    let back = session.request("notifications/cancelled", json!({"requestId": 77}));
    assert_eq!(back.without_id().send().await.status, 202);
    assert_eq!(soon(said.recv()).await, Some("told"));
}

#[tokio::test]
async fn a_client_that_answers_with_an_error_is_an_error_of_the_tool() {
    let server = server().await;
    let session = Session::open(&server).await;
    let mut events = session.call("choose", json!({})).events().await;
    let question = events.expect().await;
    let body =
        json!({"jsonrpc": "2.0", "id": question["id"], "error": {"code": -1, "message": "no"}});
    session
        .request("", json!({}))
        .with_body(body.to_string())
        .send()
        .await;
    let result = events.expect().await["result"].clone();
    assert_eq!(result["isError"], true, "{result}");
    let said = result["content"][0]["text"].as_str().unwrap();
    assert!(
        said.contains("the client did not answer `elicitation/create`"),
        "{said}"
    );
}

#[tokio::test]
async fn a_client_that_reads_json_only_gets_json_and_is_not_asked() {
    let server = server().await;
    let session = Session::open(&server).await;
    let call = session.call("add", json!({"a": 2, "b": 3}));
    let reply = call.accept("application/json").send().await;
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(reply.structured(), json!({"sum": 5.0}));
    let call = session.call("choose", json!({}));
    let refused = call.accept("application/json").send().await.tool_error();
    assert!(refused.contains("elicitation/create"), "{refused}");
}

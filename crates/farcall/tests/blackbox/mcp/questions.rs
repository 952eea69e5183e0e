//! Questions in the middle of a call, as clients of 2026-07-28 get them: in rounds.

use farcall::{App, Question, Value, json, prelude::*};

use crate::{
    harness::{Client, Reply, Rpc, Server, Setup, pace, soon},
    offers::{Callers, tools, tools_and_jobs},
};

/// What a person answers.
#[data]
struct Choice {
    /// The colour.
    colour: String,
}

/// Buy paint; asks which colour.
#[tool]
async fn buy(
    ctx: CallContext,
    /// How many tins.
    tins: u32,
) -> Result<String, Problem> {
    ctx.remember(&"was here")?;
    let question = Question::form("Which colour?").field("colour", json!({"type": "string"}));
    let answer = ctx.ask("colour", question).await?;
    let remembered: Option<String> = ctx.recall()?;
    assert_eq!(remembered.as_deref(), Some("was here"));
    Ok(match answer.form::<Choice>()? {
        Some(Choice { colour }) => format!("{tins} tins of {colour}"),
        None => "nothing".to_owned(),
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

fn app() -> App {
    tools().tool::<buy>().tool::<ponder>()
}

async fn server() -> Server {
    Setup::new(app()).start().await
}

fn buying(client: &Client, tins: u32) -> Rpc {
    let call = client.tool("buy", json!({"tins": tins}));
    call.capabilities(json!({"elicitation": {}}))
}

/// Begins a purchase and returns the state that the client has to bring back.
async fn asked(client: &Client, tins: u32) -> String {
    let result = buying(client, tins).send().await.result();
    assert_eq!(result["resultType"], "input_required", "{result}");
    let question = &result["inputRequests"]["colour"];
    assert_eq!(question["method"], "elicitation/create");
    assert_eq!(question["params"]["message"], "Which colour?");
    assert_eq!(
        question["params"]["requestedSchema"]["required"],
        json!(["colour"])
    );
    result["requestState"].as_str().unwrap().to_owned()
}

fn answer(call: Rpc, state: &str, answer: Value) -> Rpc {
    let answers = json!({"colour": answer});
    call.param("requestState", state)
        .param("inputResponses", answers)
}

fn red() -> Value {
    json!({"action": "accept", "content": {"colour": "red"}})
}

fn refused(reply: &Reply) {
    let (code, sentence) = reply.rpc_error();
    assert_eq!(code, -32_602, "{sentence}");
    assert!(
        sentence.contains("`requestState` was not issued by this server for this request"),
        "{sentence}"
    );
}

#[tokio::test]
async fn a_question_is_answered_in_a_second_round() {
    let server = server().await;
    let state = asked(&server, 2).await;
    let result = answer(buying(&server, 2), &state, red())
        .send()
        .await
        .result();
    assert_eq!(result["content"][0]["text"], "2 tins of red");
}

#[tokio::test]
async fn a_person_may_decline() {
    let server = server().await;
    for action in ["decline", "cancel"] {
        let state = asked(&server, 2).await;
        let call = answer(buying(&server, 2), &state, json!({"action": action}));
        assert_eq!(call.send().await.result()["content"][0]["text"], "nothing");
    }
}

#[tokio::test]
async fn an_answer_of_another_shape_is_an_error_of_the_tool() {
    let server = server().await;
    let state = asked(&server, 2).await;
    let wrong = json!({"action": "accept", "content": {"colour": 7}});
    let sentence = answer(buying(&server, 2), &state, wrong)
        .send()
        .await
        .tool_error();
    assert!(
        sentence.contains("the answered form does not fit"),
        "{sentence}"
    );
}

#[tokio::test]
async fn a_round_without_the_answer_asks_again() {
    let server = server().await;
    let state = asked(&server, 2).await;
    let call = buying(&server, 2).param("requestState", state);
    let result = call.send().await.result();
    assert_eq!(result["resultType"], "input_required");
}

#[tokio::test]
async fn a_tampered_state_is_refused() {
    let server = server().await;
    let state = asked(&server, 2).await;
    let mut flipped = state.clone().into_bytes();
    let middle = flipped.len() / 2;
    flipped[middle] = if flipped[middle] == b'A' { b'B' } else { b'A' };
    let flipped = String::from_utf8(flipped).unwrap();
    for tampered in [
        flipped.as_str(),
        &state[1..],
        &state[..state.len() - 2],
        "",
        "x",
        "{}",
    ] {
        refused(&answer(buying(&server, 2), tampered, red()).send().await);
    }
}

#[tokio::test]
async fn a_state_belongs_to_its_arguments() {
    let server = server().await;
    let state = asked(&server, 2).await;
    refused(&answer(buying(&server, 200), &state, red()).send().await);
}

#[tokio::test]
async fn a_state_belongs_to_its_tool() {
    let server = server().await;
    let state = asked(&server, 2).await;
    let call = server
        .tool("ponder", json!({}))
        .capabilities(json!({"sampling": {}}));
    refused(&call.param("requestState", state).send().await);
}

#[tokio::test]
async fn a_state_belongs_to_its_caller() {
    let server = Setup::new(app().token_verifier(Callers)).start().await;
    let (alice, bob) = (
        server.with_token("alice-token"),
        server.with_token("bob-token"),
    );
    let state = asked(&alice, 2).await;
    refused(&answer(buying(&bob, 2), &state, red()).send().await);
    answer(buying(&alice, 2), &state, red())
        .send()
        .await
        .result();
}

#[tokio::test]
async fn a_state_belongs_to_its_server() {
    let state = asked(&*server().await, 2).await;
    refused(
        &answer(buying(&*server().await, 2), &state, red())
            .send()
            .await,
    );
}

#[tokio::test]
async fn a_state_outlives_a_restart_where_the_server_keeps_data() {
    let app = || app().add_job(crate::offers::count());
    let server = Setup::new(app()).start().await;
    let state = asked(&server, 2).await;
    let folder = server.cut().await;
    let server = Setup::new(app()).in_folder(folder).start().await;
    let result = answer(buying(&server, 2), &state, red())
        .send()
        .await
        .result();
    assert_eq!(result["content"][0]["text"], "2 tins of red");
}

#[tokio::test]
async fn a_client_that_cannot_be_asked_is_told_which_capability_it_lacks() {
    let setup = Setup::new(app()).with("FARCALL_METRICS", "127.0.0.1:0");
    let server = setup.start().await;
    for (tool, arguments, capability) in [
        ("buy", json!({"tins": 1}), "elicitation"),
        ("ponder", json!({}), "sampling"),
    ] {
        let reply = server.call(tool, arguments).await;
        assert_eq!(
            (reply.status, reply.rpc_error().0),
            (400, -32_021),
            "{tool}"
        );
        let required = &reply.json()["error"]["data"]["requiredCapabilities"];
        assert!(required[capability].is_object(), "{}", reply.text());
    }
    // Nobody was asked anything.
    let told = server.at_its_metrics().get("/metrics").await.text();
    for (outcome, calls) in [("input_required", 0), ("failed", 1)] {
        let line = format!(r#"farcall_tool_calls_total{{tool="buy",outcome="{outcome}"}} {calls}"#);
        assert!(told.lines().any(|told| told == line), "{line}: {told}");
    }
}

#[tokio::test]
async fn an_older_client_without_a_session_is_told_that_it_cannot_be_asked() {
    let server = server().await;
    let params = json!({"name": "buy", "arguments": {"tins": 1}});
    let sentence = server
        .legacy("tools/call", params)
        .send()
        .await
        .tool_error();
    assert!(
        sentence.contains("has to ask its client with `elicitation/create`"),
        "{sentence}"
    );
}

#[tokio::test]
async fn a_model_is_asked_in_the_same_way() {
    let server = server().await;
    let call = || {
        let call = server.tool("ponder", json!({}));
        call.capabilities(json!({"sampling": {}}))
    };
    let result = call().send().await.result();
    let question = &result["inputRequests"]["thought"];
    assert_eq!(question["method"], "sampling/createMessage");
    assert_eq!(question["params"]["maxTokens"], 100);
    let state = result["requestState"].as_str().unwrap();
    let said =
        json!({"role": "assistant", "model": "m", "content": {"type": "text", "text": "a pond"}});
    let call = call()
        .param("requestState", state)
        .param("inputResponses", json!({"thought": said}));
    assert_eq!(call.send().await.result()["content"][0]["text"], "a pond");
}

/// The keys for what travels are exchanged together with those of links; machines/rotation.rs asks and answers
/// meanwhile.
#[tokio::test]
async fn a_question_ends_with_the_key_that_it_was_signed_with() {
    // Whoever has jobs has a store.
    let app = tools_and_jobs().tool::<buy>();
    let server = Setup::new(app).start().await;
    let operator = server.operator().await;
    let reply = async |state: &str| answer(buying(&server, 2), state, red()).send().await;
    let mut state = asked(&server, 2).await;
    for key in [[1; 32], [2; 32]] {
        let said = reply(&state).await;
        assert_eq!(said.result()["content"][0]["text"], "2 tins of red");
        operator.exchanges_at_once(key).await;
        let refusal = soon(async {
            loop {
                let said = reply(&state).await;
                if said.json().get("error").is_some() {
                    return said;
                }
                pace().await;
            }
        });
        refused(&refusal.await);
        state = asked(&server, 2).await;
    }
    let said = reply(&state).await;
    assert_eq!(said.result()["content"][0]["text"], "2 tins of red");
}

/// Servers of two secrets stand side by side while it is changed, and a client may meet either.
#[tokio::test]
async fn a_question_may_be_answered_while_the_secret_is_changed() {
    const OLD: &str = "the-secret-of-yesterday-0123456789";
    const NEW: &str = "the-secret-of-tomorrow-0123456789a";
    let server = async |secret: &str, previous: Option<&str>| {
        let mut setup = Setup::new(app()).with("FARCALL_SECRET", secret);
        if let Some(previous) = previous {
            setup = setup.with("FARCALL_PREVIOUS_SECRET", previous);
        }
        setup.start().await
    };
    let before = server(OLD, Some(NEW)).await;
    let after = server(NEW, Some(OLD)).await;
    for (asking, answering) in [(&before, &after), (&after, &before)] {
        let state = asked(asking, 2).await;
        let result = answer(buying(answering, 2), &state, red()).send().await;
        assert_eq!(result.result()["content"][0]["text"], "2 tins of red");
        // What is bound to another call stays so.
        refused(&answer(buying(answering, 3), &state, red()).send().await);
    }
    let alone = server(NEW, None).await;
    let state = asked(&before, 2).await;
    refused(&answer(buying(&alone, 2), &state, red()).send().await);
    let state = asked(&after, 2).await;
    let result = answer(buying(&alone, 2), &state, red()).send().await;
    assert_eq!(result.result()["content"][0]["text"], "2 tins of red");
}

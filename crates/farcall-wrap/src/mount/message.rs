//! JSON-RPC 2.0 as MCP speaks it over standard input and output: one message a line.

use farcall_core::JsonObject;
use serde::Serialize;
use serde_json::{Value, json};

/// JSON-RPC's code for a request that nobody serves here.
const METHOD_NOT_FOUND: i64 = -32_601;

/// What a server says.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    /// The answer to the request with this id.
    Answer(u64, Result<JsonObject, Refusal>),
    /// How far the request with this progress token is.
    Progress(u64, Progress),
    /// Something that asks for no answer.
    Notification(String, Value),
    /// A request of its own.
    Request(Value, String),
}

/// An error in the place of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: i64,
    pub(super) message: String,
}

/// How far a request is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Progress {
    pub(super) done: f64,
    pub(super) total: Option<f64>,
    pub(super) message: Option<String>,
}

/// Reads one line.
///
/// # Errors
/// What is wrong with it; it quotes nothing of the line.
pub(super) fn read(line: &[u8]) -> Result<Said, &'static str> {
    let message: Value = serde_json::from_slice(line).map_err(|_| "it is no JSON")?;
    let Value::Object(mut message) = message else {
        return Err("it is no JSON object");
    };
    let id = message.remove("id").filter(|id| !id.is_null());
    if let Some(Value::String(method)) = message.remove("method") {
        if let Some(id) = id {
            return Ok(Said::Request(id, method));
        }
        let params = message.remove("params").unwrap_or_default();
        if method == "notifications/progress" {
            return progress(&params);
        }
        return Ok(Said::Notification(method, params));
    }
    // Our ids are numbers; some servers give them back as texts.
    let id = match id {
        Some(Value::Number(id)) => id.as_u64(),
        Some(Value::String(id)) => id.parse().ok(),
        _ => None,
    };
    let id = id.ok_or("it has neither a method nor the id of a request")?;
    match (message.remove("result"), message.remove("error")) {
        (_, Some(error)) => {
            let text = error["message"].as_str().unwrap_or("it gives no reason");
            let refusal = Refusal {
                code: error["code"].as_i64().unwrap_or_default(),
                message: text.to_owned(),
            };
            Ok(Said::Answer(id, Err(refusal)))
        }
        (Some(Value::Object(result)), None) => Ok(Said::Answer(id, Ok(result))),
        _ => Err("it has neither a result nor an error"),
    }
}

fn progress(params: &Value) -> Result<Said, &'static str> {
    let token = match &params["progressToken"] {
        Value::String(token) => token.parse().ok(),
        token => token.as_u64(),
    };
    let done = params["progress"].as_f64();
    let (Some(token), Some(done)) = (token, done) else {
        return Err("it is progress of nothing");
    };
    let progress = Progress {
        done,
        total: params["total"].as_f64(),
        message: params["message"].as_str().map(str::to_owned),
    };
    Ok(Said::Progress(token, progress))
}

#[derive(Serialize)]
struct Request<'a> {
    jsonrpc: &'static str,
    id: u64,
    method: &'a str,
    params: &'a JsonObject,
}

/// A request, as a line.
///
/// # Errors
/// Where a value cannot be written as JSON.
pub(super) fn request(
    id: u64,
    method: &str,
    params: &JsonObject,
) -> Result<Vec<u8>, serde_json::Error> {
    let mut line = serde_json::to_vec(&Request {
        jsonrpc: "2.0",
        id,
        method,
        params,
    })?;
    line.push(b'\n');
    Ok(line)
}

/// A notification, as a line.
pub(super) fn notification(method: &str, params: &Value) -> Vec<u8> {
    line(&json!({"jsonrpc": "2.0", "method": method, "params": params}))
}

/// The answer to a request of the server's: it may see whether somebody is there, and nothing else.
/// Nobody can say which of its callers it would want to ask.
pub(super) fn reply(id: &Value, method: &str) -> Vec<u8> {
    if method == "ping" {
        return line(&json!({"jsonrpc": "2.0", "id": id, "result": {}}));
    }
    let error = json!({"code": METHOD_NOT_FOUND, "message": "this client serves no requests"});
    line(&json!({"jsonrpc": "2.0", "id": id, "error": error}))
}

fn line(message: &Value) -> Vec<u8> {
    let mut line = message.to_string().into_bytes();
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(message: &Value) -> Result<Said, &'static str> {
        read(message.to_string().as_bytes())
    }

    #[test]
    fn answers_are_told_by_their_ids() {
        for id in [json!(7), json!("7")] {
            let answer = json!({"jsonrpc": "2.0", "id": id, "result": {"a": 1}});
            let result = JsonObject::from_iter([("a".to_owned(), json!(1))]);
            assert_eq!(said(&answer), Ok(Said::Answer(7, Ok(result))));
        }
        let refused = json!({"id": 7, "error": {"code": -32602, "message": "no such tool"}});
        let refusal = Refusal {
            code: -32_602,
            message: "no such tool".to_owned(),
        };
        assert_eq!(said(&refused), Ok(Said::Answer(7, Err(refusal))));
    }

    #[test]
    fn what_is_no_message_is_a_fault() {
        for wrong in [
            json!([]),
            json!(1),
            json!({}),
            json!({"id": 1}),
            json!({"id": 1, "result": 2}),
            json!({"id": -1, "result": {}}),
            json!({"id": {"a": 1}, "result": {}}),
            json!({"id": null, "error": {"code": 1, "message": "x"}}),
            json!({"method": "notifications/progress"}),
            json!({"method": "notifications/progress", "params": {"progressToken": "x", "progress": 1}}),
        ] {
            assert!(said(&wrong).is_err(), "{wrong}");
        }
        let deep = "[".repeat(100_000);
        for wrong in ["", "hello", "{", "\u{0}", deep.as_str()] {
            assert!(read(wrong.as_bytes()).is_err());
        }
    }

    #[test]
    fn a_server_may_ask_whether_somebody_is_there_and_nothing_else() {
        let ping = json!({"jsonrpc": "2.0", "id": "x", "method": "ping"});
        assert_eq!(
            said(&ping),
            Ok(Said::Request(json!("x"), "ping".to_owned()))
        );
        let replied = |method: &str| -> Value {
            let line = reply(&json!("x"), method);
            serde_json::from_slice(&line).unwrap()
        };
        assert_eq!(replied("ping")["result"], json!({}));
        let declined = replied("sampling/createMessage");
        assert_eq!(
            (&declined["id"], &declined["error"]["code"]),
            (&json!("x"), &json!(-32_601))
        );
    }

    proptest! {
        #[test]
        fn no_line_does_harm(line: Vec<u8>) {
            let _ = read(&line);
        }
    }
}

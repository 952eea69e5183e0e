//! JSON-RPC 2.0 as MCP speaks it over standard input and output: one message a line.

use farcall_core::JsonObject;
use serde::Serialize;
use serde_json::{Value, json};

use super::{broken::Broken, calls::Answer};
use crate::text;

/// JSON-RPC's code for a request that nobody serves here.
const METHOD_NOT_FOUND: i64 = -32_601;

/// How much of a message about progress is passed on, in bytes.
const MAX_NEWS: usize = 1 << 10;

/// How much an error may say beside its sentence, in bytes of JSON; more is left out.
const MAX_DATA: usize = 16 << 10;

/// The longest id of a request of the server's, in bytes of JSON: replies wait until it reads them.
const MAX_ID: usize = 256;

/// What a server says.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    /// The answer to the request with this id.
    Answer(u64, Answer),
    /// How far the request with this progress token is.
    Progress(u64, Progress),
    /// Something that asks for no answer.
    Notification(String, Value),
    /// A request of its own.
    Request(Value, String),
}

/// An error in the place of a result.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    pub(super) code: i64,
    pub(super) message: String,
    pub(super) data: Option<Value>,
}

/// How far a request is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Progress {
    pub(super) done: f64,
    pub(super) total: Option<f64>,
    /// Clean, 1 KiB at most.
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
    match (message.remove("method"), id) {
        (Some(Value::String(method)), Some(id)) => {
            if id.to_string().len() > MAX_ID {
                return Err("the id of its request is too long");
            }
            Ok(Said::Request(id, method))
        }
        (Some(Value::String(method)), None) => {
            let params = message.remove("params").unwrap_or_default();
            if method == "notifications/progress" {
                return progress(&params);
            }
            Ok(Said::Notification(method, params))
        }
        // Its ids have nothing to do with ours.
        (Some(_), _) => Err("its method is no text"),
        (None, id) => {
            let id = id.as_ref().and_then(own_id);
            let id = id.ok_or("it has neither a method nor the id of a request")?;
            Ok(Said::Answer(id, answer(message)))
        }
    }
}

/// An id of ours: a number, which some servers give back as a text.
pub(super) fn own_id(id: &Value) -> Option<u64> {
    match id {
        Value::String(id) => id.parse().ok(),
        id => id.as_u64(),
    }
}

/// What a message with the id of a request answers. Whatever it is, whoever waits for it is told.
fn answer(mut message: JsonObject) -> Answer {
    let malformed = |fault: &str| Err(Broken::Unreadable(format!("its answer is none: {fault}")));
    // Some servers write both, and a null for the one that they do not mean.
    let error = message.remove("error").filter(|error| !error.is_null());
    match (message.remove("result"), error) {
        (_, Some(error)) => Err(Broken::Refused(refusal(error))),
        (Some(Value::Object(result)), None) => Ok(result),
        (Some(_), None) => malformed("its result is no object"),
        (None, None) => malformed("it has neither a result nor an error"),
    }
}

fn refusal(mut error: Value) -> Refusal {
    let message = error["message"].as_str().unwrap_or("it gives no reason");
    let data = error.get("data").filter(|data| !data.is_null());
    let is_kept = data.is_some_and(|data| data.to_string().len() <= MAX_DATA);
    Refusal {
        code: error["code"].as_i64().unwrap_or_default(),
        message: message.to_owned(),
        data: is_kept.then(|| error["data"].take()),
    }
}

fn progress(params: &Value) -> Result<Said, &'static str> {
    let token = own_id(&params["progressToken"]);
    let done = params["progress"].as_f64();
    let (Some(token), Some(done)) = (token, done) else {
        return Err("it is progress of nothing");
    };
    let progress = Progress {
        done,
        total: params["total"].as_f64(),
        message: params["message"]
            .as_str()
            .map(|message| text::beginning(&text::clean(message), MAX_NEWS).into_owned())
            .filter(|message| !message.trim().is_empty()),
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

/// The notification that nobody waits for the answer to a request any more.
pub(super) fn cancelled(id: u64) -> Vec<u8> {
    let params = json!({"requestId": id, "reason": "nobody waits for it any more"});
    notification("notifications/cancelled", &params)
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
        let refusal = |data| {
            Broken::Refused(Refusal {
                code: -32_602,
                message: "no such tool".to_owned(),
                data,
            })
        };
        assert_eq!(said(&refused), Ok(Said::Answer(7, Err(refusal(None)))));
        for (data, kept) in [
            (json!({"name": "x"}), Some(json!({"name": "x"}))),
            (json!(null), None),
            (json!("x".repeat(MAX_DATA)), None),
        ] {
            let mut refused = refused.clone();
            refused["error"]["data"] = data;
            assert_eq!(said(&refused), Ok(Said::Answer(7, Err(refusal(kept)))));
        }
    }

    #[test]
    fn an_error_that_is_null_is_none() {
        let both = json!({"id": 7, "result": {}, "error": null});
        assert_eq!(said(&both), Ok(Said::Answer(7, Ok(JsonObject::new()))));
    }

    /// Else whoever waits for it would wait for ever.
    #[test]
    fn an_answer_that_is_none_is_still_an_answer() {
        for wrong in [
            json!({"id": 7}),
            json!({"id": 7, "result": [1]}),
            json!({"id": 7, "result": null, "error": null}),
        ] {
            let Ok(Said::Answer(7, Err(Broken::Unreadable(_)))) = said(&wrong) else {
                panic!("{wrong}");
            };
        }
        for strange in [
            json!("text"),
            json!(false),
            json!([1]),
            json!({"message": 1}),
        ] {
            let Ok(Said::Answer(7, Err(Broken::Refused(refusal)))) =
                said(&json!({"id": 7, "error": strange}))
            else {
                panic!("{strange}");
            };
            assert_eq!((refusal.code, refusal.data), (0, None));
        }
    }

    #[test]
    fn news_are_clean_and_short() {
        let news = |message: &str| {
            let params = json!({"progressToken": 1, "progress": 1, "message": message});
            match said(&json!({"method": "notifications/progress", "params": params})) {
                Ok(Said::Progress(1, progress)) => progress.message,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(news("\u{1b}[1mred").as_deref(), Some("red"));
        assert_eq!(news(" \u{202e}"), None);
        let long = news(&"ü".repeat(MAX_NEWS)).unwrap();
        assert_eq!(long.len(), MAX_NEWS + '…'.len_utf8());
    }

    #[test]
    fn what_is_no_message_is_a_fault() {
        for wrong in [
            json!([]),
            json!(1),
            json!({}),
            json!({"id": -1, "result": {}}),
            json!({"id": {"a": 1}, "result": {}}),
            json!({"id": null, "error": {"code": 1, "message": "x"}}),
            json!({"id": "x".repeat(MAX_ID), "method": "ping"}),
            json!({"id": 1, "method": 1}),
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

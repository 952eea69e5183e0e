//! Plain calls and lists take a shorter way than through the SDK's transport; nobody may see a
//! difference.

use farcall::{App, Value, json, prelude::*};
use reqwest::Method;

use crate::{
    harness::{Client, Reply, Server, Setup},
    offers::tools,
};

/// Say three things, one of them loudly, and answer.
#[tool]
async fn narrate(ctx: CallContext) -> u32 {
    ctx.progress(1.0, Some(2.0), "half").await;
    ctx.log(farcall::LogLevel::Debug, "quiet").await;
    ctx.log(farcall::LogLevel::Error, json!({"loud": true}))
        .await;
    2
}

/// Return a list, which older clients may not be sent as a value.
#[tool]
async fn list() -> Vec<u32> {
    vec![1, 2]
}

/// Ask the person, which not every client lets a tool do.
#[tool]
async fn confirm(ctx: CallContext) -> Result<String, Problem> {
    let question = farcall::Question::form("Go on?").field("yes", json!({"type": "boolean"}));
    ctx.ask("go", question).await?;
    Ok("went".to_owned())
}

/// Fail inside.
#[tool]
async fn break_down() -> Result<u32, Problem> {
    Err(Problem::internal(std::io::Error::other("the disk is gone")))
}

fn app() -> App {
    tools()
        .tool::<narrate>()
        .tool::<list>()
        .tool::<confirm>()
        .tool::<break_down>()
}

/// The same server twice: one takes the shorter way where it can, one never does.
async fn both() -> [Server; 2] {
    let short = Setup::new(app()).with("MCP_BEARER_TOKEN", TOKEN).start();
    let long = Setup::new(app())
        .with("MCP_BEARER_TOKEN", TOKEN)
        .with("FARCALL_PLAIN_CALLS", "0")
        .start();
    [short.await, long.await]
}

const TOKEN: &str = "a-token-of-some-length";

/// A request, and how it is unlike the usual one.
#[derive(Clone)]
struct Case {
    headers: Vec<(String, String)>,
    body: String,
}

impl Case {
    fn new(version: Option<&str>, tool: &str, arguments: &Value) -> Self {
        let params = json!({"name": tool, "arguments": arguments});
        let mut case = Self {
            headers: vec![
                ("content-type".into(), "application/json".into()),
                (
                    "accept".into(),
                    "application/json, text/event-stream".into(),
                ),
            ],
            body: String::new(),
        };
        let mut message =
            json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
        if let Some(version) = version {
            case = case.header("mcp-protocol-version", version);
        }
        if version >= Some("2026") {
            case = case
                .header("mcp-method", "tools/call")
                .header("mcp-name", tool);
            message["params"]["_meta"] = json!({
                PROTOCOL_VERSION: version,
                "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
                CAPABILITIES: {},
            });
        }
        case.body = message.to_string();
        case
    }

    /// A request for the list of tools.
    fn list(version: Option<&str>) -> Self {
        let case = Self::new(version, "add", &json!({}));
        let case = case.without("mcp-name").changed(|message| {
            message["method"] = json!("tools/list");
            let params = message["params"].as_object_mut().unwrap();
            params.retain(|name, _| name == "_meta");
        });
        if version >= Some("2026") {
            return case
                .without("mcp-method")
                .header("mcp-method", "tools/list");
        }
        case
    }

    fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self
    }

    fn changed(&self, change: impl FnOnce(&mut Value)) -> Self {
        let mut message = serde_json::from_str(&self.body).unwrap();
        change(&mut message);
        Self {
            body: message.to_string(),
            ..self.clone()
        }
    }

    async fn send(&self, client: &Client) -> Reply {
        let mut http = client.http(Method::POST, "/mcp");
        for (name, value) in &self.headers {
            http = http.header(name, value);
        }
        http.body(self.body.clone()).send().await
    }
}

const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const VERSIONS: [Option<&str>; 7] = [
    None,
    Some("2024-11-05"),
    Some("2025-03-26"),
    Some("2025-06-18"),
    Some("2025-11-25"),
    Some("2026-07-28"),
    Some("2031-01-01"),
];

/// Calls as they come, and each of them wrong or rare in one way.
fn cases() -> Vec<Case> {
    let calls = [
        ("add", json!({"a": 2, "b": 3})),
        ("add", json!({"a": -0.0, "b": 1e308})),
        ("add", json!({"a": "2", "b": 3})),
        ("add", json!({"a": 1, "b": 2, "c": 3})),
        ("echo", json!({"text": "ä\u{1F600}\u{0}\"\\\n"})),
        ("paint", json!({"coats": 3, "colour": "Blue"})),
        ("paint", json!({"coats": 99})),
        ("narrate", json!({})),
        ("list", json!({})),
        ("confirm", json!({})),
        ("break_down", json!({})),
        ("nothing_of_this_name", json!({})),
    ];
    let mut cases = Vec::new();
    for version in VERSIONS {
        for (tool, arguments) in &calls {
            cases.push(Case::new(version, tool, arguments));
        }
        for plain in [
            Case::new(version, "narrate", &json!({})),
            Case::new(version, "add", &json!({"a": 2, "b": 3})),
            Case::list(version),
        ] {
            cases.extend(unusual(&plain));
            cases.push(plain);
        }
    }
    cases
}

/// Makes a message unusual.
type Change = fn(&mut Value);

/// The values of an object, without their keys.
fn in_order(object: &Value) -> Value {
    object.as_object().unwrap().values().cloned().collect()
}

fn unusual(plain: &Case) -> Vec<Case> {
    let accepting = |types: &str| plain.clone().without("accept").header("accept", types);
    let of_type = |kind: &str| {
        let other = plain.clone().without("content-type");
        other.header("content-type", kind)
    };
    let versioned = |version: &str| {
        let other = plain.clone().without("mcp-protocol-version");
        other.header("mcp-protocol-version", version)
    };
    let mut cases = vec![
        accepting("application/json"),
        accepting("text/event-stream"),
        accepting("*/*"),
        accepting("text/html"),
        accepting("application/json;q=0, text/event-stream"),
        of_type("application/json; charset=utf-8"),
        of_type("APPLICATION/JSON"),
        of_type("text/plain"),
        plain.clone().without("content-type"),
        versioned("2026-07-28"),
        versioned("2025-11-25"),
        versioned("nonsense"),
        versioned(""),
        plain.clone().header("mcp-session-id", "some"),
        plain.clone().without("mcp-name"),
        plain.clone().without("mcp-method"),
        plain.clone().without("mcp-name").header("mcp-name", "echo"),
        plain.clone().header("mcp-name", "add"),
        plain.clone().header("mcp-method", "tools/call"),
        plain
            .clone()
            .without("mcp-method")
            .header("mcp-method", "tools/list"),
        plain.clone().header("mcp-param-a", "2"),
    ];
    let changes: [Change; 35] = [
        |m| m["params"]["cursor"] = json!("2"),
        |m| m["params"]["cursor"] = json!(null),
        |m| drop(m.as_object_mut().unwrap().remove("params")),
        |m| m["id"] = json!("a string"),
        |m| m["id"] = json!(-7),
        |m| m["id"] = json!(1.5),
        |m| m["id"] = json!(9_007_199_254_740_993_i64),
        |m| m["id"] = json!(null),
        |m| m["id"] = json!([1]),
        |m| drop(m.as_object_mut().unwrap().remove("id")),
        |m| m["jsonrpc"] = json!("1.0"),
        |m| drop(m.as_object_mut().unwrap().remove("jsonrpc")),
        |m| m["method"] = json!("tools/Call"),
        |m| m["method"] = json!("ping"),
        |m| m["extra"] = json!(1),
        |m| m["params"]["extra"] = json!(1),
        |m| m["params"]["arguments"] = json!(null),
        |m| m["params"]["arguments"] = json!([]),
        |m| m["params"]["arguments"] = json!("x"),
        |m| drop(m["params"].as_object_mut().unwrap().remove("arguments")),
        |m| drop(m["params"].as_object_mut().unwrap().remove("name")),
        |m| m["params"]["name"] = json!(7),
        |m| m["params"]["_meta"]["progressToken"] = json!("p"),
        |m| m["params"]["_meta"]["progressToken"] = json!(7),
        |m| m["params"]["_meta"]["progressToken"] = json!({}),
        |m| m["params"]["_meta"]["io.modelcontextprotocol/logLevel"] = json!("debug"),
        |m| m["params"]["_meta"]["io.modelcontextprotocol/logLevel"] = json!("loud"),
        |m| m["params"]["_meta"][PROTOCOL_VERSION] = json!("2026-07-28"),
        |m| m["params"]["_meta"][CAPABILITIES] = json!({"elicitation": {}, "sampling": {}}),
        |m| m["params"]["_meta"][CAPABILITIES] = json!(7),
        |m| m["params"]["requestState"] = json!("forged"),
        |m| m["params"]["task"] = json!({"ttl": 1000}),
        |m| m["method"] = json!({m["method"].as_str().unwrap(): null}),
        |m| m["params"] = in_order(&m["params"]),
        |m| *m = in_order(m),
    ];
    cases.extend(changes.map(|change| plain.changed(change)));
    cases
}

/// An answer without what is new each time, and without what streams may do as they like.
fn essence(reply: &Reply) -> (u16, String, Vec<Value>) {
    let kind = reply.header("content-type").to_owned();
    let said = match kind.as_str() {
        "text/event-stream" => reply.messages(),
        _ if reply.body.is_empty() => Vec::new(),
        // As text: the order of keys is part of the answer.
        _ => vec![Value::String(reply.text())],
    };
    (reply.status, kind, said)
}

#[tokio::test]
async fn whichever_way_a_request_takes_its_answer_is_the_same() {
    let [short, long] = Box::pin(both()).await;
    let (short, long) = (short.with_token(TOKEN), long.with_token(TOKEN));
    let mut well = 0;
    for case in cases() {
        let shorter = essence(&case.send(&short).await);
        let longer = essence(&case.send(&long).await);
        assert_eq!(shorter, longer, "{:?} {}", case.headers, case.body);
        well += usize::from(shorter.0 == 200);
    }
    assert!(well > 100, "only {well} of the cases are answered at all");
}

#[tokio::test]
async fn neither_way_is_open_without_the_token() {
    for server in Box::pin(both()).await {
        let reply = Case::new(None, "add", &json!({"a": 1, "b": 1}))
            .send(&server)
            .await;
        assert_eq!(reply.status, 401);
    }
}

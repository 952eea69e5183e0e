//! Callers for whom not every tool exists.

use farcall::{
    App, Content, Message, Prompt, Resource, ResourceContent, Value, json, prelude::tool,
};
use tokio_util::sync::CancellationToken;

use crate::{
    harness::{Client, Era, Rpc, Server, Setup, operator},
    offers::{count, print, started, tools},
    tasks::{about, call, exposed, id_of},
};

/// Say where it is.
#[tool]
async fn locate(
    /// Where to look; it travels as a header, too.
    #[header = "Region"]
    region: String,
) -> String {
    region
}

fn app() -> App {
    let open = CancellationToken::new();
    open.cancel();
    let greeting = Prompt::new("greeting", "Say hello.", async |_, _| {
        Ok(vec![Message::user(Content::text("hello"))])
    });
    let today = Resource::new("notes://today", "today", async |_, uri| {
        Ok(vec![ResourceContent::text(uri, "text/plain", "nothing")])
    });
    tools()
        .tool::<locate>()
        .add_job(exposed(print(&open)))
        .add_job(count())
        .prompt(greeting)
        .resource(today)
}

/// A caller of these tools alone, and one of all, on servers that take the short way and the long one.
async fn callers(entries: &[&str]) -> Vec<(Server, Client, Client)> {
    let mut callers = Vec::new();
    for plain in ["1", "0"] {
        let server = Setup::new(app()).with("FARCALL_PLAIN_CALLS", plain);
        let server = server.start().await;
        let operator = server.operator().await;
        let some = operator.names("some", |rights| {
            rights.tools = Some(operator::tools(entries));
        });
        let (some, all) = (some.await, operator.names("all", |_| {}).await);
        let clients = (server.with_token(&some), server.with_token(&all));
        callers.push((server, clients.0, clients.1));
    }
    callers
}

fn names(listed: &Value, what: &str) -> Vec<String> {
    let all = listed[what].as_array().unwrap().iter();
    all.map(|one| one["name"].as_str().unwrap().to_owned())
        .collect()
}

fn asked(client: &Client, era: Era, method: &str, params: Value) -> Rpc {
    match era {
        Era::Modern => client.rpc(method, params),
        Era::Legacy => client.legacy(method, params),
    }
}

#[tokio::test]
async fn tools_that_are_not_allowed_are_in_no_list() {
    for (_server, some, all) in callers(&["echo", "start_print", "get_*"]).await {
        for era in Era::ALL {
            let list = async |client| asked(client, era, "tools/list", json!({})).send().await;
            let (listed, whole) = (list(&some).await.result(), list(&all).await.result());
            assert_eq!(
                names(&listed, "tools"),
                [
                    "echo",
                    "start_print",
                    "get_print_status",
                    "get_print_result",
                    "get_count_status",
                    "get_count_result"
                ],
                "in the order of everybody's list"
            );
            assert!(names(&whole, "tools").contains(&"add".to_owned()));
            // What is listed is what everybody sees of it.
            for tool in listed["tools"].as_array().unwrap() {
                assert!(whole["tools"].as_array().unwrap().contains(tool));
            }
        }
    }
}

#[tokio::test]
async fn a_call_of_one_is_answered_like_one_of_a_tool_that_is_not_there() {
    for (_server, some, all) in callers(&["echo"]).await {
        for era in Era::ALL {
            let call = async |client, name: &str| {
                let params = json!({"name": name, "arguments": {"a": 1, "b": 2}});
                asked(client, era, "tools/call", params).send().await
            };
            let (hidden, unknown) = (call(&some, "add").await, call(&some, "sum").await);
            assert_eq!(hidden.status, unknown.status);
            assert_eq!(hidden.text(), unknown.text().replace("`sum`", "`add`"));
            assert_eq!(hidden.rpc_error().0, -32_602);
            assert_eq!(call(&all, "add").await.structured(), json!({"sum": 3.0}));
        }
        let echoed = some.call("echo", json!({"text": "x"})).await;
        assert_eq!(echoed.structured(), json!({"text": "x"}));
    }
}

/// The SDK looks at the parameters that travel as headers before anybody is asked who may call.
#[tokio::test]
async fn not_even_a_wrong_header_tells_that_there_is_such_a_tool() {
    for (_server, some, all) in callers(&["echo"]).await {
        let call = async |client: &Client, name: &str| {
            let call = client.tool(name, json!({"region": "north"}));
            call.header("mcp-param-region", "south").send().await
        };
        let (hidden, unknown) = (call(&some, "locate").await, call(&some, "locatE").await);
        assert_eq!(hidden.status, unknown.status);
        assert_eq!(hidden.text(), unknown.text().replace('E', "e"));
        assert_ne!(call(&all, "locate").await.text(), hidden.text());
    }
}

#[tokio::test]
async fn there_are_neither_prompts_nor_resources_for_whom_not_every_tool_exists() {
    for (_server, some, all) in callers(&["add", "get_*"]).await {
        let send = async |client: &Client, method: &str, params: Value| {
            client.rpc(method, params).send().await
        };
        for (method, what) in [
            ("prompts/list", "prompts"),
            ("resources/list", "resources"),
            ("resources/templates/list", "resourceTemplates"),
        ] {
            let listed = send(&some, method, json!({})).await.result();
            assert_eq!(listed[what], json!([]), "{method}");
        }
        let listed = send(&all, "prompts/list", json!({})).await.result();
        assert_eq!(names(&listed, "prompts"), ["greeting"]);
        for (method, hidden, unknown) in [
            (
                "prompts/get",
                json!({"name": "greeting"}),
                json!({"name": "greetinG"}),
            ),
            (
                "resources/read",
                json!({"uri": "notes://today"}),
                json!({"uri": "notes://todaY"}),
            ),
        ] {
            let (found, missed) = (
                send(&some, method, hidden.clone()).await,
                send(&some, method, unknown).await,
            );
            assert_eq!(found.status, missed.status, "{method}");
            assert_eq!(found.text(), missed.text().replace('Y', "y"), "{method}");
            assert_eq!(send(&all, method, hidden).await.status, 200);
        }
    }
}

#[tokio::test]
async fn the_tasks_of_a_tool_are_none_of_whom_may_not_call_it() {
    for (server, some, all) in callers(&["start_print", "get_print_status"]).await {
        // Its own job, and all the same no task: the tool that makes tasks is not there for it.
        let id = started(&some, "print", json!({"text": "x"})).await;
        for method in ["tasks/get", "tasks/cancel"] {
            let (own, unknown) = (
                about(&some, method, &id).send().await,
                about(&some, method, &"0".repeat(32)).send().await,
            );
            assert_eq!(own.text(), unknown.text(), "{method}");
        }
        let reply = call(&some, "print", json!({"text": "x"})).await;
        assert!(reply.rpc_error().1.contains("there is no tool `print`"));
        let id = id_of(&all, "print", json!({"text": "x"})).await;
        assert_eq!(about(&all, "tasks/get", &id).send().await.status, 200);
        drop(server);
    }
}

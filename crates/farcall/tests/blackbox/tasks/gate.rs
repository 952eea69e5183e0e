//! Who gets a task, and who does not.

use farcall::{Expose, Value, json};

use super::{EXTENSION, about, begun, exposed, id_of, knowing};
use crate::{
    harness::{Era, Server, Setup},
    offers::{Callers, count, ended, tools, tools_and_jobs},
    sessions::Session,
};

async fn server() -> Server {
    Setup::new(tools().add_job(exposed(count()))).start().await
}

async fn capabilities(server: &Server) -> Value {
    let discovered = server.rpc("server/discover", json!({})).send().await;
    discovered.result()["capabilities"].clone()
}

#[tokio::test]
async fn a_client_that_knows_tasks_gets_one_for_the_same_record() {
    let server = server().await;
    let handle = begun(&server, "count", json!({"text": "four"})).await;
    let id = handle["taskId"].as_str().unwrap();
    for absent in ["result", "error", "inputRequests", "requestState", "task"] {
        assert!(handle.get(absent).is_none(), "{handle}");
    }
    let week = 7 * 24 * 60 * 60 * 1000;
    let ttl = handle["ttlMs"].as_i64().unwrap();
    assert!((week..week + 60_000).contains(&ttl), "{handle}");
    assert_eq!(handle["pollIntervalMs"], 2000);
    for time in ["createdAt", "lastUpdatedAt"] {
        assert!(handle[time].as_str().unwrap().ends_with('Z'), "{handle}");
    }
    assert_eq!(ended(&server, "count", id).await["state"], "succeeded");
}

#[tokio::test]
async fn everybody_else_gets_the_result() {
    let server = server().await;
    let arguments = json!({"text": "four"});
    let params = json!({"name": "count", "arguments": arguments});
    for era in Era::ALL {
        let call = match era {
            Era::Modern => server.rpc("tools/call", params.clone()),
            Era::Legacy => server.legacy("tools/call", params.clone()),
        };
        let counted = call.send().await.structured();
        assert_eq!(counted["result"], json!({"characters": 4}), "{era:?}");
        assert_eq!(counted["ready"], true, "{era:?}");
    }
    let others = json!({"elicitation": {}, "extensions": {"com.example/tasks": {}}});
    let call = server.tool("count", arguments).capabilities(others);
    let counted = call.send().await.structured();
    assert_eq!(counted["ready"], true);
}

#[tokio::test]
async fn a_session_of_an_older_client_gets_no_task_whatever_it_declares() {
    let app = tools().add_job(exposed(count()));
    let server = Setup::new(app.sessions(farcall::Sessions::default()));
    let server = server.start().await;
    let session = Session::open(&server).await;
    let counted = session.call("count", json!({"text": "four"})).send().await;
    let result = counted.result();
    assert_eq!(result["structuredContent"]["ready"], true, "{result}");
    let asked = session.request("tasks/get", json!({"taskId": "x"})).send();
    assert_eq!(asked.await.rpc_error().0, -32_601);
}

#[tokio::test]
async fn a_job_that_is_only_a_task_needs_a_client_that_knows_tasks() {
    let job = count().with(|options| options.expose = Expose::Task);
    let server = Setup::new(tools().add_job(job)).start().await;
    let listed = server.rpc("tools/list", json!({})).send().await.result();
    let names: Vec<_> = listed["tools"].as_array().unwrap().iter().collect();
    assert_eq!(names.len(), 4);
    assert_eq!(names[3]["name"], "count");

    let refused = server.call("count", json!({"text": "x"})).await;
    assert_eq!((refused.status, refused.rpc_error().0), (400, -32_021));
    assert_eq!(
        refused.json()["error"]["data"],
        json!({"requiredCapabilities": {"extensions": {EXTENSION: {}}}})
    );
    let params = json!({"name": "count", "arguments": {"text": "x"}});
    let refused = server.legacy("tools/call", params).send().await;
    assert_eq!(refused.rpc_error().0, -32_021);

    let id = id_of(&server, "count", json!({"text": "x"})).await;
    assert_eq!(super::ended(&server, &id).await["status"], "completed");
}

#[tokio::test]
async fn tasks_are_told_of_only_to_those_who_know_them() {
    let server = server().await;
    let id = id_of(&server, "count", json!({"text": "x"})).await;
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let params = json!({"taskId": id, "inputResponses": {}});
        let refused = server.rpc(method, params).send().await;
        assert_eq!(refused.rpc_error().0, -32_021, "{method}");
    }
}

#[tokio::test]
async fn a_server_without_tasks_says_so() {
    let with = server().await;
    assert_eq!(
        capabilities(&with).await["extensions"],
        json!({EXTENSION: {}})
    );
    let without = Setup::new(tools_and_jobs()).start().await;
    assert!(capabilities(&without).await.get("extensions").is_none());
    let id = crate::offers::started(&without, "count", json!({"text": "x"})).await;
    let refused = about(&without, "tasks/get", &id).send().await;
    assert_eq!(refused.rpc_error().0, -32_601);
}

#[tokio::test]
async fn what_is_no_task_of_this_caller_is_unknown_in_the_same_words() {
    let app = tools_and_jobs().add_job({
        let mut job = exposed(count());
        job.name = "tally".to_owned();
        job
    });
    let server = Setup::new(app.token_verifier(Callers)).start().await;
    let (alice, bob) = (
        server.with_token("alice-token"),
        server.with_token("bob-token"),
    );
    let hers = id_of(&alice, "tally", json!({"text": "x"})).await;
    super::ended(&alice, &hers).await;
    let no_task = crate::offers::started(&bob, "count", json!({"text": "x"})).await;
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let mut answers = Vec::new();
        for id in [&hers, &no_task, "0", "00000000000000000000000000000000"] {
            let request = about(&bob, method, id).param("inputResponses", json!({}));
            let unknown = request.send().await;
            assert_eq!(unknown.rpc_error().0, -32_602, "{method} {id}");
            answers.push((unknown.status, unknown.text()));
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
    }
}

#[tokio::test]
async fn a_start_that_is_repeated_under_its_key_is_one_task() {
    let server = server().await;
    let order = json!({"text": "x", "idempotency_key": "a-key"});
    let id = id_of(&server, "count", order.clone()).await;
    assert_eq!(id_of(&server, "count", order.clone()).await, id);
    let same = server.call("start_count", order).await.structured();
    assert_eq!(same["job_id"], id);
    let other = json!({"text": "y", "idempotency_key": "a-key"});
    let conflict = super::call(&server, "count", other).await.tool_failure();
    assert_eq!(conflict["error_code"], "idempotency_conflict");
}

#[tokio::test]
async fn arguments_are_judged_before_there_is_a_task() {
    let server = server().await;
    let refused = super::call(&server, "count", json!({"text": 1})).await;
    assert!(refused.tool_error().contains("`text`"));
    let unknown = knowing(server.tool("tally", json!({}))).send().await;
    assert_eq!(unknown.rpc_error().0, -32_602);
}

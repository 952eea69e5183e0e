//! Jobs as tasks of clients that know tasks (SEP-2663).

mod ask;
pub(crate) mod follow;
mod gate;
mod view;

use farcall::{Expose, Job, Value, json};

use crate::harness::{Client, Reply, Rpc, pace, soon};

pub(crate) const EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// The job, also as a task.
pub(crate) fn exposed(job: Job) -> Job {
    job.with(|options| options.expose = Expose::ContractAndTask)
}

/// The same request from a client that knows tasks, and can be asked.
fn knowing(request: Rpc) -> Rpc {
    request.capabilities(json!({"elicitation": {}, "extensions": {EXTENSION: {}}}))
}

/// Calls a tool as a client that knows tasks.
pub(crate) async fn call(client: &Client, tool: &str, arguments: Value) -> Reply {
    knowing(client.tool(tool, arguments)).send().await
}

/// Starts a task, and returns its handle.
pub(crate) async fn begun(client: &Client, job: &str, arguments: Value) -> Value {
    let handle = call(client, job, arguments).await.result();
    assert_eq!(handle["resultType"], "task", "{handle}");
    handle
}

/// The id of a task that is started now.
pub(crate) async fn id_of(client: &Client, job: &str, arguments: Value) -> String {
    let handle = begun(client, job, arguments).await;
    handle["taskId"].as_str().unwrap().to_owned()
}

/// A request about the task `id`.
pub(crate) fn about(client: &Client, method: &str, id: &str) -> Rpc {
    knowing(client.rpc(method, json!({"taskId": id})))
}

pub(crate) async fn get(client: &Client, id: &str) -> Value {
    let task = about(client, "tasks/get", id).send().await.result();
    assert_eq!(task["resultType"], "complete", "{task}");
    assert_eq!(task["taskId"], id, "{task}");
    task
}

/// Asks for the task until it is what the test waits for.
pub(crate) async fn get_when(client: &Client, id: &str, is_it: impl Fn(&Value) -> bool) -> Value {
    soon(async {
        loop {
            let task = get(client, id).await;
            if is_it(&task) {
                return task;
            }
            pace().await;
        }
    })
    .await
}

pub(crate) async fn ended(client: &Client, id: &str) -> Value {
    let is_over = |task: &Value| task["status"] != "working" && task["status"] != "input_required";
    get_when(client, id, is_over).await
}

/// Sends answers, and sees that they are acknowledged.
async fn answer(client: &Client, id: &str, answers: Value) {
    let update = about(client, "tasks/update", id).param("inputResponses", answers);
    assert_eq!(
        update.send().await.result(),
        json!({"resultType": "complete"})
    );
}

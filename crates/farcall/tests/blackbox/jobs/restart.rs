//! What a server that stops leaves to the next one.

use farcall::json;
use tokio_util::sync::CancellationToken;

use crate::{
    harness::Setup,
    offers::{ended, print, printed, started, status_when, tools, tools_and_jobs},
};

#[tokio::test]
async fn a_job_that_runs_when_the_server_stops_goes_on_with_the_next_start() {
    let never = CancellationToken::new();
    let server = Setup::new(tools().add_job(print(&never))).start().await;
    let id = started(&server, "print", json!({"text": "kept"})).await;
    status_when(&server, "print", &id, |status| status["stage"] == 1).await;
    let folder = server.cut().await;
    let setup = Setup::new(tools_and_jobs()).in_folder(folder);
    let server = setup.start().await;
    assert_eq!(ended(&server, "print", &id).await["state"], "succeeded");
    let page = server.get(&format!("/files/{id}/page.txt")).await;
    assert_eq!(page.text(), "kept");
}

#[tokio::test]
async fn what_was_finished_is_there_after_a_restart() {
    let server = Setup::new(tools_and_jobs()).start().await;
    let id = printed(&server, "kept").await;
    let tag = server
        .get(&format!("/files/{id}"))
        .await
        .header("etag")
        .to_owned();
    let folder = server.cut().await;
    let server = Setup::new(tools_and_jobs()).in_folder(folder).start().await;
    assert_eq!(ended(&server, "print", &id).await["state"], "succeeded");
    assert_eq!(
        server.get(&format!("/files/{id}")).await.header("etag"),
        tag
    );
}

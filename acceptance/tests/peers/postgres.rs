//! Jobs in a PostgreSQL database.

use std::time::Duration;

use farcall_acceptance::{
    Launch, scratch, sha256,
    wait::{until, until_within},
};
use farcall_testpg::{Cluster, Durability, PASSWORD};
use serde_json::json;
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

use crate::example::{BARE, launch};

/// Longer than the lease of a worker that nobody can see to be dead, and a search for such.
const LEASE_AND_MORE: Duration = Duration::from_mins(2);

/// The example server with its jobs at `database`.
fn launch_at(folder: &TempDir, database: &str) -> Launch {
    launch(folder, &BARE).env("FARCALL_DATABASE_URL", database)
}

async fn execute(cluster: &Cluster, statement: &'static str) {
    let url = cluster.url("postgres");
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let done = sqlx::query(statement).execute(&mut connection);
    done.await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_render_goes_on_after_a_kill_with_its_record_in_postgres() {
    let cluster = Cluster::start(Durability::Disk);
    let database = cluster.tcp_url(cluster.server(), "postgres");
    let folder = scratch(env!("CARGO_TARGET_TMPDIR"));
    let server = launch_at(&folder, &database).start().await;
    let client = server.client();
    // Long enough to be caught in the act.
    let scene = json!({"frames": 48, "width": 480, "height": 360});
    let started = client.call("start_render", scene).await;
    let id = started["job_id"].as_str().unwrap();
    until("the second stage", async || {
        let status = client
            .call("get_render_status", json!({"job_id": id}))
            .await;
        (status["stage"] == 2).then_some(())
    })
    .await;
    assert!(!server.talk().contains(PASSWORD), "{}", server.talk());
    server.kill().await;
    // Nothing of it is in a file.
    assert!(!folder.path().join("data/jobs.sqlite3").exists());

    let server = launch_at(&folder, &database).start().await;
    let client = server.client();
    let last = until_within(LEASE_AND_MORE, "the end of the render", async || {
        let status = client
            .call("get_render_status", json!({"job_id": id}))
            .await;
        let is_over = status["state"] != "queued" && status["state"] != "running";
        is_over.then_some(status)
    })
    .await;
    assert_eq!(last["state"], "succeeded", "{last}");
    let result = client
        .call("get_render_result", json!({"job_id": id}))
        .await;
    let file = client.download(result["url"].as_str().unwrap()).await;
    assert!(file.starts_with(b"GIF89a"));
    assert_eq!(result["artifacts"][0]["sha256"], sha256(&file));

    // Who asks whether it is ready hears of its database.
    let ready = format!("{}/readyz", server.origin());
    let answers = async |expected: u16| {
        until("another answer of `/readyz`", async || {
            (client.status_of(&ready).await == expected).then_some(())
        })
        .await;
    };
    answers(200).await;
    execute(&cluster, "ALTER TABLE jobs RENAME TO away").await;
    answers(503).await;
    execute(&cluster, "ALTER TABLE away RENAME TO jobs").await;
    answers(200).await;
    server.stop().await;
}

#[tokio::test]
async fn a_database_that_lets_nobody_in_is_told_without_the_password() {
    let cluster = Cluster::start(Durability::None);
    let folder = scratch(env!("CARGO_TARGET_TMPDIR"));
    let database = cluster.tcp_url(cluster.server(), "postgres");
    let wrong = format!("not-{PASSWORD}");
    for (database, said) in [
        (
            database.replace(PASSWORD, &wrong),
            "password authentication",
        ),
        (format!("{database}_nowhere"), "does not exist"),
    ] {
        let ended = launch_at(&folder, &database).refused().await;
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
        assert!(ended.stderr.contains("hint: "), "{}", ended.stderr);
        let talk = format!("{}{}", ended.stdout, ended.stderr);
        assert!(!talk.contains(PASSWORD), "{talk}");
    }
}

//! Ways that are no straight ones: files that are elsewhere, another program in the place of the server, a part alone.

use std::fs;

use super::{
    Doctor, FARM, TOKEN, free_port,
    front::{Way, alive, relay},
};
use crate::harness::{Project, Server};

/// A server behind something that sends whoever asks for its files to where everybody gets them.
async fn with_files_elsewhere() -> (Project, Server, String) {
    let port = free_port().to_string();
    let own = format!("http://127.0.0.1:{port}");
    let open = relay(&own, Way::Authorizing(TOKEN)).await;
    let open = open.rsplit_once(':').unwrap().1.parse().unwrap();
    let front = relay(&own, Way::FilesAt(open)).await;
    let project = Project::new(FARM)
        .with("MCP_PORT", &port)
        .with("MCP_BEARER_TOKEN", TOKEN)
        .with("PUBLIC_BASE_URL", &front);
    let server = project.serve().await;
    (project, server, front)
}

#[tokio::test]
async fn a_file_is_fetched_where_a_redirect_leads_and_strangers_get_it_there_too() {
    let folder = tempfile::tempdir().unwrap();
    let (_project, _server, front) = with_files_elsewhere().await;
    let doctor = Doctor::within(folder.path()).argument(&front);
    let seen = doctor.variable("FARCALL_TOKEN", TOKEN).run().await;
    seen.says("job", "ok", "ran to its file of 5 B", "");
    seen.is_broken_at(
        "files open to strangers",
        "is given to somebody who sent nothing",
        "before the whole host",
    );
}

#[tokio::test]
async fn a_program_at_the_port_that_serves_any_name_and_hears_no_token() {
    let (other, heard) = alive().await;
    let port = other.rsplit_once(':').unwrap().1;
    let project = Project::new(FARM).with("MCP_BEARER_TOKEN", TOKEN);
    let server = project.serve().await;
    let front = relay(&server.origin(), Way::Through).await;
    let seen = Doctor::within(&project.path(""))
        .variable("MCP_PORT", port)
        .variable("MCP_BEARER_TOKEN", TOKEN)
        .argument(&front)
        .run()
        .await;
    seen.says(
        "Host guard",
        "broken",
        "answers to a foreign `Host`",
        "rewrites `Host`",
    );
    let heard = heard.lock().unwrap();
    assert!(heard.contains("doctor.invalid"), "{heard}");
    assert!(!heard.contains(TOKEN), "{heard}");
}

#[tokio::test]
async fn the_way_to_the_url_alone_says_nothing_of_this_machine() {
    let project = Project::new(FARM).with("MCP_BEARER_TOKEN", TOKEN);
    let server = project.serve().await;
    fs::write(
        project.path(".env"),
        format!(
            "MCP_BEARER_TOKEN={TOKEN}\nPUBLIC_BASE_URL={}\n",
            server.origin()
        ),
    )
    .unwrap();
    let seen = Doctor::within(&project.path(""))
        .argument("--only")
        .argument("url")
        .run()
        .await;
    assert_eq!((seen.exit, seen.broken()), (0, vec![]), "{}", seen.all());
    seen.says("job", "ok", "ran to its file", "");
    let of_machine = ["configuration", "store", "secrets", "port", "health"];
    let is_of_machine =
        |found: &serde_json::Value| of_machine.iter().any(|check| found["check"] == **check);
    assert!(!seen.findings.iter().any(is_of_machine), "{}", seen.all());
}

#[tokio::test]
async fn a_job_that_takes_its_time_is_no_fault() {
    let slow = FARM.replace(
        "import pathlib, sys;",
        "import pathlib, sys, time; time.sleep(6);",
    );
    let project = Project::new(&slow);
    let server = project.serve().await;
    let folder = tempfile::tempdir().unwrap();
    let seen = Doctor::within(folder.path())
        .argument(server.origin())
        .argument("--timeout")
        .argument("1")
        .run()
        .await;
    assert_eq!((seen.exit, seen.broken()), (0, vec![]), "{}", seen.all());
    seen.says(
        "job",
        "unverified",
        "longer than --timeout",
        "--timeout SECONDS",
    );
}

#[tokio::test]
async fn a_database_that_is_silent_is_waited_for_once() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://farm@{}/farm", silent.local_addr().unwrap());
    let project = Project::new(FARM).with("MCP_BEARER_TOKEN", TOKEN);
    let server = project.serve().await;
    let began = std::time::Instant::now();
    let seen = Doctor::within(&project.path(""))
        .variable("MCP_PORT", server.origin().rsplit_once(':').unwrap().1)
        .variable("MCP_BEARER_TOKEN", TOKEN)
        .variable("FARCALL_DATABASE_URL", &url)
        .run()
        .await;
    seen.says("store", "broken", "", "");
    seen.says("same server", "unverified", "the store did not open", "");
    assert!(began.elapsed().as_secs() < 38, "{:?}", began.elapsed());
}

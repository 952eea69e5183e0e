//! What a server that was killed left on the disk is gone with the next one, and nothing of others is.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::json;
use tokio::task::JoinHandle;

use crate::{
    harness::{Answer, Project, Server, until, written},
    tools,
};

/// What is in the place for temporary files.
fn entries(place: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(place).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// Its programs tell where they are in `out`, and wait.
fn project(place: &Path, out: &Path) -> Project {
    Project::new(tools::TOML)
        .with("TMPDIR", place.to_str().unwrap())
        .with("OUTSIDE", "x")
        .with("OUT", out.to_str().unwrap())
}

async fn called(server: &Server, out: &Path, actions: &[&str]) -> (PathBuf, JoinHandle<()>) {
    let params = json!({"name": "act", "arguments": {"actions": actions}});
    let request = server.request("tools/call", "act", params);
    let call = tokio::spawn(async move {
        // The one that is killed answers nothing.
        let _ = request.send().await;
    });
    let folder = written(&out.join("where")).await;
    (PathBuf::from(folder.trim_end()), call)
}

#[tokio::test]
async fn what_a_killed_server_left_is_removed_by_the_next_and_nothing_of_another() {
    let place = tempfile::tempdir().unwrap();
    let (out, out_of_other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::create_dir(place.path().join("farcall-notes")).unwrap();
    fs::create_dir(place.path().join("elsewhere")).unwrap();
    std::os::unix::fs::symlink("elsewhere", place.path().join("farcall-runs-link")).unwrap();

    let other = project(place.path(), out_of_other.path());
    let other = other.serve().await;
    let go = out_of_other.path().join("go");
    let waits = format!("await={}", go.display());
    let actions = ["where", &waits, "write=a:b", "print=well"];
    let (of_other, call) = called(&other, out_of_other.path(), &actions).await;

    let project = project(place.path(), out.path());
    let server = project.serve().await;
    let (left, cut) = called(&server, out.path(), &["write=a:b", "where", "wait"]).await;
    server.kill();
    cut.await.unwrap();
    assert_eq!(
        fs::read_to_string(left.join("a")).unwrap(),
        "b",
        "a kill leaves it"
    );

    let server = project.serve().await;
    assert!(
        !left.parent().unwrap().exists(),
        "{:?}",
        entries(place.path())
    );
    assert!(of_other.is_dir());
    let hello: Answer = server.call("quiet", json!({"status": 0})).await;
    assert_eq!(hello.text, "done");
    fs::write(go, "").unwrap();
    call.await.unwrap();
    server.stop().await;
    other.stop().await;
    until("the end of every folder of a run", async || {
        let mut left = entries(place.path());
        left.sort();
        let untouched = ["elsewhere", "farcall-notes", "farcall-runs-link"];
        (left == untouched.map(|name| place.path().join(name))).then_some(())
    })
    .await;
}

//! Backups of a server at work, and servers on what was backed up.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use farcall_acceptance::{
    DataFolder, Ended, McpClient, Server,
    fixture::STAGES,
    wait::{DEADLINE, until},
};
use farcall_cli::verbs::backup::CRASH_POINTS;
use rustix::process::Signal;

use crate::rig::{Rig, check_success, order, started};

/// How many jobs are started while a backup is made.
const LOAD: usize = 40;

async fn backed_up(rig: &Rig, to: &str) -> Ended {
    let to = rig.path(to);
    let verb = rig.launch().verb(&["backup", "--to", to.to_str().unwrap()]);
    verb.run().await
}

/// A server on a backup.
async fn restored(rig: &Rig, from: &str) -> Server {
    let launch = rig.launch().env("FARCALL_DATA_DIR", rig.path(from));
    launch.start().await
}

/// What is there of the backup `to`, whole or not.
fn traces(rig: &Rig, to: &str) -> Vec<String> {
    let entries = fs::read_dir(rig.path(".")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.contains(to)).collect()
}

/// Starts jobs and notes those that are acknowledged.
async fn start_many(client: McpClient, acknowledged: Arc<Mutex<Vec<String>>>) {
    for _ in 0..LOAD {
        let started = client.call("start_assemble", order()).await;
        let id = started["job_id"].as_str().unwrap().to_owned();
        acknowledged.lock().unwrap().push(id);
    }
}

#[tokio::test]
async fn a_backup_holds_all_that_was_acknowledged_and_a_server_goes_on_with_it() {
    let rig = Rig::new();
    let server = rig.start().await;
    let over = started(&server).await;
    check_success(&server, &over).await;
    // In its third stage, with a checkpoint, a file and a work folder behind it.
    let gate = rig.gate(STAGES[2]);
    let midway = started(&server).await;
    let held = gate.reached().await;
    drop(gate);

    let acknowledged = Arc::default();
    let load = tokio::spawn(start_many(server.client(), Arc::clone(&acknowledged)));
    until("some jobs of the load", async || {
        (acknowledged.lock().unwrap().len() > 5).then_some(())
    })
    .await;
    let before = acknowledged.lock().unwrap().clone();
    let ended = backed_up(&rig, "copy").await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    load.await.unwrap();
    // The server has lost nothing by it.
    drop(held);
    check_success(&server, &midway).await;
    server.kill().await;

    let server = restored(&rig, "copy").await;
    for id in before.iter().chain([&over, &midway]) {
        check_success(&server, id).await;
    }
    until("all jobs of the copy to end", async || {
        let jobs = DataFolder::new(rig.path("copy")).jobs().await;
        jobs.iter()
            .all(|job| job.state == "succeeded")
            .then_some(())
    })
    .await;
    server.stop().await;
    let copy = DataFolder::new(rig.path("copy"));
    copy.check_tidy().await;
    let jobs = copy.jobs().await;
    let began_again = jobs.iter().find(|job| job.id == midway).unwrap();
    assert_eq!((began_again.attempt, began_again.losses), (1, 0));
}

#[tokio::test]
async fn a_backup_that_is_killed_leaves_nothing_that_looks_like_one() {
    let rig = Rig::new();
    let server = rig.start().await;
    let ids = [started(&server).await, started(&server).await];
    for id in &ids {
        check_success(&server, id).await;
    }
    let own = CRASH_POINTS.iter().copied();
    let of_files = ["artifacts.write.begun:2", "artifacts.write.renamed:3"];
    for (number, point) in own.chain(of_files).enumerate() {
        let is_whole = point == "backup.named";
        let name = format!("copy-{number}");
        let to = rig.path(&name);
        let verb = rig.launch().verb(&["backup", "--to", to.to_str().unwrap()]);
        let killed = verb.env("FARCALL_CRASH_AT", point).run().await;
        assert_eq!(killed.code, None, "{point}: {killed:?}");
        assert_eq!(to.exists(), is_whole, "{point}");
        if !is_whole {
            let again = backed_up(&rig, &name).await;
            assert_eq!(again.code, Some(0), "{point}: {again:?}");
        }
        assert_eq!(traces(&rig, &name), [name.as_str()], "{point}");
        let server = restored(&rig, &name).await;
        for id in &ids {
            check_success(&server, id).await;
        }
        server.stop().await;
        DataFolder::new(to).check_tidy().await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_backup_that_is_asked_to_stop_takes_all_of_it_away() {
    let rig = Rig::new();
    let server = rig.start().await;
    for _ in 0..8 {
        let id = started(&server).await;
        check_success(&server, &id).await;
    }
    // It may have been faster than the signal.
    let mut cut_off = 0;
    for attempt in 0..20 {
        let name = format!("copy-{attempt}-");
        let to = rig.path(&name);
        let verb = rig.launch().verb(&["backup", "--to", to.to_str().unwrap()]);
        let mut process = verb.spawn();
        let unfinished = rig.path(&format!(".{name}.unfinished"));
        until("the backup to be begun", async || {
            (unfinished.exists() || process.ended().is_some()).then_some(())
        })
        .await;
        process.signal(Signal::TERM);
        let ended = process.end(DEADLINE).await;
        if ended.code == Some(0) {
            assert_eq!(traces(&rig, &name), [name.as_str()]);
            continue;
        }
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("cut off"), "{ended:?}");
        assert_eq!(traces(&rig, &name), [""; 0]);
        cut_off += 1;
        if cut_off == 3 {
            break;
        }
    }
    assert!(cut_off > 0, "no signal came in time");
    server.stop().await;
}

fn flip_a_byte(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    bytes[1_000] ^= 1;
    fs::write(file, bytes).unwrap();
}

#[tokio::test]
async fn a_file_with_another_byte_is_told_and_may_be_left_out() {
    let rig = Rig::new();
    let server = rig.start().await;
    let ids = [started(&server).await, started(&server).await];
    for id in &ids {
        check_success(&server, id).await;
    }
    let damaged = format!("{}/1-report.txt", ids[0]);
    flip_a_byte(&rig.path("data/artifacts").join(&damaged));
    let lost = format!("{}/1-notes.txt", ids[1]);
    fs::remove_file(rig.path("data/artifacts").join(&lost)).unwrap();

    let ended = backed_up(&rig, "copy").await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for told in [
        damaged.as_str(),
        lost.as_str(),
        "2 of 4 files",
        "--leave-out-damaged",
    ] {
        assert!(ended.stderr.contains(told), "`{told}`: {ended:?}");
    }
    assert_eq!(traces(&rig, "copy"), [""; 0]);

    let to = rig.path("copy");
    let to = to.to_str().unwrap();
    let verb = ["backup", "--to", to, "--leave-out-damaged", "--json"];
    let ended = rig.launch().verb(&verb).run().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&report["ok"], &report["files"]), (&true.into(), &2.into()));
    assert_eq!(report["damaged"].as_array().unwrap().len(), 2);
    server.stop().await;
}

//! What somebody sees of a file while its server dies around every step of its publication.

use std::os::unix::process::ExitStatusExt;

use farcall_acceptance::{
    fixture,
    onlooker::{Onlooker, Place},
};

use crate::rig::{Rig, SEED, check_success, started};

/// The files of a job, with the way to each; the first is also the one that has no name.
fn files(id: &str) -> [(String, Vec<u8>); 3] {
    let notes = fixture::notes(SEED).into_bytes();
    let report = fixture::report(SEED).into_bytes();
    [
        (format!("/files/{id}"), notes.clone()),
        (format!("/files/{id}/notes.txt"), notes),
        (format!("/files/{id}/report.txt"), report),
    ]
}

/// P14.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_seen_whole_or_not_at_all_wherever_its_server_dies() {
    let store = farcall_store::CRASH_POINTS.iter().copied();
    let keeps = ["store.checkpoint.", "store.succeed."];
    let keeping = store.filter(|point| keeps.iter().any(|step| point.starts_with(step)));
    let all: Vec<_> = farcall_artifacts::CRASH_POINTS
        .iter()
        .copied()
        .chain(keeping)
        .collect();
    for point in all {
        // Each of the two files is written once.
        let passings = if point.starts_with("artifacts.") {
            2
        } else {
            1
        };
        for passing in 1..=passings {
            is_whole_or_nothing(&format!("{point}:{passing}")).await;
        }
    }
}

async fn is_whole_or_nothing(point: &str) {
    let rig = Rig::new();
    // Held until somebody looks.
    let gate = rig.gate(fixture::STAGES[0]);
    let launch = rig.launch().env("FARCALL_CRASH_AT", point);
    let server = launch.start().await;
    let id = started(&server).await;
    let held = gate.reached().await;
    drop(gate);
    let place = Place::new(server.origin());
    let onlookers = files(&id).map(|(path, expected)| Onlooker::of(&place, &path, expected));
    drop(held);
    let status = server.ended().await;
    assert_eq!(status.signal(), Some(9), "{point}: {status}");

    let server = rig.start().await;
    place.moves_to(server.origin());
    check_success(&server, &id).await;
    for onlooker in onlookers {
        let seen = onlooker.end().await;
        assert!(seen.nothing + seen.nobody > 0, "{point}: {seen:?}");
    }
    server.stop().await;
}

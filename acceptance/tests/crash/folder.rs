//! One data folder, one server.

use farcall_acceptance::fixture::STAGES;

use crate::rig::{Rig, check_success, started};

#[tokio::test]
async fn a_second_server_on_the_same_folder_is_refused_and_does_no_harm() {
    let rig = Rig::new();
    let gate = rig.gate(STAGES[1]);
    let server = rig.start().await;
    let id = started(&server).await;
    let held = gate.reached().await;

    let second = rig.launch().refused().await;
    assert_eq!(second.code, Some(2), "{}", second.stderr);
    let sentence = second.stderr.lines().next().unwrap();
    assert!(sentence.starts_with("error: "), "{}", second.stderr);
    assert!(sentence.contains("in use by another"), "{}", second.stderr);

    drop(held);
    check_success(&server, &id).await;
    server.stop().await;
    let job = rig.only_job().await;
    assert_eq!((job.attempt, job.losses), (1, 0));
    assert!(rig.repeated(&STAGES).is_empty());
    rig.data().check_tidy().await;
}

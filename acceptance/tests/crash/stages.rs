//! `kill -9` in the middle of each stage.

use farcall_acceptance::fixture::{PROGRAM, STAGES, UNDIVIDED};

use crate::rig::{Rig, check_success, started};

#[tokio::test]
async fn a_job_goes_on_in_the_stage_in_which_its_server_was_killed() {
    for stage in STAGES {
        let rig = Rig::new();
        let gate = rig.gate(stage);
        let server = rig.start().await;
        let id = started(&server).await;
        let _held = gate.reached().await;
        server.kill().await;
        drop(gate);

        let server = rig.start().await;
        check_success(&server, &id).await;
        server.stop().await;
        assert_eq!(rig.repeated(&STAGES), [stage], "only what was cut off");
        let job = rig.only_job().await;
        assert_eq!((job.id, job.attempt, job.losses), (id, 2, 1), "{stage}");
        rig.data().check_tidy().await;
    }
}

#[tokio::test]
async fn an_acknowledged_job_survives_a_kill_right_after_the_answer() {
    let rig = Rig::new();
    let server = rig.start().await;
    let id = started(&server).await;
    server.kill().await;

    let server = rig.start().await;
    check_success(&server, &id).await;
    server.stop().await;
    assert_eq!(rig.only_job().await.id, id);
    rig.data().check_tidy().await;
}

/// The count of stage runs has to be able to fail: the same stages with nothing kept between
/// them, as if checkpoints were lost, are seen to run twice.
#[tokio::test]
async fn stages_without_a_checkpoint_between_them_are_seen_to_run_twice() {
    let rig = Rig::new();
    let gate = rig.gate(STAGES[2]);
    let server = rig.launch().env(PROGRAM, UNDIVIDED).start().await;
    let id = started(&server).await;
    let _held = gate.reached().await;
    server.kill().await;
    drop(gate);

    let server = rig.launch().env(PROGRAM, UNDIVIDED).start().await;
    check_success(&server, &id).await;
    assert_eq!(rig.repeated(&STAGES), STAGES[..3]);
}

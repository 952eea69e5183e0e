//! SIGTERM: a drain that waits, and one that is cut short.

use farcall_acceptance::{Server, fixture::STAGES, wait::until};
use rustix::process::Signal;

use crate::rig::{Rig, check_success, started};

/// More often than a job may lose its worker.
const STOPS: usize = 3;

#[tokio::test]
async fn a_stop_that_is_hurried_hands_the_job_back_uncounted() {
    let rig = Rig::new();
    let gate = rig.gate(STAGES[1]);
    let mut server = rig.start().await;
    let id = started(&server).await;
    for _ in 0..STOPS {
        let held = gate.reached().await;
        terminated(&mut server).await;
        server.terminate();
        server.stopped().await;
        drop(held);
        let job = rig.only_job().await;
        assert_eq!(
            (job.state.as_str(), job.attempt, job.losses),
            ("queued", 0, 0)
        );
        assert_eq!(job.stage, 1, "the stage after the checkpoint");
        server = rig.start().await;
    }
    drop(gate.reached().await);

    check_success(&server, &id).await;
    server.stop().await;
    let job = rig.only_job().await;
    assert_eq!((job.attempt, job.losses), (1, 0));
    rig.data().check_tidy().await;
}

#[tokio::test]
async fn a_stop_waits_for_a_job_that_is_nearly_done() {
    let rig = Rig::new();
    let gate = rig.gate(STAGES[3]);
    let mut server = rig.start().await;
    let id = started(&server).await;
    let held = gate.reached().await;
    terminated(&mut server).await;
    drop(held);
    server.stopped().await;
    assert_eq!(rig.only_job().await.state, "succeeded");

    let server = rig.start().await;
    check_success(&server, &id).await;
    server.stop().await;
    assert!(rig.repeated(&STAGES).is_empty());
    rig.data().check_tidy().await;
}

/// SIGHUP would end a process that does not know it.
#[tokio::test]
async fn a_program_without_a_file_takes_a_hang_up_for_nothing() {
    let rig = Rig::new();
    let gate = rig.gate(STAGES[1]);
    let mut server = rig.start().await;
    let id = started(&server).await;
    let held = gate.reached().await;
    server.signal(Signal::HUP);
    until("the server to say that nothing changes", async || {
        server
            .talk()
            .contains("SIGHUP changes nothing")
            .then_some(())
    })
    .await;
    drop(held);
    check_success(&server, &id).await;
    server.stop().await;
    assert_eq!(rig.only_job().await.attempt, 1);
}

/// Sends SIGTERM and waits until it has been heard: two at the same moment are one.
async fn terminated(server: &mut Server) {
    server.terminate();
    until("the server to say that it stops", async || {
        server.talk().contains("a second signal cuts").then_some(())
    })
    .await;
}

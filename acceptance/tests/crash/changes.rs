//! A server that comes back with other code.

use farcall_acceptance::fixture::{CHANGED, CHANGED_STAGES, OTHER, PROGRAM, STAGES};
use serde_json::json;

use crate::rig::{Rig, check_success, started};

#[tokio::test]
async fn a_job_whose_pipeline_changed_starts_from_zero_with_the_new_total() {
    let rig = Rig::new();
    let gate = rig.gate(STAGES[2]);
    let server = rig.start().await;
    let id = started(&server).await;
    let _held = gate.reached().await;
    server.kill().await;
    drop(gate);

    let server = rig.launch().env(PROGRAM, CHANGED).start().await;
    check_success(&server, &id).await;
    server.stop().await;
    let job = rig.only_job().await;
    assert_eq!((job.stage, job.total_stages), (5, 5));
    let all = [&CHANGED_STAGES[..], &[STAGES[2]]].concat();
    assert_eq!(rig.repeated(&all), STAGES[..2], "from zero");
    // The files of the earlier attempt go with the next start.
    rig.launch()
        .env(PROGRAM, CHANGED)
        .start()
        .await
        .stop()
        .await;
    rig.data().check_tidy().await;
}

#[tokio::test]
async fn a_job_whose_program_no_longer_exists_fails_with_a_sentence() {
    let rig = Rig::new();
    let gate = rig.gate(STAGES[2]);
    let server = rig.start().await;
    let id = started(&server).await;
    let _held = gate.reached().await;
    server.kill().await;
    drop(gate);

    rig.launch().env(PROGRAM, OTHER).start().await.stop().await;
    let job = rig.only_job().await;
    assert_eq!(job.state, "failed");
    let sentence = job.error_message.unwrap();
    assert!(sentence.contains("`assemble`"), "{sentence}");
    assert!(sentence.contains("any more"), "{sentence}");
    rig.data().check_tidy().await;

    // Whoever still has the id can read the sentence once the job is offered again.
    let server = rig.start().await;
    let client = server.client();
    let status = client
        .call("get_assemble_status", json!({"job_id": id}))
        .await;
    assert_eq!(status["state"], "failed");
    assert_eq!(status["error"], sentence);
}

//! A job that may be what kills its server is not run for ever.

use farcall_acceptance::fixture::STAGES;
use serde_json::json;

use crate::rig::{Rig, check_success, started};

#[tokio::test]
async fn a_job_that_lost_its_worker_twice_while_it_ran_alone_has_failed() {
    let rig = Rig::new();
    let gate = rig.gate(STAGES[1]);
    let mut server = rig.start().await;
    let id = started(&server).await;
    // The first loss is nobody's fault: whatever ran beside the job may have been the reason.
    for _ in 0..3 {
        let held = gate.reached().await;
        server.kill().await;
        drop(held);
        server = rig.start().await;
    }

    let client = server.client();
    let seen = client.follow("get_assemble_status", &id).await;
    let last = seen.last().unwrap();
    assert_eq!(last["state"], "failed", "{last}");
    assert_eq!(last["error_code"], "worker_lost", "{last}");
    let sentence = last["error"].as_str().unwrap();
    assert!(sentence.contains("2 times"), "{sentence}");
    let result = client
        .call("get_assemble_result", json!({"job_id": id}))
        .await;
    assert_eq!(result["ready"], false, "{result}");
    assert_eq!(result["error"], last["error"], "{result}");
    let file = format!("{}/files/{id}", server.origin());
    assert_eq!(client.status_of(&file).await, 404);
    drop(gate);

    // The server itself is fine, and so is the next job.
    let next = started(&server).await;
    check_success(&server, &next).await;
    server.stop().await;
    let job = &rig.data().jobs().await[0];
    assert_eq!((job.attempt, job.losses), (3, 3), "it did not run again");
    rig.data().check_tidy().await;
}

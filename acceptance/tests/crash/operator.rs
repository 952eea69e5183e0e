//! The verbs that look after jobs, beside a server at work.

use farcall_acceptance::{Ended, fixture::STAGES};

use crate::rig::{Rig, check_success, started};

async fn jobs(rig: &Rig, arguments: &[&str]) -> Ended {
    let verb = rig.launch().verb(&["jobs"]).verb(arguments);
    verb.run().await
}

#[tokio::test]
async fn a_running_job_is_cancelled_and_started_again_beside_its_server() {
    let rig = Rig::new();
    let gate = rig.gate(STAGES[1]);
    let server = rig.start().await;
    let id = started(&server).await;
    let held = gate.reached().await;
    drop(gate);

    let listed = jobs(&rig, &["list", "--state", "running"]).await;
    assert!(listed.stdout.contains(&id[..8]), "{listed:?}");
    let shown = jobs(&rig, &["show", &id[..8]]).await;
    assert!(
        shown.stdout.contains("1 of 4 stages are finished"),
        "{shown:?}"
    );

    let cancelled = jobs(&rig, &["cancel", &id[..8]]).await;
    assert_eq!(cancelled.code, Some(0), "{cancelled:?}");
    assert!(
        cancelled.stdout.contains("is told to stop"),
        "{cancelled:?}"
    );
    // Its code does not look, so its record ends without it.
    let watched = jobs(&rig, &["watch", &id]).await;
    drop(held);
    assert_eq!(watched.code, Some(1), "{watched:?}");
    assert!(watched.stderr.contains("cancelled"), "{watched:?}");

    let retried = jobs(&rig, &["retry", &id]).await;
    assert_eq!(retried.code, Some(0), "{retried:?}");
    let again = retried.stdout.trim();
    assert_ne!(again, id);
    let watched = jobs(&rig, &["watch", again]).await;
    assert_eq!(watched.code, Some(0), "{watched:?}");
    check_success(&server, again).await;
    let jobs = rig.data().jobs().await;
    assert_eq!(jobs[0].error_code.as_deref(), Some("cancelled"));
    server.stop().await;
}

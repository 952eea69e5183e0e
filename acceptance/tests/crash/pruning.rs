//! Files go before the record of their job.

use std::os::unix::process::ExitStatusExt;

use farcall_acceptance::{
    Launch,
    fixture::{BRIEF, PROGRAM, STAGES},
    wait::until,
};

use crate::rig::{Rig, started};

fn brief(rig: &Rig) -> Launch {
    rig.launch().env(PROGRAM, BRIEF)
}

/// P19: no crash leaves a file that nothing knows of.
#[tokio::test]
async fn an_expired_job_is_deleted_after_its_files_whenever_the_server_dies() {
    for (point, left) in [("store.delete.begun:1", 1), ("store.delete.committed:1", 0)] {
        let rig = Rig::new();
        let gate = rig.gate(STAGES[3]);
        let server = brief(&rig).env("FARCALL_CRASH_AT", point).start().await;
        started(&server).await;
        drop(gate.reached().await);
        let status = server.ended().await;
        assert_eq!(status.signal(), Some(9), "{point}: {status}");
        assert_eq!(rig.data().jobs().await.len(), left, "{point}");
        assert_eq!(rig.data().artifacts(), [""; 0], "{point}");
        drop(gate);

        let server = brief(&rig).start().await;
        until("the record of the job to go", async || {
            rig.data().jobs().await.is_empty().then_some(())
        })
        .await;
        server.stop().await;
        rig.data().check_tidy().await;
    }
}

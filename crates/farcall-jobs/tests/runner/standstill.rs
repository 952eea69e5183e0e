//! What worked on a job elsewhere was ended, because this process stood still for too long.

use std::sync::atomic::{AtomicU32, Ordering};

use farcall_core::{
    JsonObject,
    job::{Job, JobContext, LeaseRanOut, Pipeline, state::JobState},
    principal::Principal,
    problem::Problem,
};
use farcall_jobs::queue::How;

use crate::rig::{Rig, quick};

/// P13.
#[tokio::test]
async fn what_ended_with_its_lease_is_no_failure_of_its_job() {
    let runs = AtomicU32::new(0);
    let brew = move |_: &JobContext, arguments: JsonObject| {
        if runs.fetch_add(1, Ordering::Relaxed) == 0 {
            return Err(Problem::internal(LeaseRanOut));
        }
        Ok(arguments)
    };
    let pipeline = Pipeline::<JsonObject, JsonObject>::new().stage("brewing", brew);
    let job = Job::new("brew", "Brew tea.", pipeline);
    let rig = Rig::new().await;
    let (artifacts, caller) = (rig.artifacts(), Principal::anonymous());
    let queue = rig.queue(&job).with_files(artifacts.clone());
    let runner = rig.run_in(&[&job], &artifacts, quick()).await;
    let started = queue.start_with("brew", JsonObject::new(), &caller, How::default());
    let id = started.await.unwrap().id;
    assert_eq!(rig.ended(id).await.state, JobState::Succeeded);
    rig.stop(runner).await;
}

//! With too little space no job is taken in, and none is begun.

use farcall_core::{
    JsonObject,
    job::{Job, Pipeline, state::JobState},
    principal::Principal,
    problem::ErrorCode,
};
use farcall_jobs::queue::How;

use crate::rig::{Rig, quick};

/// P15.
#[tokio::test]
async fn with_too_little_space_only_a_repetition_is_answered_and_what_waits_waits() {
    let pipeline = Pipeline::<JsonObject, JsonObject>::new().stage("brewing", |_, x| Ok(x));
    let job = Job::new("brew", "Brew tea.", pipeline);
    let rig = Rig::new().await;
    let (artifacts, caller) = (rig.artifacts(), Principal::anonymous());
    let queue = rig.queue(&job).with_files(artifacts.clone());
    let start = async |key: Option<&str>| {
        let how = How {
            key: key.map(str::to_owned),
            ..How::default()
        };
        let nothing = JsonObject::new();
        queue.start_with("brew", nothing, &caller, how).await
    };
    let first = start(Some("k")).await.unwrap();

    artifacts.space().keep_free(u64::MAX);
    let runner = rig.run_in(&[&job], &artifacts, quick()).await;
    for key in [None, Some("other")] {
        let refused = start(key).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::StorageFull, "{refused}");
    }
    let again = start(Some("k")).await.unwrap();
    assert_eq!((again.id, again.was_there), (first.id, true));
    rig.has_beaten().await;
    let waits = rig.record_when(first.id, |_| true).await;
    assert_eq!(waits.state, JobState::Queued);

    artifacts.space().keep_free(0);
    assert_eq!(rig.ended(first.id).await.state, JobState::Succeeded);
    start(None).await.unwrap();
    rig.stop(runner).await;
}

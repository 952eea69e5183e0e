//! The two ends of a job.

use farcall_core::job::state::JobState;
use serde_json::{Value, json};

use super::fixture::{
    EXPIRY, START, artifact, checkpoint, failure, locations, names, outcome, record, report,
    running, standing,
};
use crate::{JobStore, Reach, Success, message};

pub async fn success_publishes_value_and_artifacts_at_once(store: &dyn JobStore) {
    let id = standing(store, JobState::Succeeded).await;
    let found = outcome(store, id).await;
    assert_eq!(found.record, record(store, id).await);
    assert_eq!(
        (found.record.state, found.record.stage),
        (JobState::Succeeded, 3)
    );
    assert_eq!(found.record.message, message::DONE);
    assert_eq!((found.record.progress, &found.record.error), (None, &None));
    assert_eq!(found.record.finished_at, Some(START));
    assert_eq!(found.record.expires_at, Some(EXPIRY));
    assert_eq!(found.value, Some(json!({"frames": 48})));
    assert_eq!(names(&found.artifacts), ["notes.txt", "film.gif"]);

    let first = store
        .published(id, Reach::All, None)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (first.owner.as_str(), &first.artifact),
        ("alice", &found.artifacts[0])
    );
    let named = store
        .published(id, Reach::All, Some("film.gif"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(named.artifact, artifact("film.gif", "1/film.gif"));
    assert_eq!(
        store
            .published(id, Reach::All, Some("other.gif"))
            .await
            .unwrap(),
        None
    );
}

pub async fn a_success_may_have_neither_value_nor_files(store: &dyn JobStore) {
    // `null` is a value, and nothing is not.
    for value in [None, Some(Value::Null)] {
        let fence = running(store).await;
        store
            .succeed(
                fence,
                Success {
                    value: value.clone(),
                    artifacts: vec![],
                },
            )
            .await
            .unwrap();
        let found = outcome(store, fence.id).await;
        assert_eq!(
            (found.record.state, found.record.stage),
            (JobState::Succeeded, 3)
        );
        assert_eq!((found.value, found.artifacts), (value, vec![]));
        assert_eq!(
            store.published(fence.id, Reach::All, None).await.unwrap(),
            None
        );
    }
}

pub async fn a_failed_job_keeps_its_message_and_publishes_nothing(store: &dyn JobStore) {
    let fence = running(store).await;
    let made = vec![artifact("notes.txt", "1/notes.txt")];
    store.checkpoint(fence, checkpoint(1), made).await.unwrap();
    store.report(fence, report(2)).await.unwrap();
    store.fail(fence, failure()).await.unwrap();

    let found = outcome(store, fence.id).await;
    assert_eq!(
        (found.record.state, found.record.stage),
        (JobState::Failed, 2)
    );
    assert_eq!(found.record.message, "[2/3] working");
    assert_eq!(found.record.error, Some(failure()));
    assert_eq!(found.record.finished_at, Some(START));
    assert_eq!(found.record.expires_at, Some(EXPIRY));
    assert_eq!((found.value, found.artifacts), (None, vec![]));
    assert_eq!(
        store.published(fence.id, Reach::All, None).await.unwrap(),
        None
    );
}

pub async fn the_files_of_failed_jobs_are_strays(store: &dyn JobStore) {
    let failed = standing(store, JobState::Failed).await;
    assert_eq!(locations(store, failed).await, Vec::<String>::new());
    let succeeded = standing(store, JobState::Succeeded).await;
    let needed = locations(store, succeeded).await;
    assert_eq!(needed, ["1/film.gif", "1/notes.txt"]);
}

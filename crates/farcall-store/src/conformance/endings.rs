//! The two ends of a job.

use farcall_core::job::state::JobState;
use serde_json::{Value, json};

use super::fixture::{
    END, EXPIRY, artifact, checkpoint, failure, names, outcome, record, report, running, standing,
    success,
};
use crate::{JobStore, Success, message};

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
    assert_eq!(found.record.finished_at, Some(END));
    assert_eq!(found.record.expires_at, Some(EXPIRY));
    assert_eq!(found.value, Some(json!({"frames": 48})));
    assert_eq!(names(&found.artifacts), ["notes.txt", "film.gif"]);

    let first = store.published(id, None).await.unwrap().unwrap();
    assert_eq!(
        (first.owner.as_str(), &first.artifact),
        ("alice", &found.artifacts[0])
    );
    let named = store
        .published(id, Some("film.gif"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(named.artifact, artifact("film.gif", "1/film.gif"));
    assert_eq!(store.published(id, Some("other.gif")).await.unwrap(), None);
}

pub async fn a_success_may_have_neither_value_nor_files(store: &dyn JobStore) {
    let nothing = Success {
        value: None,
        artifacts: vec![],
        ..success()
    };
    // `null` is a value, and nothing is not.
    for value in [None, Some(Value::Null)] {
        let fence = running(store).await;
        store
            .succeed(
                fence,
                Success {
                    value: value.clone(),
                    ..nothing.clone()
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
        assert_eq!(store.published(fence.id, None).await.unwrap(), None);
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
    assert_eq!(found.record.error, Some(failure().error));
    assert_eq!(found.record.finished_at, Some(END));
    assert_eq!(found.record.expires_at, Some(EXPIRY));
    assert_eq!((found.value, found.artifacts), (None, vec![]));
    assert_eq!(store.published(fence.id, None).await.unwrap(), None);
}

pub async fn the_files_of_failed_jobs_are_strays(store: &dyn JobStore) {
    standing(store, JobState::Failed).await;
    assert_eq!(
        store.artifact_locations().await.unwrap(),
        Vec::<String>::new()
    );
    standing(store, JobState::Succeeded).await;
    let mut locations = store.artifact_locations().await.unwrap();
    locations.sort();
    assert_eq!(locations, ["1/film.gif", "1/notes.txt"]);
}

//! Into the queue and back.

use farcall_core::job::state::JobState;
use serde_json::{Value, json};

use super::fixture::{
    START, checkpoint, claimed, enqueued, new_job, outcome, record, report, running, standing,
    unique_id,
};
use crate::{JobRecord, JobStore, NewJob, StoreError, message};

pub async fn a_new_job_waits_at_stage_zero(store: &dyn JobStore) {
    let id = enqueued(store).await;
    let expected = JobRecord {
        id,
        owner: "alice".to_owned(),
        job: "render".to_owned(),
        state: JobState::Queued,
        stage: 0,
        total_stages: 3,
        message: message::QUEUED.to_owned(),
        progress: None,
        error: None,
        attempt: 0,
        losses: 0,
        created_at: START,
        started_at: None,
        finished_at: None,
        expires_at: None,
    };
    assert_eq!(record(store, id).await, expected);
    let outcome = outcome(store, id).await;
    assert_eq!(
        (outcome.record, outcome.value, outcome.artifacts),
        (expected, None, vec![])
    );
}

pub async fn an_unknown_job_is_not_there(store: &dyn JobStore) {
    enqueued(store).await;
    let id = unique_id();
    assert_eq!(store.record(id).await.unwrap(), None);
    assert_eq!(store.outcome(id).await.unwrap(), None);
    assert_eq!(store.published(id, None).await.unwrap(), None);
    store.ping().await.unwrap();
}

pub async fn a_second_job_with_the_same_id_is_refused(store: &dyn JobStore) {
    let fence = running(store).await;
    let before = record(store, fence.id).await;
    let twin = NewJob {
        id: fence.id,
        owner: "mallory".to_owned(),
        ..new_job()
    };
    let answer = store.enqueue(twin).await;
    assert!(
        matches!(answer, Err(StoreError::Refused { .. })),
        "{answer:?}"
    );
    assert_eq!(record(store, fence.id).await, before);
}

pub async fn a_job_without_stages_is_refused(store: &dyn JobStore) {
    let job = NewJob {
        total_stages: 0,
        ..new_job()
    };
    let id = job.id;
    let answer = store.enqueue(job).await;
    assert!(
        matches!(answer, Err(StoreError::Refused { .. })),
        "{answer:?}"
    );
    assert_eq!(store.record(id).await.unwrap(), None);
}

pub async fn arguments_come_back_as_they_went_in(store: &dyn JobStore) {
    let arguments = json!({
        "z": 1, "a": [true, null, {}],
        // Numbers at the edge of what is exact.
        "n": [0.1, 1e-310, 5e-324, 122.416_294_033_786_58, u64::MAX, i64::MIN, -0.0],
        "s": ["", "é\u{10ffff}", "a\u{0}b", "'; DROP TABLE jobs; --"],
    });
    let Value::Object(arguments) = arguments else {
        unreachable!("an object")
    };
    store
        .enqueue(NewJob {
            arguments: arguments.clone(),
            ..new_job()
        })
        .await
        .unwrap();
    let found = claimed(store).await.arguments;
    // As text, because that shows the order of keys and the last bit of numbers.
    let text = |arguments| Value::Object(arguments).to_string();
    assert_eq!(text(found), text(arguments));
}

pub async fn what_could_not_be_read_back_is_refused(store: &dyn JobStore) {
    let deep = (0..500).fold(json!(0), |inside, _| json!([inside]));
    let job = NewJob {
        arguments: [("deep".to_owned(), deep)].into_iter().collect(),
        ..new_job()
    };
    let id = job.id;
    let answer = store.enqueue(job).await;
    assert!(
        matches!(answer, Err(StoreError::Refused { .. })),
        "{answer:?}"
    );
    assert_eq!(store.record(id).await.unwrap(), None);
}

pub async fn a_released_job_waits_again_and_nothing_is_counted(store: &dyn JobStore) {
    let fence = running(store).await;
    store
        .checkpoint(fence, checkpoint(1), vec![])
        .await
        .unwrap();
    store.report(fence, report(2)).await.unwrap();
    store.release(fence).await.unwrap();

    let waiting = record(store, fence.id).await;
    assert_eq!(
        (waiting.state, waiting.attempt, waiting.losses),
        (JobState::Queued, 0, 0)
    );
    assert_eq!((waiting.stage, waiting.progress), (1, None));
    assert_eq!(waiting.message, message::QUEUED);
    assert_eq!(waiting.started_at, Some(START));

    let again = claimed(store).await;
    assert_eq!((again.attempt, again.fence.epoch), (1, 2));
    assert_eq!(again.checkpoint, Some(checkpoint(1)));
}

pub async fn unfinished_jobs_are_listed_oldest_first(store: &dyn JobStore) {
    standing(store, JobState::Succeeded).await;
    standing(store, JobState::Failed).await;
    let mut expected = vec![standing(store, JobState::Running).await];
    for _ in 0..5 {
        expected.push(enqueued(store).await);
    }
    assert_eq!(store.unfinished().await.unwrap(), expected);
}

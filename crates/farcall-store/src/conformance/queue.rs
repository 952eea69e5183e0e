//! Into the queue and back.

use std::time::Duration;

use farcall_core::{
    job::state::JobState,
    question::{Askable, Asking},
};
use serde_json::{Value, json};

use super::{
    TestClock,
    fixture::{
        KEPT, START, checkpoint, claim, claimed, enqueued, known, new_job, outcome, record, report,
        running, unique_id, worker_lost,
    },
};
use crate::{JobRecord, JobStore, NewJob, Reach, StoreError, Which, message};

pub async fn a_new_job_waits_at_stage_zero(store: &dyn JobStore) {
    let new = new_job();
    let id = new.id;
    let enqueued = store.enqueue(new).await.unwrap();
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
        counted_losses: 0,
        priority: 0,
        worker: None,
        is_asking: false,
        cancel_requested: false,
        keep_for: KEPT,
        created_at: START,
        updated_at: START,
        run_at: START,
        started_at: None,
        finished_at: None,
        expires_at: None,
        read_at: START,
    };
    assert_eq!(
        (enqueued.record, enqueued.was_there),
        (expected.clone(), None)
    );
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
    assert_eq!(store.record(id, Reach::All).await.unwrap(), None);
    assert_eq!(store.outcome(id, Reach::All).await.unwrap(), None);
    assert_eq!(store.published(id, Reach::All, None).await.unwrap(), None);
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
    assert_eq!(store.record(id, Reach::All).await.unwrap(), None);
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
    assert_eq!(store.record(id, Reach::All).await.unwrap(), None);
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

pub async fn an_order_is_what_a_job_was_started_with(store: &dyn JobStore) {
    let mut job = new_job();
    job.terms.queue_timeout = Some(Duration::from_mins(1));
    job.terms.priority = -3;
    job.key = Some("k".to_owned());
    job.can_ask = Askable::NOBODY.with(Asking::Model);
    store.enqueue(job.clone()).await.unwrap();
    // Another start stands elsewhere in a trace, or nowhere.
    job.trace = None;
    assert_eq!(store.order(job.id).await.unwrap(), Some(job));
    assert_eq!(store.order(unique_id()).await.unwrap(), None);
}

/// P16: nobody waits until a clock that was set back has come round again.
pub async fn a_clock_that_is_set_back_keeps_no_job_waiting(
    store: &dyn JobStore,
    clock: &dyn TestClock,
) {
    const HOUR: i64 = 3_600_000;
    let id = enqueued(store).await;
    clock.jump(-HOUR).await;
    let fence = claimed(store).await.fence;
    clock.jump(-HOUR).await;
    store.release(fence).await.unwrap();
    let fence = claimed(store).await.fence;
    let pause = Duration::from_secs(5);
    let again = "again".to_owned();
    store.retry(fence, pause, again).await.unwrap();
    clock.jump(-HOUR).await;
    // For a store whose clock nobody could set.
    clock.advance(5_000).await;
    claimed(store).await;
    clock.jump(-HOUR).await;
    worker_lost(store).await;
    let last = claim(store, &known(), Which::Suspect).await.unwrap();
    assert_eq!((last.fence.id, last.attempt), (id, 3));
}

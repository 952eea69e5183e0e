//! At start: lost workers, lost programs, shared secrets; and at the end.

use farcall_core::{job::state::JobState, problem::ErrorCode};

use super::fixture::{
    END, EXPIRY, artifact, checkpoint, claimed, enqueued, known, new_job, outcome, record, report,
    running, standing, unique_id,
};
use crate::{JobStore, NewJob, Recovered, StoreError, message};

pub async fn a_job_goes_on_after_its_last_checkpoint(store: &dyn JobStore) {
    let fence = running(store).await;
    let made = vec![artifact("notes.txt", "1/notes.txt")];
    store.checkpoint(fence, checkpoint(1), made).await.unwrap();
    store.report(fence, report(2)).await.unwrap();

    let recovered = store.recover(2, END, EXPIRY).await.unwrap();
    assert_eq!(
        recovered,
        Recovered {
            requeued: vec![fence.id],
            lost: vec![]
        }
    );
    let waiting = record(store, fence.id).await;
    assert_eq!(
        (waiting.state, waiting.attempt, waiting.losses),
        (JobState::Queued, 1, 1)
    );
    assert_eq!((waiting.stage, waiting.progress), (1, None));
    assert_eq!(waiting.message, message::QUEUED);

    let again = claimed(store).await;
    assert_eq!((again.attempt, again.fence.epoch), (2, 2));
    assert_eq!(again.checkpoint, Some(checkpoint(1)));
    assert_eq!(store.artifact_locations().await.unwrap(), ["1/notes.txt"]);
}

pub async fn a_job_that_loses_too_many_workers_fails_with_a_sentence(store: &dyn JobStore) {
    let fence = running(store).await;
    store.recover(2, END, EXPIRY).await.unwrap();
    claimed(store).await;
    store
        .report(crate::Fence { epoch: 2, ..fence }, report(1))
        .await
        .unwrap();
    let recovered = store.recover(2, END, EXPIRY).await.unwrap();
    assert_eq!(
        recovered,
        Recovered {
            requeued: vec![],
            lost: vec![fence.id]
        }
    );

    let lost = record(store, fence.id).await;
    assert_eq!(
        (lost.state, lost.attempt, lost.losses),
        (JobState::Failed, 2, 2)
    );
    assert_eq!(
        (lost.finished_at, lost.expires_at),
        (Some(END), Some(EXPIRY))
    );
    let error = lost.error.unwrap();
    assert_eq!(error.code, ErrorCode::WorkerLost);
    assert!(error.message.contains("2 times"), "{}", error.message);
    assert_eq!(store.claim(&known(), END).await.unwrap(), None);
}

pub async fn only_running_jobs_have_lost_a_worker(store: &dyn JobStore) {
    let mut others = Vec::new();
    for state in [JobState::Succeeded, JobState::Failed, JobState::Queued] {
        let id = standing(store, state).await;
        others.push(outcome(store, id).await);
    }
    let recovered = store.recover(2, END, EXPIRY).await.unwrap();
    assert_eq!(recovered, Recovered::default());
    for before in others {
        assert_eq!(outcome(store, before.record.id).await, before);
    }

    let mut expected = vec![claimed(store).await.fence.id];
    for _ in 0..5 {
        expected.push(running(store).await.id);
    }
    let recovered = store.recover(2, END, EXPIRY).await.unwrap();
    assert_eq!(
        recovered,
        Recovered {
            requeued: expected,
            lost: vec![]
        }
    );
}

pub async fn jobs_that_nobody_knows_fail_with_a_sentence(store: &dyn JobStore) {
    let busy = running(store).await.id;
    let mut orphans = Vec::new();
    for _ in 0..3 {
        let orphan = NewJob {
            job: "encode".to_owned(),
            ..new_job()
        };
        orphans.push(orphan.id);
        store.enqueue(orphan).await.unwrap();
    }
    let waiting = enqueued(store).await;

    let failed = store.fail_orphans(&known(), END, EXPIRY).await.unwrap();
    assert_eq!(failed, orphans);
    let orphan = record(store, orphans[0]).await;
    assert_eq!((orphan.state, orphan.started_at), (JobState::Failed, None));
    assert_eq!(
        (orphan.finished_at, orphan.expires_at),
        (Some(END), Some(EXPIRY))
    );
    let error = orphan.error.unwrap();
    assert_eq!(error.code, ErrorCode::Internal);
    assert!(error.message.contains("`encode`"), "{}", error.message);

    assert_eq!(
        store.fail_orphans(&known(), END, EXPIRY).await.unwrap(),
        vec![]
    );
    assert_eq!(store.unfinished().await.unwrap(), [busy, waiting]);
    // A worker may still have what is running, so only what waits is failed.
    assert_eq!(
        store.fail_orphans(&[], END, EXPIRY).await.unwrap(),
        [waiting]
    );
}

pub async fn a_secret_is_made_once(store: &dyn JobStore) {
    assert_eq!(store.secret("links", [1; 32]).await.unwrap(), [1; 32]);
    assert_eq!(store.secret("links", [2; 32]).await.unwrap(), [1; 32]);
    assert_eq!(store.secret("state", [3; 32]).await.unwrap(), [3; 32]);
}

pub async fn a_store_that_is_closed_says_so(store: &dyn JobStore) {
    let id = enqueued(store).await;
    store.close().await;
    store.close().await;
    assert!(matches!(store.record(id).await, Err(StoreError::Closed)));
    assert!(matches!(store.ping().await, Err(StoreError::Closed)));
    assert!(matches!(
        store.enqueue(new_job()).await,
        Err(StoreError::Closed)
    ));
    assert!(matches!(
        store.record(unique_id()).await,
        Err(StoreError::Closed)
    ));
}

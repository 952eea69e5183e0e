//! What operators see.

use std::time::Duration;

use farcall_core::{id::JobId, job::state::JobState, question::Question};

use super::{
    TestClock,
    fixture::{
        KEPT, START, artifact, checkpoint, claim, claimed, enqueued, failure, known, names, record,
        report, running, standing, success, unique_id,
    },
};
use crate::{Details, JobStore, Listed, Report, Tally, Which};

async fn details(store: &dyn JobStore, id: JobId) -> Details {
    let details = store.details(id).await.unwrap();
    details.expect("the job has details")
}

pub async fn jobs_are_listed_newest_first(store: &dyn JobStore) {
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(enqueued(store).await);
    }
    ids.reverse();
    let running = claim(store, &known(), Which::Others)
        .await
        .unwrap()
        .fence
        .id;
    let all = Listed {
        limit: 3,
        ..Listed::default()
    };
    let listed = async |listed: Listed| -> Vec<JobId> {
        let records = store.list(listed).await.unwrap();
        assert!(records.iter().all(|record| record.read_at == START));
        records.into_iter().map(|record| record.id).collect()
    };
    assert_eq!(listed(all.clone()).await, ids[..3]);
    let next = Listed {
        before: Some(ids[2]),
        ..all.clone()
    };
    assert_eq!(listed(next).await, ids[3..]);
    let runs = Listed {
        state: Some(JobState::Running),
        job: Some("render".to_owned()),
        owner: Some("alice".to_owned()),
        ..all.clone()
    };
    assert_eq!(listed(runs).await, [running]);
    for digits in [1, 31, 32] {
        let prefix = ids[1].to_string()[..digits].to_owned();
        let begins = |id: &&JobId| id.to_string().starts_with(&prefix);
        let expected: Vec<_> = ids.iter().filter(begins).copied().collect();
        let begins = Listed {
            id_prefix: Some(prefix.clone()),
            limit: 9,
            ..Listed::default()
        };
        assert_eq!(listed(begins).await, expected, "{prefix}");
    }
    let every = Listed {
        id_prefix: Some(String::new()),
        ..all.clone()
    };
    assert_eq!(listed(every).await, ids[..3]);
    for nothing in [
        Listed {
            job: Some("encode".to_owned()),
            ..all.clone()
        },
        Listed {
            owner: Some("bob".to_owned()),
            ..all.clone()
        },
        Listed {
            owner: Some("alice\0".to_owned()),
            ..all.clone()
        },
        Listed {
            id_prefix: Some("x".to_owned()),
            ..all.clone()
        },
        Listed {
            id_prefix: Some(ids[1].to_string().to_ascii_uppercase()),
            state: Some(JobState::Succeeded),
            ..all.clone()
        },
        Listed {
            id_prefix: Some(format!("{}0", ids[1])),
            ..all
        },
    ] {
        assert_eq!(listed(nothing.clone()).await, [], "{nothing:?}");
    }
}

pub async fn the_details_of_a_job_say_how_it_came_where_it_is(store: &dyn JobStore) {
    assert_eq!(store.details(unique_id()).await.unwrap(), None);
    let id = enqueued(store).await;
    let fresh = details(store, id).await;
    assert_eq!(fresh.record, record(store, id).await);
    let counts = (fresh.epoch, fresh.restarts, fresh.last_line);
    assert_eq!((counts, fresh.checkpoint), ((0, 0, 0), None));
    assert_eq!(fresh.artifacts, []);

    let first = claimed(store).await.fence;
    store.release(first).await.unwrap();
    let fence = claimed(store).await.fence;
    store.restart(fence, 3, "f2".to_owned()).await.unwrap();
    let log = vec!["one".to_owned(), "two".to_owned()];
    let told = Report { log, ..report(1) };
    store.report(fence, told).await.unwrap();
    let notes = artifact("notes.txt", "1/notes.txt");
    let staged = vec![notes.clone()];
    store
        .checkpoint(fence, checkpoint(2), staged)
        .await
        .unwrap();
    let question = [("size".to_owned(), Question::form("?"))];
    store.ask(fence, &question).await.unwrap();
    let midway = details(store, id).await;
    assert!(midway.record.is_asking);
    // What a release takes back is an attempt, and not a claim.
    assert_eq!((midway.epoch, midway.record.attempt), (2, 1));
    assert_eq!((midway.restarts, midway.last_line), (1, 2));
    assert_eq!(midway.checkpoint, Some(2));
    assert_eq!(names(&midway.artifacts), ["notes.txt"]);

    let done = success();
    store.succeed(fence, done.clone()).await.unwrap();
    let over = details(store, id).await;
    assert_eq!(over.record.state, JobState::Succeeded);
    assert_eq!(over.checkpoint, None);
    assert_eq!(over.artifacts, [vec![notes], done.artifacts].concat());
}

pub async fn the_details_of_a_failed_job_name_no_files(store: &dyn JobStore) {
    let id = standing(store, JobState::Failed).await;
    let failed = details(store, id).await;
    assert_eq!(failed.record.error, Some(failure()));
    assert_eq!(failed.checkpoint, Some(2));
    assert_eq!(failed.artifacts, []);
}

pub async fn what_has_expired_is_not_there_for_operators_either(
    store: &dyn JobStore,
    clock: &dyn TestClock,
) {
    let fence = running(store).await;
    store.succeed(fence, success()).await.unwrap();
    let waits = enqueued(store).await;
    let expiry = u32::try_from(KEPT.as_millis()).unwrap();
    clock.advance(expiry).await;
    assert_eq!(store.details(fence.id).await.unwrap(), None);
    let all = Listed {
        limit: 9,
        ..Listed::default()
    };
    let listed = store.list(all).await.unwrap();
    let listed: Vec<_> = listed.iter().map(|record| record.id).collect();
    assert_eq!(listed, [waits]);
}

pub async fn jobs_are_counted_by_their_states(store: &dyn JobStore) {
    let none = Tally::default();
    assert_eq!(store.tally().await.unwrap(), none);
    // Those that run first, because each is claimed as the only one that waits.
    for state in [
        JobState::Running,
        JobState::Failed,
        JobState::Succeeded,
        JobState::Failed,
        JobState::Succeeded,
        JobState::Succeeded,
        JobState::Queued,
        JobState::Queued,
    ] {
        standing(store, state).await;
    }
    let counted = Tally {
        queued: 2,
        running: 1,
        succeeded: 3,
        failed: 2,
        oldest_queued: Some(Duration::ZERO),
    };
    assert_eq!(store.tally().await.unwrap(), counted);
}

pub async fn the_age_of_the_queue_is_that_of_the_job_that_waits_longest(
    store: &dyn JobStore,
    clock: &dyn TestClock,
) {
    let oldest = async || store.tally().await.unwrap().oldest_queued;
    let first = running(store).await;
    let pause = Duration::from_secs(2);
    store
        .retry(first, pause, "once more".to_owned())
        .await
        .unwrap();
    // It waits, and nobody may begin it.
    assert_eq!(oldest().await, Some(Duration::ZERO));
    clock.advance(3_000).await;
    assert_eq!(oldest().await, Some(Duration::from_secs(1)));
    enqueued(store).await;
    clock.advance(500).await;
    assert_eq!(oldest().await, Some(Duration::from_millis(1_500)));
    claimed(store).await;
    claimed(store).await;
    assert_eq!(oldest().await, None);
    let over = standing(store, JobState::Succeeded).await;
    standing(store, JobState::Failed).await;
    let gone = u32::try_from(KEPT.as_millis()).unwrap();
    clock.advance(gone).await;
    let left = Tally {
        running: 2,
        ..Tally::default()
    };
    assert_eq!(store.tally().await.unwrap(), left, "{over}");
}

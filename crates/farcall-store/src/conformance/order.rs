//! Which job is next.

use std::{collections::HashSet, time::Duration};

use farcall_core::{id::JobId, problem::ErrorCode};
use futures_util::future::join_all;

use super::{
    TestClock,
    fixture::{
        LEASE, claimed, employed, enqueued, known, new_job, new_worker, nothing_to_claim, record,
        success, wanted_job,
    },
};
use crate::{JobStore, NewJob, NewWorker, Wanted, WantedJob, Which};

async fn with_priority(store: &dyn JobStore, priority: i8) -> JobId {
    let mut job = new_job();
    job.terms.priority = priority;
    store.enqueue(job).await.unwrap().record.id
}

/// P20: a point of priority is worth a minute of waiting, so nothing starves.
pub async fn priority_goes_before_age_until_age_has_made_up_for_it(
    store: &dyn JobStore,
    clock: &dyn TestClock,
) {
    let low = with_priority(store, -1).await;
    let high = with_priority(store, 1).await;
    let normal = with_priority(store, 0).await;
    clock.advance(60_001).await;
    let late = with_priority(store, 0).await;
    clock.advance(60_000).await;
    let too_late = with_priority(store, 1).await;
    for expected in [high, normal, low, late, too_late] {
        assert_eq!(claimed(store).await.fence.id, expected);
    }
}

/// P20: a thousand jobs that matter less have all begun after what their priority costs and the
/// time to serve them, however many come meanwhile that matter more.
pub async fn nothing_starves_in_a_stream_of_what_matters_more(
    store: &dyn JobStore,
    clock: &dyn TestClock,
) {
    const LOW: usize = 1_000;
    /// How many come with each step that matter more, and how many can be served in it.
    const EACH: usize = 10;
    const STEP: u32 = 10_000;
    /// How many steps two points of priority are worth, a minute each.
    const PRICE: usize = 12;
    let starts = |jobs, priority| join_all((0..jobs).map(move |_| with_priority(store, priority)));
    let low: HashSet<_> = starts(LOW, -1).await.into_iter().collect();
    let mut begun = Vec::new();
    for _ in 0..=PRICE + LOW / EACH {
        starts(EACH, 1).await;
        let wanted = Wanted {
            worker: employed(store).await,
            programs: &known(),
            which: Which::Others,
            limit: u32::try_from(EACH).unwrap(),
            adopt_after: Duration::ZERO,
        };
        let claims = store.claim(wanted).await.unwrap();
        begun.extend(claims.iter().map(|claim| low.contains(&claim.fence.id)));
        let ends = claims
            .iter()
            .map(|claim| store.succeed(claim.fence, success()));
        assert!(join_all(ends).await.iter().all(Result::is_ok));
        clock.advance(STEP).await;
        store.beat(wanted.worker, LEASE).await.unwrap();
    }
    let (before, after) = begun.split_at(PRICE * EACH);
    assert!(before.iter().all(|is_low| !is_low), "more matters more");
    let (of_low, rest) = after.split_at(LOW);
    assert!(
        of_low.iter().all(|is_low| *is_low),
        "they have waited enough"
    );
    assert!(rest.iter().all(|is_low| !is_low) && rest.len() == EACH);
}

pub async fn a_limit_on_how_many_run_is_never_exceeded(store: &dyn JobStore) {
    for _ in 0..6 {
        enqueued(store).await;
    }
    let limited = [WantedJob {
        concurrency: Some(2),
        ..wanted_job("render")
    }];
    let wanted = Wanted {
        worker: employed(store).await,
        programs: &limited,
        which: Which::Others,
        limit: 3,
        adopt_after: Duration::ZERO,
    };
    let claims = join_all((0..32).map(|_| store.claim(wanted))).await;
    let claims: Vec<_> = claims.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(claims.len(), 2);
    store.succeed(claims[0].fence, success()).await.unwrap();
    assert_eq!(store.claim(wanted).await.unwrap().len(), 1);
}

/// P11: a job that waited too long for its first start is not started.
pub async fn a_job_whose_time_to_start_is_over_fails_with_a_sentence(
    store: &dyn JobStore,
    clock: &dyn TestClock,
) {
    let mut job = new_job();
    job.terms.queue_timeout = Some(Duration::from_secs(5));
    let (in_time, late) = (
        store.enqueue(job.clone()).await.unwrap().record.id,
        NewJob {
            id: new_job().id,
            ..job
        },
    );
    let late = store.enqueue(late).await.unwrap().record.id;
    let fence = claimed(store).await.fence;
    assert_eq!(fence.id, in_time);
    clock.advance(5_000).await;
    nothing_to_claim(store).await;
    assert_eq!(store.give_up(&["render"], LEASE).await.unwrap(), [late]);
    let error = record(store, late).await.error.unwrap();
    assert_eq!(error.code, ErrorCode::QueueTimeout);
    assert!(error.message.contains("5 s"), "{}", error.message);
    // One that was started keeps its right to run.
    store.release(fence).await.unwrap();
    assert_eq!(claimed(store).await.fence.id, in_time);
}

/// P9: versions of a program side by side each run their own jobs.
pub async fn a_job_of_another_version_goes_to_a_worker_that_has_it(
    store: &dyn JobStore,
    clock: &dyn TestClock,
) {
    let id = enqueued(store).await;
    employed(store).await;
    let newer = NewWorker {
        programs: [("render".to_owned(), "f2".to_owned())].into(),
        ..new_worker()
    };
    let wanted = [WantedJob {
        fingerprint: "f2".to_owned(),
        ..wanted_job("render")
    }];
    let wanted = Wanted {
        worker: newer.id,
        programs: &wanted,
        which: Which::Others,
        limit: 1,
        adopt_after: 2 * LEASE,
    };
    store.register(newer, LEASE).await.unwrap();
    for _ in 0..3 {
        assert_eq!(store.claim(wanted).await.unwrap(), []);
        clock.advance(25_000).await;
        store.beat(wanted.worker, LEASE).await.unwrap();
    }
    // The other one is gone, and did not come back in time: somebody has to start the job over.
    let adopted = store.claim(wanted).await.unwrap();
    assert_eq!(adopted.len(), 1);
    assert_eq!(
        (adopted[0].fence.id, adopted[0].fingerprint.as_str()),
        (id, "f1")
    );
}

//! Who may claim, and until when.

use std::{collections::BTreeMap, time::Duration};

use farcall_core::{clock::Timestamp, job::state::JobState};

use super::{
    TestClock,
    fixture::{
        LEASE, START, claimed, enqueued, known, new_worker, nothing_to_claim, record, running,
        success, worker_lost,
    },
};
use crate::{JobStore, Reach, StoreError, Wanted, Which, Worker, WorkerId};

/// What the worker `id` gets of everything that is queued.
async fn taken_by(store: &dyn JobStore, id: WorkerId) -> usize {
    let wanted = Wanted {
        worker: id,
        programs: &known(),
        which: Which::Others,
        limit: 9,
        adopt_after: Duration::ZERO,
    };
    store.claim(wanted).await.unwrap().len()
}

pub async fn a_worker_is_listed_as_it_made_itself_known(store: &dyn JobStore) {
    let worker = new_worker();
    store.register(worker.clone(), LEASE).await.unwrap();
    let listed = Worker {
        worker: worker.clone(),
        started_at: START,
        is_live: true,
        gone_at: None,
    };
    assert_eq!(store.workers().await.unwrap(), [listed]);
    let again = store.register(worker, LEASE).await;
    assert!(
        matches!(again, Err(StoreError::Refused { .. })),
        "{again:?}"
    );
}

/// P9: who was told other programs while it runs takes what those can, and leaves to nobody else what it
/// could before.
pub async fn a_worker_may_be_told_other_programs(store: &dyn JobStore) {
    let worker = new_worker();
    let id = worker.id;
    store.register(worker, LEASE).await.unwrap();
    let fence = enqueued(store).await;
    let job = record(store, fence).await.job;
    let mut wanted = known();
    for known in &mut wanted {
        "another".clone_into(&mut known.fingerprint);
    }
    let claim = async || {
        let wanted = Wanted {
            worker: id,
            programs: &wanted,
            which: Which::Others,
            limit: 9,
            adopt_after: Duration::ZERO,
        };
        store.claim(wanted).await.unwrap().len()
    };
    assert_eq!(claim().await, 0, "there is a worker with its version");
    let programs = BTreeMap::from([(job, "another".to_owned())]);
    store.learn(id, programs.clone()).await.unwrap();
    assert_eq!(store.workers().await.unwrap()[0].worker.programs, programs);
    assert_eq!(claim().await, 1);

    store.rescue(&[id]).await.unwrap();
    let late = store.learn(id, BTreeMap::new()).await;
    assert!(matches!(late, Err(StoreError::StaleClaim)), "{late:?}");
    assert_eq!(store.workers().await.unwrap()[0].worker.programs, programs);
}

/// P6: a claim whose answer was lost on the way does not keep its job for ever.
pub async fn a_beat_tells_a_worker_of_every_claim_it_has(store: &dyn JobStore) {
    let known = running(store).await;
    let worker = record(store, known.id).await.worker.unwrap();
    // It is in the record, and nobody heard of it.
    enqueued(store).await;
    let lost = claimed(store).await.fence;
    enqueued(store).await;
    store.cancel(known.id, Reach::All).await.unwrap();
    let beat = store.beat(worker, LEASE).await.unwrap();
    assert_eq!(beat.running, [known, lost]);
    assert_eq!(beat.cancelled, [known]);

    // Handed back it waits as if it had never been claimed, and what is over is no claim.
    store.release(lost).await.unwrap();
    store.succeed(known, success()).await.unwrap();
    let back = record(store, lost.id).await;
    assert_eq!((back.state, back.attempt), (JobState::Queued, 0));
    let beat = store.beat(worker, LEASE).await.unwrap();
    assert_eq!((beat.running, beat.cancelled), (vec![], vec![]));

    // A claim of another worker is none of its own.
    let other = new_worker();
    let other_id = other.id;
    store.register(other, LEASE).await.unwrap();
    assert_eq!(taken_by(store, other_id).await, 2);
    assert_eq!(store.beat(worker, LEASE).await.unwrap().running, []);
    let beat = store.beat(other_id, LEASE).await.unwrap();
    assert_eq!(beat.running.len(), 2);
}

pub async fn a_worker_that_is_not_known_claims_nothing(store: &dyn JobStore) {
    enqueued(store).await;
    assert_eq!(taken_by(store, new_worker().id).await, 0);
}

/// P6: no job stays `running` without a live owner.
pub async fn a_lease_that_is_over_loses_its_jobs(store: &dyn JobStore, clock: &dyn TestClock) {
    let fence = running(store).await;
    clock.advance(30_000).await;
    assert_eq!(store.rescue(&[]).await.unwrap(), [], "it holds to its end");
    clock.advance(1).await;
    let lost = store.rescue(&[]).await.unwrap();
    assert_eq!(lost.len(), 1);
    assert_eq!((lost[0].id, lost[0].became), (fence.id, JobState::Queued));
    assert_eq!(store.rescue(&[]).await.unwrap(), []);

    let gone = &store.workers().await.unwrap()[0];
    assert_eq!(gone.gone_at, Some(Timestamp(START.0 + 30_001)));
    assert!(!gone.is_live);
    let id = gone.worker.id;
    let beat = store.beat(id, LEASE).await;
    assert!(matches!(beat, Err(StoreError::StaleClaim)), "{beat:?}");
    assert_eq!(taken_by(store, id).await, 0);
}

pub async fn a_beat_before_the_rescue_keeps_them(store: &dyn JobStore, clock: &dyn TestClock) {
    let fence = running(store).await;
    let id = record(store, fence.id).await.worker.unwrap();
    enqueued(store).await;
    clock.advance(60_000).await;
    assert_eq!(taken_by(store, id).await, 0, "its lease is over");
    store.beat(id, LEASE).await.unwrap();
    assert_eq!(store.rescue(&[]).await.unwrap(), []);
    assert_eq!(taken_by(store, id).await, 1);
}

/// P16: leases do not depend on the time of day.
pub async fn a_clock_that_is_set_costs_no_lease(store: &dyn JobStore, clock: &dyn TestClock) {
    let fence = running(store).await;
    for hour in [3_600_000, -7_200_000] {
        clock.jump(hour).await;
        assert_eq!(store.rescue(&[]).await.unwrap(), []);
    }
    assert_eq!(record(store, fence.id).await.state, JobState::Running);
}

pub async fn an_unregistered_worker_leaves_nothing_running(store: &dyn JobStore) {
    let fence = running(store).await;
    let id = record(store, fence.id).await.worker.unwrap();
    store.unregister(id).await.unwrap();
    assert_eq!(record(store, fence.id).await.state, JobState::Queued);
    assert_eq!(store.workers().await.unwrap(), []);
    store.unregister(id).await.unwrap();
}

pub async fn a_worker_that_is_gone_is_forgotten_after_an_hour(
    store: &dyn JobStore,
    clock: &dyn TestClock,
) {
    nothing_to_claim(store).await;
    worker_lost(store).await;
    clock.advance(3_599_999).await;
    store.give_up(&[], LEASE).await.unwrap();
    assert_eq!(store.workers().await.unwrap().len(), 1);
    clock.advance(1).await;
    store.give_up(&[], LEASE).await.unwrap();
    assert_eq!(store.workers().await.unwrap(), []);
}

//! What the database refuses by itself, however wrong the statement.

use farcall_core::{
    id::JobId,
    job::state::{JobState, Transition},
};

use super::{
    RawDatabase,
    fixture::{employed, outcome, running, standing, unique_id},
    illegal::{ILLEGAL, a_new_job},
};
use crate::{JobStore, Reach};

const TRANSITIONS: [Transition; 6] = [
    Transition::Claim,
    Transition::Recover,
    Transition::Release,
    Transition::Retry,
    Transition::Succeed,
    Transition::Fail,
];

/// A statement that brings a job into `state` with everything that belongs to it, so that
/// nothing but the transition itself can be wrong with it.
fn entering(state: JobState) -> &'static str {
    match state {
        JobState::Queued => {
            "UPDATE jobs SET state = 'queued', worker = NULL, attempt = attempt - 1,
                finished_at = NULL, expires_at = NULL, error_code = NULL, error_message = NULL, result = NULL
             WHERE id = $1"
        }
        JobState::Running => {
            "UPDATE jobs SET state = 'running', epoch = epoch + 1, attempt = attempt + 1,
                worker = (SELECT max(id) FROM workers WHERE gone_at IS NULL), started_at = coalesce(started_at, 1), finished_at = NULL, expires_at = NULL,
                error_code = NULL, error_message = NULL, result = NULL
             WHERE id = $1"
        }
        JobState::Succeeded => {
            "UPDATE jobs SET state = 'succeeded', worker = NULL, stage = total_stages,
                finished_at = 1, expires_at = 9000000, error_code = NULL, error_message = NULL
             WHERE id = $1"
        }
        JobState::Failed => {
            "UPDATE jobs SET state = 'failed', worker = NULL, error_code = 'internal',
                error_message = 'broken', finished_at = 1, expires_at = 9000000, result = NULL
             WHERE id = $1"
        }
    }
}

pub async fn it_allows_exactly_the_transitions_of_the_state_machine(
    store: &dyn JobStore,
    database: &dyn RawDatabase,
) {
    employed(store).await;
    for from in JobState::ALL {
        for to in JobState::ALL.into_iter().filter(|to| *to != from) {
            let id = standing(store, from).await;
            let is_legal = TRANSITIONS
                .iter()
                .any(|transition| from.after(*transition) == Ok(to));
            let answer = database.execute(entering(to), id).await;
            assert_eq!(answer.is_ok(), is_legal, "{from} to {to}: {answer:?}");
            let expected = if is_legal { to } else { from };
            assert_eq!(outcome(store, id).await.record.state, expected);
            out_of_the_way(database, id).await;
        }
    }
}

pub async fn it_allows_to_keep_a_finished_job_longer_and_to_delete_it(
    store: &dyn JobStore,
    database: &dyn RawDatabase,
) {
    for state in [JobState::Succeeded, JobState::Failed] {
        let id = standing(store, state).await;
        let longer = "UPDATE jobs SET expires_at = expires_at + 1 WHERE id = $1";
        assert_eq!(database.execute(longer, id).await, Ok(1));
        assert_eq!(
            database.execute("DELETE FROM jobs WHERE id = $1", id).await,
            Ok(1)
        );
        assert_eq!(store.outcome(id, Reach::All).await.unwrap(), None);
        assert_eq!(store.needed(&[id]).await.unwrap(), []);
    }
}

pub async fn it_counts_claims_one_by_one(store: &dyn JobStore, database: &dyn RawDatabase) {
    let fence = running(store).await;
    store.release(fence).await.unwrap();
    let before = outcome(store, fence.id).await;
    for statement in [
        "UPDATE jobs SET state = 'running', worker = (SELECT max(id) FROM workers),
            epoch = epoch + 1, attempt = attempt + 2
         WHERE id = $1",
        "UPDATE jobs SET state = 'running', worker = (SELECT max(id) FROM workers),
            epoch = epoch + 2, attempt = attempt + 1
         WHERE id = $1",
        "UPDATE jobs SET state = 'running', worker = (SELECT max(id) FROM workers),
            attempt = attempt + 1
         WHERE id = $1",
    ] {
        let answer = database.execute(statement, fence.id).await;
        assert!(answer.is_err(), "{statement}: {answer:?}");
        assert_eq!(outcome(store, fence.id).await, before, "{statement}");
    }
}

pub async fn it_refuses_arguments_that_are_no_object(_: &dyn JobStore, database: &dyn RawDatabase) {
    let id = unique_id();
    let job = a_new_job!("$1", "'queued'", 0, "NULL", 1, "");
    assert_eq!(database.execute(job, id).await, Ok(1));
    for statement in [
        "INSERT INTO arguments (job, value) SELECT sequence, '[]' FROM jobs WHERE id = $1",
        "INSERT INTO arguments (job, value) SELECT sequence, '{' FROM jobs WHERE id = $1",
    ] {
        let answer = database.execute(statement, id).await;
        assert!(answer.is_err(), "{statement}: {answer:?}");
    }
    let object = "INSERT INTO arguments (job, value) SELECT sequence, '{}' FROM jobs WHERE id = $1";
    assert_eq!(database.execute(object, id).await, Ok(1));
}

pub async fn it_refuses_every_other_illegal_state(
    store: &dyn JobStore,
    database: &dyn RawDatabase,
) {
    employed(store).await;
    for (state, statements) in ILLEGAL {
        for statement in *statements {
            let id = standing(store, *state).await;
            let before = outcome(store, id).await;
            let answer = database.execute(statement, id).await;
            assert!(answer.is_err(), "a {state} job: {statement}: {answer:?}");
            assert_eq!(outcome(store, id).await, before, "{statement}");
            out_of_the_way(database, id).await;
        }
    }
}

/// Ends the job, so that the next claim is of another one.
async fn out_of_the_way(database: &dyn RawDatabase, id: JobId) {
    let statement = "UPDATE jobs SET state = 'failed', worker = NULL, alone = FALSE,
            is_asking = FALSE, error_code = 'internal',
            error_message = 'broken', finished_at = 1, expires_at = 1
         WHERE id = $1 AND state IN ('queued', 'running')";
    database.execute(statement, id).await.unwrap();
}

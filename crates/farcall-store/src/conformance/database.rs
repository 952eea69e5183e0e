//! What the database refuses by itself, however wrong the statement.

use farcall_core::{
    id::JobId,
    job::state::{JobState, Transition},
};

use super::{
    RawDatabase,
    fixture::{outcome, running, standing, unique_id},
};
use crate::JobStore;

const TRANSITIONS: [Transition; 5] = [
    Transition::Claim,
    Transition::Recover,
    Transition::Release,
    Transition::Succeed,
    Transition::Fail,
];

/// A statement that brings a job into `state` with everything that belongs to it, so that
/// nothing but the transition itself can be wrong with it.
fn entering(state: JobState) -> &'static str {
    match state {
        JobState::Queued => {
            "UPDATE jobs SET state = 'queued', attempt = attempt - 1, finished_at = NULL,
                expires_at = NULL, error_code = NULL, error_message = NULL, result = NULL
             WHERE id = $1"
        }
        JobState::Running => {
            "UPDATE jobs SET state = 'running', epoch = epoch + 1, attempt = attempt + 1,
                started_at = coalesce(started_at, 1), finished_at = NULL, expires_at = NULL,
                error_code = NULL, error_message = NULL, result = NULL
             WHERE id = $1"
        }
        JobState::Succeeded => {
            "UPDATE jobs SET state = 'succeeded', stage = total_stages, finished_at = 1,
                expires_at = 1, error_code = NULL, error_message = NULL
             WHERE id = $1"
        }
        JobState::Failed => {
            "UPDATE jobs SET state = 'failed', error_code = 'internal', error_message = 'broken',
                finished_at = 1, expires_at = 1, result = NULL
             WHERE id = $1"
        }
    }
}

pub async fn it_allows_exactly_the_transitions_of_the_state_machine(
    store: &dyn JobStore,
    database: &dyn RawDatabase,
) {
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
        assert_eq!(store.outcome(id).await.unwrap(), None);
        assert_eq!(
            store.artifact_locations().await.unwrap(),
            Vec::<String>::new()
        );
    }
}

pub async fn it_counts_claims_one_by_one(store: &dyn JobStore, database: &dyn RawDatabase) {
    let fence = running(store).await;
    store.release(fence).await.unwrap();
    let before = outcome(store, fence.id).await;
    for statement in [
        "UPDATE jobs SET state = 'running', epoch = epoch + 1, attempt = attempt + 2
         WHERE id = $1",
        "UPDATE jobs SET state = 'running', epoch = epoch + 2, attempt = attempt + 1
         WHERE id = $1",
        "UPDATE jobs SET state = 'running', attempt = attempt + 1 WHERE id = $1",
    ] {
        let answer = database.execute(statement, fence.id).await;
        assert!(answer.is_err(), "{statement}: {answer:?}");
        assert_eq!(outcome(store, fence.id).await, before, "{statement}");
    }
}

pub async fn it_refuses_arguments_that_are_no_object(_: &dyn JobStore, database: &dyn RawDatabase) {
    let id = unique_id();
    let job = "INSERT INTO jobs (id, owner, job, fingerprint, state, stage, total_stages, message,
                                 epoch, attempt, losses, restarts, created_at)
               VALUES ($1, 'alice', 'render', 'f1', 'queued', 0, 3, 'm', 0, 0, 0, 0, 1)";
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
    let statement = "UPDATE jobs SET state = 'failed', error_code = 'internal',
            error_message = 'broken', finished_at = 1, expires_at = 1
         WHERE id = $1 AND state IN ('queued', 'running')";
    database.execute(statement, id).await.unwrap();
}

/// Statements that must fail for a job in this state, as [`standing`] leaves it: each is
/// right but for one thing.
const ILLEGAL: &[(JobState, &[&str])] = &[
    (
        JobState::Queued,
        &[
            // Values.
            "UPDATE jobs SET state = 'cancelled' WHERE id = $1",
            "UPDATE jobs SET stage = -1 WHERE id = $1",
            "UPDATE jobs SET stage = 4 WHERE id = $1",
            "UPDATE jobs SET total_stages = 0 WHERE id = $1",
            "UPDATE jobs SET progress = 1.5 WHERE id = $1",
            "UPDATE jobs SET progress = -0.5 WHERE id = $1",
            "UPDATE jobs SET message = NULL WHERE id = $1",
            // Identity.
            "UPDATE jobs SET id = '00000000000000000000000000000000' WHERE id = $1",
            "UPDATE jobs SET owner = 'mallory' WHERE id = $1",
            "UPDATE jobs SET job = 'other' WHERE id = $1",
            "UPDATE jobs SET sequence = sequence + 1000 WHERE id = $1",
            "UPDATE jobs SET created_at = 0 WHERE id = $1",
            // What belongs to other states.
            "UPDATE jobs SET error_code = 'internal', error_message = 'broken' WHERE id = $1",
            "UPDATE jobs SET result = '1' WHERE id = $1",
            "UPDATE jobs SET finished_at = 1, expires_at = 1 WHERE id = $1",
            "UPDATE jobs SET started_at = 1 WHERE id = $1",
            // Claims that are not counted, or counted twice.
            "UPDATE jobs SET epoch = 1, started_at = 1 WHERE id = $1",
            "UPDATE jobs SET state = 'running', epoch = 1, attempt = 1 WHERE id = $1",
            "UPDATE jobs SET state = 'running', epoch = 1, started_at = 1 WHERE id = $1",
            "UPDATE jobs SET state = 'running', epoch = 2, attempt = 1, started_at = 1
             WHERE id = $1",
            "UPDATE jobs SET state = 'running', epoch = 1, attempt = 1, losses = 1, started_at = 1
             WHERE id = $1",
            // Another program without a restart.
            "UPDATE jobs SET fingerprint = 'f2' WHERE id = $1",
            "UPDATE jobs SET total_stages = 4 WHERE id = $1",
            "UPDATE jobs SET restarts = 1 WHERE id = $1",
            // Arguments.
            "UPDATE arguments SET value = '{}'
             WHERE job = (SELECT sequence FROM jobs WHERE id = $1)",
            "DELETE FROM arguments WHERE job = (SELECT sequence FROM jobs WHERE id = $1)",
            "INSERT INTO arguments (job, value) SELECT sequence, '{}' FROM jobs WHERE id = $1",
            // What only a worker leaves.
            "INSERT INTO checkpoints (job, stage, value)
             SELECT sequence, 1, '1' FROM jobs WHERE id = $1",
            "INSERT INTO artifacts (job, position, name, epoch, size, sha256, media_type,
                                    location, state)
             SELECT sequence, 0, 'x', 0, 1,
                    'abababababababababababababababababababababababababababababababab',
                    'text/plain', 'x', 'staged'
             FROM jobs WHERE id = $1",
            // Other beginnings.
            "INSERT INTO jobs (id, owner, job, fingerprint, state, stage, total_stages, message,
                               epoch, attempt, losses, restarts, created_at)
             SELECT id, owner, job, fingerprint, 'queued', 0, 3, 'm', 0, 0, 0, 0, 1
             FROM jobs WHERE id = $1",
            "INSERT INTO jobs (id, owner, job, fingerprint, state, stage, total_stages, message,
                               epoch, attempt, losses, restarts, created_at, started_at)
             SELECT 'ffffffffffffffffffffffffffffffff', owner, job, fingerprint, 'running', 0, 3,
                    'm', 1, 1, 0, 0, 1, 1
             FROM jobs WHERE id = $1",
            "INSERT INTO jobs (id, owner, job, fingerprint, state, stage, total_stages, message,
                               epoch, attempt, losses, restarts, created_at)
             SELECT 'not hexadecimal', owner, job, fingerprint, 'queued', 0, 3, 'm', 0, 0, 0, 0, 1
             FROM jobs WHERE id = $1",
            "DELETE FROM jobs WHERE id = $1",
        ],
    ),
    (
        JobState::Running,
        &[
            "UPDATE jobs SET stage = stage - 1 WHERE id = $1",
            "UPDATE jobs SET stage = total_stages + 1 WHERE id = $1",
            "UPDATE jobs SET owner = 'mallory' WHERE id = $1",
            // Claims and losses are counted where they happen.
            "UPDATE jobs SET epoch = epoch + 1 WHERE id = $1",
            "UPDATE jobs SET epoch = epoch - 1 WHERE id = $1",
            "UPDATE jobs SET attempt = attempt - 1 WHERE id = $1",
            "UPDATE jobs SET losses = losses + 1 WHERE id = $1",
            "UPDATE jobs SET started_at = started_at + 1 WHERE id = $1",
            "UPDATE jobs SET state = 'queued' WHERE id = $1",
            "UPDATE jobs SET state = 'queued', attempt = attempt - 1, losses = losses + 1
             WHERE id = $1",
            "UPDATE jobs SET state = 'queued', attempt = attempt - 1, epoch = epoch - 1
             WHERE id = $1",
            // A restart is from the first stage, and is counted.
            "UPDATE jobs SET restarts = restarts + 1 WHERE id = $1",
            "UPDATE jobs SET restarts = restarts + 2, stage = 0 WHERE id = $1",
            "UPDATE jobs SET fingerprint = 'f2', stage = 0 WHERE id = $1",
            "UPDATE jobs SET total_stages = 4 WHERE id = $1",
            // Half an end.
            "UPDATE jobs SET result = '1' WHERE id = $1",
            "UPDATE jobs SET finished_at = 1 WHERE id = $1",
            "UPDATE jobs SET expires_at = 1 WHERE id = $1",
            "UPDATE jobs SET error_code = 'internal' WHERE id = $1",
            "UPDATE jobs SET state = 'succeeded', stage = total_stages WHERE id = $1",
            "UPDATE jobs SET state = 'succeeded', finished_at = 1, expires_at = 1 WHERE id = $1",
            "UPDATE jobs SET state = 'succeeded', stage = total_stages, finished_at = 1,
                expires_at = 1, error_code = 'internal', error_message = 'broken'
             WHERE id = $1",
            "UPDATE jobs SET state = 'succeeded', stage = total_stages, finished_at = 1,
                expires_at = 1, result = 'not JSON'
             WHERE id = $1",
            "UPDATE jobs SET state = 'failed', finished_at = 1, expires_at = 1 WHERE id = $1",
            "UPDATE jobs SET state = 'failed', finished_at = 1, expires_at = 1,
                error_code = 'internal', error_message = 'broken', losses = losses + 2
             WHERE id = $1",
            "UPDATE jobs SET state = 'failed', finished_at = 1, expires_at = 1,
                error_code = 'internal', error_message = 'broken', epoch = epoch + 1
             WHERE id = $1",
            "UPDATE jobs SET state = 'failed', finished_at = 1, expires_at = 1,
                error_code = 'internal', error_message = 'broken', attempt = attempt + 1
             WHERE id = $1",
            "UPDATE jobs SET state = 'failed', finished_at = 1, expires_at = 1,
                error_code = 'internal'
             WHERE id = $1",
            "UPDATE jobs SET state = 'failed', finished_at = 1, expires_at = 1,
                error_code = 'internal', error_message = 'broken', result = '1'
             WHERE id = $1",
            "DELETE FROM jobs WHERE id = $1",
            // Checkpoints.
            "UPDATE checkpoints SET stage = 1 WHERE job = (SELECT sequence FROM jobs WHERE id = $1)",
            "UPDATE checkpoints SET stage = 4 WHERE job = (SELECT sequence FROM jobs WHERE id = $1)",
            "UPDATE checkpoints SET value = 'not JSON'
             WHERE job = (SELECT sequence FROM jobs WHERE id = $1)",
            // Artifacts.
            "UPDATE artifacts SET state = 'expired'
             WHERE job = (SELECT sequence FROM jobs WHERE id = $1)",
            "INSERT INTO artifacts (job, position, name, epoch, size, sha256, media_type,
                                    location, state)
             SELECT sequence, -1, 'x', epoch, 1,
                    'abababababababababababababababababababababababababababababababab',
                    'text/plain', 'x', 'staged'
             FROM jobs WHERE id = $1",
            "INSERT INTO artifacts (job, position, name, epoch, size, sha256, media_type,
                                    location, state)
             SELECT sequence, 9, '', epoch, 1,
                    'abababababababababababababababababababababababababababababababab',
                    'text/plain', 'x', 'staged'
             FROM jobs WHERE id = $1",
            "UPDATE artifacts SET state = 'published'
             WHERE job = (SELECT sequence FROM jobs WHERE id = $1)",
            "UPDATE artifacts SET epoch = 0 WHERE job = (SELECT sequence FROM jobs WHERE id = $1)",
            "UPDATE artifacts SET size = -1 WHERE job = (SELECT sequence FROM jobs WHERE id = $1)",
            "UPDATE artifacts SET sha256 = 'ab' WHERE job = (SELECT sequence FROM jobs WHERE id = $1)",
            "UPDATE artifacts SET name = 'x' WHERE job = (SELECT sequence FROM jobs WHERE id = $1)",
            "INSERT INTO artifacts (job, position, name, epoch, size, sha256, media_type,
                                    location, state)
             SELECT sequence, 9, 'x', epoch - 1, 1,
                    'abababababababababababababababababababababababababababababababab',
                    'text/plain', 'x', 'staged'
             FROM jobs WHERE id = $1",
            "INSERT INTO artifacts (job, position, name, epoch, size, sha256, media_type,
                                    location, state)
             SELECT sequence, 9, 'x', epoch, 1,
                    'abababababababababababababababababababababababababababababababab',
                    'text/plain', 'x', 'published'
             FROM jobs WHERE id = $1",
            "INSERT INTO artifacts (job, position, name, epoch, size, sha256, media_type,
                                    location, state)
             SELECT sequence, 9, 'notes.txt', epoch, 1,
                    'abababababababababababababababababababababababababababababababab',
                    'text/plain', 'x', 'staged'
             FROM jobs WHERE id = $1",
        ],
    ),
    (
        JobState::Succeeded,
        &[
            "UPDATE jobs SET owner = 'mallory' WHERE id = $1",
            "UPDATE jobs SET message = 'other' WHERE id = $1",
            "UPDATE jobs SET stage = 2 WHERE id = $1",
            "UPDATE jobs SET stage = 4, total_stages = 4 WHERE id = $1",
            "UPDATE jobs SET progress = 1 WHERE id = $1",
            "UPDATE jobs SET result = '2' WHERE id = $1",
            "UPDATE jobs SET result = NULL WHERE id = $1",
            "UPDATE jobs SET finished_at = finished_at + 1 WHERE id = $1",
            "UPDATE jobs SET finished_at = NULL WHERE id = $1",
            "UPDATE jobs SET expires_at = NULL WHERE id = $1",
            "UPDATE jobs SET started_at = started_at + 1 WHERE id = $1",
            "UPDATE jobs SET epoch = epoch + 1 WHERE id = $1",
            "UPDATE jobs SET attempt = attempt - 1 WHERE id = $1",
            "UPDATE jobs SET losses = 1 WHERE id = $1",
            "UPDATE jobs SET error_code = 'internal', error_message = 'broken' WHERE id = $1",
            "DELETE FROM arguments WHERE job = (SELECT sequence FROM jobs WHERE id = $1)",
            "INSERT INTO checkpoints (job, stage, value)
             SELECT sequence, 3, '1' FROM jobs WHERE id = $1",
            "UPDATE artifacts SET state = 'staged'
             WHERE job = (SELECT sequence FROM jobs WHERE id = $1)",
            "UPDATE artifacts SET location = 'x'
             WHERE job = (SELECT sequence FROM jobs WHERE id = $1)",
            "UPDATE artifacts SET position = position + 1
             WHERE job = (SELECT sequence FROM jobs WHERE id = $1)",
            "DELETE FROM artifacts WHERE job = (SELECT sequence FROM jobs WHERE id = $1)",
            "INSERT INTO artifacts (job, position, name, epoch, size, sha256, media_type,
                                    location, state)
             SELECT sequence, 9, 'x', epoch, 1,
                    'abababababababababababababababababababababababababababababababab',
                    'text/plain', 'x', 'published'
             FROM jobs WHERE id = $1",
        ],
    ),
    (
        JobState::Failed,
        &[
            "UPDATE jobs SET error_message = 'other' WHERE id = $1",
            "UPDATE jobs SET error_code = NULL, error_message = NULL WHERE id = $1",
            "UPDATE jobs SET error_code = 'cancelled' WHERE id = $1",
            "UPDATE jobs SET stage = 3 WHERE id = $1",
            "UPDATE jobs SET result = '1' WHERE id = $1",
            "UPDATE jobs SET fingerprint = 'f2' WHERE id = $1",
            "UPDATE jobs SET finished_at = finished_at + 1 WHERE id = $1",
            "UPDATE checkpoints SET value = '1'
             WHERE job = (SELECT sequence FROM jobs WHERE id = $1)",
            "UPDATE artifacts SET state = 'published'
             WHERE job = (SELECT sequence FROM jobs WHERE id = $1)",
            "UPDATE artifacts SET location = 'x'
             WHERE job = (SELECT sequence FROM jobs WHERE id = $1)",
        ],
    ),
];

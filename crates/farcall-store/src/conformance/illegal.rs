//! Statements that no database may accept.

use farcall_core::job::state::JobState;

/// A statement that inserts a job with these values and otherwise sound ones; `$from` is the rest
/// of a `SELECT`, if there is one.
macro_rules! a_new_job {
    ($id:literal, $state:literal, $epoch:literal, $started_at:literal, $rank:literal, $from:literal) => {
        concat!(
            "INSERT INTO jobs (id, owner, job, fingerprint, state, rank, priority, run_at, suspect,
                               alone, epoch, attempt, losses, counted_losses, restarts,
                               max_losses, stage, total_stages, message, is_asking, created_at,
                               updated_at, started_at, keep_ms, args_hash, can_ask)
             SELECT ",
            $id,
            ", 'alice', 'render', 'f1', ",
            $state,
            ", ",
            $rank,
            ", 0, 1, FALSE, FALSE, ",
            $epoch,
            ", ",
            $epoch,
            ", 0, 0, 0, 2, 0, 3, 'm', FALSE, 1, 1, ",
            $started_at,
            ", 1000, 'abababababababababababababababababababababababababababababababab', 0 ",
            $from
        )
    };
}
pub(super) use a_new_job;

/// Statements that must fail for a job in this state, as
/// [`standing`](super::fixture::standing) leaves it: each is
/// right but for one thing.
pub(super) const ILLEGAL: &[(JobState, &[&str])] = &[
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
            "UPDATE jobs SET traceparent = NULL WHERE id = $1",
            "UPDATE jobs SET traceparent = 'x' WHERE id = $1",
            // What belongs to other states.
            "UPDATE jobs SET error_code = 'internal', error_message = 'broken' WHERE id = $1",
            "UPDATE jobs SET result = '1' WHERE id = $1",
            "UPDATE jobs SET finished_at = 1, expires_at = 1 WHERE id = $1",
            "UPDATE jobs SET started_at = 1 WHERE id = $1",
            // Claims that are not counted, or counted twice.
            "UPDATE jobs SET epoch = 1, started_at = 1 WHERE id = $1",
            "UPDATE jobs SET state = 'running', worker = (SELECT max(id) FROM workers), epoch = 1,
                attempt = 1
             WHERE id = $1",
            "UPDATE jobs SET state = 'running', worker = (SELECT max(id) FROM workers), epoch = 1,
                started_at = 1
             WHERE id = $1",
            "UPDATE jobs SET state = 'running', worker = (SELECT max(id) FROM workers), epoch = 2,
                attempt = 1, started_at = 1
             WHERE id = $1",
            "UPDATE jobs SET state = 'running', worker = (SELECT max(id) FROM workers), epoch = 1,
                attempt = 1, losses = 1, started_at = 1
             WHERE id = $1",
            "UPDATE jobs SET state = 'running', epoch = 1, attempt = 1, started_at = 1
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
            a_new_job!("id", "'queued'", 0, "NULL", 1, "FROM jobs WHERE id = $1"),
            a_new_job!(
                "'ffffffffffffffffffffffffffffffff'",
                "'failed'",
                0,
                "NULL",
                1,
                "FROM jobs WHERE id = $1"
            ),
            a_new_job!(
                "'ffffffffffffffffffffffffffffffff'",
                "'queued'",
                1,
                "1",
                1,
                "FROM jobs WHERE id = $1"
            ),
            a_new_job!(
                "'ffffffffffffffffffffffffffffffff'",
                "'queued'",
                0,
                "NULL",
                0,
                "FROM jobs WHERE id = $1"
            ),
            a_new_job!(
                "'not hexadecimal'",
                "'queued'",
                0,
                "NULL",
                1,
                "FROM jobs WHERE id = $1"
            ),
            // The queue's order, the terms, the key.
            "UPDATE jobs SET rank = rank - 1 WHERE id = $1",
            "UPDATE jobs SET priority = 1 WHERE id = $1",
            "UPDATE jobs SET run_at = run_at - 1 WHERE id = $1",
            "UPDATE jobs SET queue_deadline = 1 WHERE id = $1",
            "UPDATE jobs SET suspect = TRUE WHERE id = $1",
            "UPDATE jobs SET max_losses = 9 WHERE id = $1",
            "UPDATE jobs SET keep_ms = 9 WHERE id = $1",
            "UPDATE jobs SET idem_key = 'k' WHERE id = $1",
            "UPDATE jobs SET can_ask = 7 WHERE id = $1",
            // Workers, cancels, questions and logs belong to what runs.
            "UPDATE jobs SET worker = (SELECT max(id) FROM workers) WHERE id = $1",
            "UPDATE jobs SET alone = TRUE WHERE id = $1",
            "UPDATE jobs SET is_asking = TRUE WHERE id = $1",
            "UPDATE jobs SET cancel_requested_at = 1 WHERE id = $1",
            "UPDATE jobs SET state = 'running', epoch = 1, attempt = 1, started_at = 1,
                worker = 'nobody'
             WHERE id = $1",
            "INSERT INTO questions (job, key, method, params)
             SELECT sequence, 'k', 'roots/list', '{}' FROM jobs WHERE id = $1",
            "INSERT INTO log_lines (job, line, at, text)
             SELECT sequence, 1, 1, 'x' FROM jobs WHERE id = $1",
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
            "UPDATE jobs SET state = 'queued', worker = NULL, attempt = attempt - 1, losses = losses + 1
             WHERE id = $1",
            "UPDATE jobs SET state = 'queued', worker = NULL, attempt = attempt - 1, epoch = epoch - 1
             WHERE id = $1",
            "UPDATE jobs SET state = 'queued', worker = NULL, losses = losses + 1 WHERE id = $1",
            "UPDATE jobs SET state = 'queued', worker = NULL, losses = losses + 1,
                counted_losses = counted_losses + 1, suspect = TRUE
             WHERE id = $1",
            "UPDATE jobs SET state = 'queued', worker = NULL, suspect = TRUE WHERE id = $1",
            "UPDATE jobs SET alone = TRUE WHERE id = $1",
            // Its worker is there, and stays while it runs.
            "UPDATE jobs SET worker = NULL WHERE id = $1",
            "UPDATE jobs SET state = 'queued', attempt = attempt - 1 WHERE id = $1",
            "UPDATE workers SET gone_at = 1 WHERE id = (SELECT worker FROM jobs WHERE id = $1)",
            "DELETE FROM workers WHERE id = (SELECT worker FROM jobs WHERE id = $1)",
            "UPDATE workers SET slots = '{\"gpu\":9}'
             WHERE id = (SELECT worker FROM jobs WHERE id = $1)",
            "INSERT INTO workers (id, host, identity, programs, slots, started_at, lease_until)
             SELECT worker, '', '', '{}', '{}', 1, 1 FROM jobs WHERE id = $1",
            "INSERT INTO workers (id, host, identity, programs, slots, started_at, lease_until)
             SELECT id, '', '', '[]', '{}', 1, 1 FROM jobs WHERE id = $1",
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
            "UPDATE jobs SET state = 'succeeded', worker = NULL, stage = total_stages WHERE id = $1",
            "UPDATE jobs SET state = 'succeeded', worker = NULL, finished_at = 1, expires_at = 1 WHERE id = $1",
            "UPDATE jobs SET state = 'succeeded', worker = NULL, stage = total_stages, finished_at = 1,
                expires_at = 1, error_code = 'internal', error_message = 'broken'
             WHERE id = $1",
            "UPDATE jobs SET state = 'succeeded', worker = NULL, stage = total_stages, finished_at = 1,
                expires_at = 1, result = 'not JSON'
             WHERE id = $1",
            "UPDATE jobs SET state = 'failed', worker = NULL, finished_at = 1, expires_at = 1 WHERE id = $1",
            "UPDATE jobs SET state = 'failed', worker = NULL, finished_at = 1, expires_at = 1,
                error_code = 'internal', error_message = 'broken', losses = losses + 2
             WHERE id = $1",
            "UPDATE jobs SET state = 'failed', worker = NULL, finished_at = 1, expires_at = 1,
                error_code = 'internal', error_message = 'broken', epoch = epoch + 1
             WHERE id = $1",
            "UPDATE jobs SET state = 'failed', worker = NULL, finished_at = 1, expires_at = 1,
                error_code = 'internal', error_message = 'broken', attempt = attempt + 1
             WHERE id = $1",
            "UPDATE jobs SET state = 'failed', worker = NULL, finished_at = 1, expires_at = 1,
                error_code = 'internal'
             WHERE id = $1",
            "UPDATE jobs SET state = 'failed', worker = NULL, finished_at = 1, expires_at = 1,
                error_code = 'internal', error_message = 'broken', result = '1'
             WHERE id = $1",
            "DELETE FROM jobs WHERE id = $1",
            // Checkpoints.
            "UPDATE checkpoints SET stage = 1 WHERE job = (SELECT sequence FROM jobs WHERE id = $1)",
            "UPDATE checkpoints SET stage = 4 WHERE job = (SELECT sequence FROM jobs WHERE id = $1)",
            "UPDATE checkpoints SET value = 'not JSON'
             WHERE job = (SELECT sequence FROM jobs WHERE id = $1)",
            "UPDATE checkpoints SET work = '/srv/work'
             WHERE job = (SELECT sequence FROM jobs WHERE id = $1)",
            // Questions and logs.
            "INSERT INTO questions (job, key, method, params)
             SELECT sequence, 'k', 'tools/call', '{}' FROM jobs WHERE id = $1",
            "INSERT INTO questions (job, key, method, params)
             SELECT sequence, '', 'roots/list', '{}' FROM jobs WHERE id = $1",
            "INSERT INTO questions (job, key, method, params, answer)
             SELECT sequence, 'k', 'roots/list', '{}', '{}' FROM jobs WHERE id = $1",
            "INSERT INTO log_lines (job, line, at, text)
             SELECT sequence, 2, 1, 'x' FROM jobs WHERE id = $1",
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
            "UPDATE jobs SET run_at = run_at + 1 WHERE id = $1",
            "UPDATE jobs SET updated_at = updated_at + 1 WHERE id = $1",
            "UPDATE jobs SET cancel_requested_at = 1 WHERE id = $1",
            "UPDATE jobs SET is_asking = TRUE WHERE id = $1",
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

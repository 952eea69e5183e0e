-- Workers with leases, and what jobs need for them: ranks, losses that count, cancels, keys,
-- questions, logs.
--
-- SQLite cannot add a constraint to a table, so `jobs` is built anew and filled. Its children
-- are moved first: dropping a table deletes its rows, and theirs with it.

-- Processes that run jobs.
CREATE TABLE workers (
    id TEXT PRIMARY KEY NOT NULL
        CONSTRAINT "an id is 32 hexadecimal digits"
        CHECK (length(id) = 32 AND id NOT GLOB '*[^0-9a-f]*'),
    -- For people.
    host TEXT NOT NULL,
    -- Tells the process from every other one; empty where it is unknown.
    identity TEXT NOT NULL,
    -- The jobs it can run, and the fingerprints of their programs.
    programs TEXT NOT NULL
        CONSTRAINT "programs are a JSON object"
        CHECK (json_valid(programs) AND json_type(programs) = 'object'),
    slots TEXT NOT NULL
        CONSTRAINT "slots are a JSON object"
        CHECK (json_valid(slots) AND json_type(slots) = 'object'),
    started_at INTEGER NOT NULL,
    -- On the steady clock of the process that has the folder open, and not the time of day: the
    -- next one to open it ends all leases.
    lease_until INTEGER NOT NULL,
    -- When it was declared lost. Kept for a while, because what it knew has not vanished yet.
    gone_at INTEGER
) STRICT;

-- Whoever ran jobs before there were workers.
INSERT INTO workers (id, host, identity, programs, slots, started_at, lease_until)
SELECT '00000000000000000000000000000000', 'before 0002', '', '{}', '{}', 0, -1
WHERE EXISTS (SELECT 1 FROM jobs WHERE state = 'running');

-- One small row a job, because progress rewrites it twice a second: what may be large and
-- does not change with it has tables of its own.
CREATE TABLE jobs_new (
    -- The order of acceptance; never shown, because whoever sees one could guess others.
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE
        CONSTRAINT "an id is 32 hexadecimal digits"
        CHECK (length(id) = 32 AND id NOT GLOB '*[^0-9a-f]*'),
    owner TEXT NOT NULL,
    job TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    state TEXT NOT NULL
        CONSTRAINT "there are four states"
        CHECK (state IN ('queued', 'running', 'succeeded', 'failed')),

    -- The queue. A point of priority is worth a minute of waiting, so that nothing starves.
    rank INTEGER NOT NULL,
    priority INTEGER NOT NULL
        CONSTRAINT "priority is between -10 and 10"
        CHECK (priority BETWEEN -10 AND 10),
    -- Since when it may be claimed; ahead while it waits to be tried again.
    run_at INTEGER NOT NULL,
    -- Of the first start.
    queue_deadline INTEGER,
    -- Its last attempt lost its worker: it runs alone.
    suspect INTEGER NOT NULL
        CONSTRAINT "suspect is true or false"
        CHECK (suspect IN (0, 1)),

    -- The claim.
    worker TEXT REFERENCES workers (id),
    -- Nothing else runs in that process.
    alone INTEGER NOT NULL
        CONSTRAINT "alone is true or false"
        CHECK (alone IN (0, 1)),
    -- Claims ever made; every write of a worker names the epoch of its claim.
    epoch INTEGER NOT NULL,
    -- Claims that count.
    attempt INTEGER NOT NULL,
    losses INTEGER NOT NULL,
    -- Losses while it was alone.
    counted_losses INTEGER NOT NULL,
    -- How often the job began again because its program had changed.
    restarts INTEGER NOT NULL,
    -- The counted loss at which it fails; 0 where it fails at the first of all.
    max_losses INTEGER NOT NULL
        CONSTRAINT "losses are not negative"
        CHECK (max_losses >= 0),
    cancel_requested_at INTEGER,

    -- What polls read.
    stage INTEGER NOT NULL,
    total_stages INTEGER NOT NULL
        CONSTRAINT "there is a stage"
        CHECK (total_stages >= 1),
    message TEXT NOT NULL,
    progress REAL
        CONSTRAINT "progress is between 0 and 1"
        CHECK (progress BETWEEN 0 AND 1),
    -- There is an open question.
    is_asking INTEGER NOT NULL
        CONSTRAINT "asking is true or false"
        CHECK (is_asking IN (0, 1)),
    error_code TEXT,
    error_message TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    expires_at INTEGER,
    keep_ms INTEGER NOT NULL
        CONSTRAINT "a time to keep is not negative"
        CHECK (keep_ms >= 0),

    -- Who started it, and how.
    idem_key TEXT
        CONSTRAINT "a key is 1 to 255 bytes"
        CHECK (octet_length(idem_key) BETWEEN 1 AND 255),
    args_hash TEXT NOT NULL
        CONSTRAINT "a hash is 64 hexadecimal digits"
        CHECK (length(args_hash) = 64 AND args_hash NOT GLOB '*[^0-9a-f]*'),
    -- 1 a person, 2 a model, 4 roots.
    can_ask INTEGER NOT NULL
        CONSTRAINT "there are three ways to ask"
        CHECK (can_ask BETWEEN 0 AND 7),
    -- Last, because it may be large: reading the columns before it does not touch it.
    result TEXT
        CONSTRAINT "a result is JSON"
        CHECK (json_valid(result)),

    CONSTRAINT "the stage is between 0 and the total"
        CHECK (stage BETWEEN 0 AND total_stages),
    CONSTRAINT "success is at the last stage"
        CHECK (state <> 'succeeded' OR stage = total_stages),
    CONSTRAINT "only success has a result"
        CHECK (state = 'succeeded' OR result IS NULL),
    CONSTRAINT "failure, and only failure, has an error"
        CHECK ((state = 'failed') = (error_code IS NOT NULL)
           AND (state = 'failed') = (error_message IS NOT NULL)),
    CONSTRAINT "what is over, and only that, has an end"
        CHECK ((state IN ('succeeded', 'failed')) = (finished_at IS NOT NULL)
           AND (finished_at IS NULL) = (expires_at IS NULL)),
    CONSTRAINT "what runs, and only that, has a worker"
        CHECK ((state = 'running') = (worker IS NOT NULL)),
    CONSTRAINT "only what runs is alone or asks"
        CHECK (state = 'running' OR NOT (alone OR is_asking)),
    CONSTRAINT "what waits is not cancelled"
        CHECK (state <> 'queued' OR cancel_requested_at IS NULL),
    CONSTRAINT "a suspect has lost a worker"
        CHECK (NOT suspect OR losses > 0),
    CONSTRAINT "what was claimed, and only that, has a start"
        CHECK ((epoch > 0) = (started_at IS NOT NULL)),
    CONSTRAINT "what runs was claimed"
        CHECK (state <> 'running' OR attempt >= 1),
    CONSTRAINT "counters count"
        CHECK (attempt BETWEEN 0 AND epoch AND losses BETWEEN 0 AND epoch
           AND counted_losses BETWEEN 0 AND losses AND restarts >= 0)
) STRICT;

-- What was not recorded before gets the values that held for all jobs: two losses, seven days.
-- No arguments have a hash of zeros.
INSERT INTO jobs_new (
    sequence, id, owner, job, fingerprint, state, rank, priority, run_at, suspect, worker, alone,
    epoch, attempt, losses, counted_losses, restarts, max_losses, stage, total_stages, message,
    progress, is_asking, error_code, error_message, created_at, updated_at, started_at,
    finished_at, expires_at, keep_ms, args_hash, can_ask, result)
SELECT
    sequence, id, owner, job, fingerprint, state, created_at, 0, created_at, 0,
    CASE WHEN state = 'running' THEN '00000000000000000000000000000000' END, 0,
    epoch, attempt, losses, losses, restarts, 2, stage, total_stages, message,
    progress, 0, error_code, error_message, created_at, coalesce(finished_at, created_at),
    started_at, finished_at, expires_at, 604800000,
    '0000000000000000000000000000000000000000000000000000000000000000', 0, result
FROM jobs;

CREATE TABLE arguments_new (
    job INTEGER PRIMARY KEY REFERENCES jobs_new (sequence) ON DELETE CASCADE,
    value TEXT NOT NULL
        CONSTRAINT "arguments are a JSON object"
        CHECK (json_valid(value) AND json_type(value) = 'object')
) STRICT;

-- The value of the last finished stage, while there is something to go on with.
CREATE TABLE checkpoints_new (
    job INTEGER PRIMARY KEY REFERENCES jobs_new (sequence) ON DELETE CASCADE,
    stage INTEGER NOT NULL
        CONSTRAINT "a checkpoint is of a finished stage"
        CHECK (stage >= 1),
    value TEXT NOT NULL
        CONSTRAINT "a checkpoint is JSON"
        CHECK (json_valid(value))
) STRICT;

-- Files that jobs made: staged while the job runs, published when it has succeeded.
CREATE TABLE artifacts_new (
    job INTEGER NOT NULL REFERENCES jobs_new (sequence) ON DELETE CASCADE,
    -- The order in which their names first appeared.
    position INTEGER NOT NULL
        CONSTRAINT "positions count from 0"
        CHECK (position >= 0),
    name TEXT NOT NULL
        CONSTRAINT "an artifact has a name"
        CHECK (name <> ''),
    -- Of the claim that made it.
    epoch INTEGER NOT NULL,
    size INTEGER NOT NULL
        CONSTRAINT "sizes are not negative"
        CHECK (size >= 0),
    sha256 TEXT NOT NULL
        CONSTRAINT "a sha256 is 64 hexadecimal digits"
        CHECK (length(sha256) = 64 AND sha256 NOT GLOB '*[^0-9a-f]*'),
    media_type TEXT NOT NULL,
    location TEXT NOT NULL,
    state TEXT NOT NULL
        CONSTRAINT "an artifact is staged or published"
        CHECK (state IN ('staged', 'published')),
    PRIMARY KEY (job, position),
    UNIQUE (job, name)
) STRICT, WITHOUT ROWID;

INSERT INTO arguments_new (job, value) SELECT job, value FROM arguments;
INSERT INTO checkpoints_new (job, stage, value) SELECT job, stage, value FROM checkpoints;
INSERT INTO artifacts_new (job, position, name, epoch, size, sha256, media_type, location, state)
SELECT job, position, name, epoch, size, sha256, media_type, location, state FROM artifacts;

DROP TABLE arguments;
DROP TABLE checkpoints;
DROP TABLE artifacts;
DROP TABLE jobs;
-- References follow the table.
ALTER TABLE jobs_new RENAME TO jobs;
ALTER TABLE arguments_new RENAME TO arguments;
ALTER TABLE checkpoints_new RENAME TO checkpoints;
ALTER TABLE artifacts_new RENAME TO artifacts;

-- What running jobs ask their callers, and the answers.
CREATE TABLE questions (
    job INTEGER NOT NULL REFERENCES jobs (sequence) ON DELETE CASCADE,
    key TEXT NOT NULL
        CONSTRAINT "a question has a key of at most 128 bytes"
        CHECK (octet_length(key) BETWEEN 1 AND 128),
    method TEXT NOT NULL
        CONSTRAINT "there are three ways to ask"
        CHECK (method IN ('elicitation/create', 'sampling/createMessage', 'roots/list')),
    params TEXT NOT NULL
        CONSTRAINT "parameters are a JSON object"
        CHECK (json_valid(params) AND json_type(params) = 'object'),
    answer TEXT
        CONSTRAINT "an answer is JSON"
        CHECK (json_valid(answer)),
    PRIMARY KEY (job, key)
) STRICT, WITHOUT ROWID;

-- The newest lines of each job's log.
CREATE TABLE log_lines (
    job INTEGER NOT NULL REFERENCES jobs (sequence) ON DELETE CASCADE,
    line INTEGER NOT NULL
        CONSTRAINT "lines count from 1"
        CHECK (line >= 1),
    at INTEGER NOT NULL,
    text TEXT NOT NULL
        CONSTRAINT "a line has at most 2 KiB"
        CHECK (octet_length(text) <= 2048),
    PRIMARY KEY (job, line)
) STRICT, WITHOUT ROWID;

-- A worker looks for the best job that it knows.
CREATE INDEX jobs_queued ON jobs (rank, sequence, job, run_at) WHERE state = 'queued';
CREATE INDEX jobs_suspect ON jobs (rank, sequence) WHERE state = 'queued' AND suspect;
CREATE INDEX jobs_deadline ON jobs (queue_deadline)
    WHERE state = 'queued' AND queue_deadline IS NOT NULL AND epoch = 0;
-- By worker, also for its foreign key; by name for the limits on how many run at once.
CREATE INDEX jobs_running ON jobs (worker, job) WHERE worker IS NOT NULL;
CREATE INDEX jobs_running_by_name ON jobs (job) WHERE state = 'running';
CREATE INDEX jobs_expiry ON jobs (expires_at) WHERE expires_at IS NOT NULL;
CREATE UNIQUE INDEX jobs_key ON jobs (owner, job, idem_key) WHERE idem_key IS NOT NULL;
CREATE INDEX jobs_same ON jobs (owner, job, args_hash, created_at);

CREATE TRIGGER jobs_begin BEFORE INSERT ON jobs
WHEN NEW.state <> 'queued'
  OR (NEW.stage, NEW.epoch, NEW.attempt, NEW.losses, NEW.counted_losses, NEW.restarts)
     <> (0, 0, 0, 0, 0, 0)
  OR (NEW.suspect, NEW.run_at, NEW.rank)
     <> (0, NEW.created_at, NEW.created_at - NEW.priority * 60000)
BEGIN
    SELECT RAISE(ABORT, 'a job begins queued, at stage 0, unclaimed and ranked by its age');
END;

-- Without this, `INSERT OR REPLACE` would delete the older job without asking any trigger.
CREATE TRIGGER jobs_are_not_replaced BEFORE INSERT ON jobs
WHEN EXISTS (SELECT 1 FROM jobs WHERE id = NEW.id OR sequence = NEW.sequence)
  OR EXISTS (SELECT 1 FROM jobs
             WHERE owner = NEW.owner AND job = NEW.job AND idem_key = NEW.idem_key)
BEGIN
    SELECT RAISE(ABORT, 'there is a job with this id or key');
END;

CREATE TRIGGER jobs_identity BEFORE UPDATE ON jobs
WHEN (NEW.sequence, NEW.id, NEW.owner, NEW.job, NEW.created_at, NEW.rank, NEW.priority,
      NEW.queue_deadline, NEW.max_losses, NEW.keep_ms, NEW.args_hash, NEW.can_ask)
     IS NOT
     (OLD.sequence, OLD.id, OLD.owner, OLD.job, OLD.created_at, OLD.rank, OLD.priority,
      OLD.queue_deadline, OLD.max_losses, OLD.keep_ms, OLD.args_hash, OLD.can_ask)
  OR (OLD.started_at IS NOT NULL AND NEW.started_at IS NOT OLD.started_at)
BEGIN
    SELECT RAISE(ABORT, 'who a job belongs to, what it is and when it came do not change');
END;

CREATE TRIGGER jobs_keys BEFORE UPDATE ON jobs
WHEN NEW.idem_key IS NOT OLD.idem_key
 AND NOT (NEW.idem_key IS NULL AND OLD.state IN ('succeeded', 'failed'))
BEGIN
    SELECT RAISE(ABORT, 'the key of a job does not change, and is given up only when it is over');
END;

CREATE TRIGGER jobs_transitions BEFORE UPDATE ON jobs
WHEN NEW.state <> OLD.state
 AND NOT (OLD.state = 'queued' AND NEW.state IN ('running', 'failed'))
 AND NOT (OLD.state = 'running' AND NEW.state IN ('queued', 'succeeded', 'failed'))
BEGIN
    SELECT RAISE(ABORT, 'a job cannot go from this state to that one');
END;

-- Only how long it is kept, and whether it has its key, may still change.
CREATE TRIGGER jobs_terminal BEFORE UPDATE ON jobs
WHEN OLD.state IN ('succeeded', 'failed')
 AND (NEW.fingerprint, NEW.state, NEW.run_at, NEW.suspect, NEW.worker, NEW.alone, NEW.epoch,
      NEW.attempt, NEW.losses, NEW.counted_losses, NEW.restarts, NEW.cancel_requested_at,
      NEW.stage, NEW.total_stages, NEW.message, NEW.progress, NEW.is_asking, NEW.error_code,
      NEW.error_message, NEW.updated_at, NEW.started_at, NEW.finished_at, NEW.result)
     IS NOT
     (OLD.fingerprint, OLD.state, OLD.run_at, OLD.suspect, OLD.worker, OLD.alone, OLD.epoch,
      OLD.attempt, OLD.losses, OLD.counted_losses, OLD.restarts, OLD.cancel_requested_at,
      OLD.stage, OLD.total_stages, OLD.message, OLD.progress, OLD.is_asking, OLD.error_code,
      OLD.error_message, OLD.updated_at, OLD.started_at, OLD.finished_at, OLD.result)
BEGIN
    SELECT RAISE(ABORT, 'a job that is over does not change');
END;

CREATE TRIGGER jobs_claims BEFORE UPDATE ON jobs
WHEN CASE
    WHEN OLD.state = 'queued' AND NEW.state = 'running'
        THEN (NEW.epoch, NEW.attempt, NEW.losses, NEW.counted_losses, NEW.suspect)
          <> (OLD.epoch + 1, OLD.attempt + 1, OLD.losses, OLD.counted_losses, OLD.suspect)
    WHEN OLD.state = 'running' AND NEW.state = 'queued'
        THEN NEW.epoch <> OLD.epoch
          -- Lost: what was alone is nearer to its end.
          OR ((NEW.attempt, NEW.losses, NEW.counted_losses, NEW.suspect)
              <> (OLD.attempt, OLD.losses + 1, OLD.counted_losses + OLD.alone, 1)
          -- Released: as if it had not been claimed.
          AND (NEW.attempt, NEW.losses, NEW.counted_losses, NEW.suspect)
              <> (OLD.attempt - 1, OLD.losses, OLD.counted_losses, OLD.suspect)
          -- To be tried again: whatever it does, it does not end its worker.
          AND (NEW.attempt, NEW.losses, NEW.counted_losses, NEW.suspect)
              <> (OLD.attempt, OLD.losses, OLD.counted_losses, 0))
    WHEN OLD.state = 'running' AND NEW.state = 'failed'
        THEN (NEW.epoch, NEW.attempt, NEW.suspect) <> (OLD.epoch, OLD.attempt, OLD.suspect)
          OR ((NEW.losses, NEW.counted_losses) <> (OLD.losses, OLD.counted_losses)
          AND (NEW.losses, NEW.counted_losses)
              <> (OLD.losses + 1, OLD.counted_losses + OLD.alone))
    ELSE (NEW.epoch, NEW.attempt, NEW.losses, NEW.counted_losses, NEW.suspect)
      <> (OLD.epoch, OLD.attempt, OLD.losses, OLD.counted_losses, OLD.suspect)
      OR (NEW.state = OLD.state AND NEW.alone <> OLD.alone)
END
BEGIN
    SELECT RAISE(ABORT, 'claims and losses are counted one by one, and where they happen');
END;

CREATE TRIGGER jobs_workers BEFORE UPDATE ON jobs
WHEN NEW.worker IS NOT OLD.worker
 AND CASE
    WHEN OLD.state = 'queued'
        THEN NOT EXISTS (SELECT 1 FROM workers WHERE id = NEW.worker AND gone_at IS NULL)
    ELSE NEW.worker IS NOT NULL
 END
BEGIN
    SELECT RAISE(ABORT, 'a job gets a worker with its claim, one that is there, and keeps it');
END;

CREATE TRIGGER jobs_waiting BEFORE UPDATE ON jobs
WHEN NEW.run_at <> OLD.run_at AND NOT (OLD.state = 'running' AND NEW.state = 'queued')
BEGIN
    SELECT RAISE(ABORT, 'when a job may be claimed changes only when it goes back into the queue');
END;

CREATE TRIGGER jobs_cancels BEFORE UPDATE ON jobs
WHEN NEW.cancel_requested_at IS NOT OLD.cancel_requested_at
 AND NOT (OLD.cancel_requested_at IS NULL AND OLD.state = 'running' AND NEW.state = 'running')
BEGIN
    SELECT RAISE(ABORT, 'a cancel is asked for once, and while the job runs');
END;

CREATE TRIGGER jobs_stages BEFORE UPDATE ON jobs
WHEN CASE
    WHEN NEW.restarts <> OLD.restarts
        THEN NEW.restarts <> OLD.restarts + 1 OR NEW.stage <> 0
          OR OLD.state <> 'running' OR NEW.state <> 'running'
    ELSE (NEW.total_stages, NEW.fingerprint) IS NOT (OLD.total_stages, OLD.fingerprint)
          -- The next attempt goes on where the last checkpoint is.
          OR (NEW.stage < OLD.stage AND NOT (OLD.state = 'running' AND NEW.state = 'queued'))
END
BEGIN
    SELECT RAISE(ABORT, 'a stage never goes backwards, and a program never changes, without a restart');
END;

CREATE TRIGGER jobs_deletion BEFORE DELETE ON jobs
WHEN OLD.state NOT IN ('succeeded', 'failed')
BEGIN
    SELECT RAISE(ABORT, 'a job that is not over cannot be deleted');
END;

CREATE TRIGGER workers_begin BEFORE INSERT ON workers
WHEN NEW.gone_at IS NOT NULL OR EXISTS (SELECT 1 FROM workers WHERE id = NEW.id)
BEGIN
    SELECT RAISE(ABORT, 'a worker begins once, and there');
END;

CREATE TRIGGER workers_identity BEFORE UPDATE ON workers
WHEN (NEW.id, NEW.host, NEW.identity, NEW.programs, NEW.slots, NEW.started_at)
     <> (OLD.id, OLD.host, OLD.identity, OLD.programs, OLD.slots, OLD.started_at)
BEGIN
    SELECT RAISE(ABORT, 'what a worker is and what it knows do not change');
END;

CREATE TRIGGER workers_gone BEFORE UPDATE ON workers
WHEN (OLD.gone_at IS NOT NULL
      AND (NEW.gone_at, NEW.lease_until) IS NOT (OLD.gone_at, OLD.lease_until))
  OR (NEW.gone_at IS NOT NULL AND EXISTS (SELECT 1 FROM jobs WHERE worker = OLD.id))
BEGIN
    SELECT RAISE(ABORT, 'a worker is gone for good, and after its jobs were taken from it');
END;

CREATE TRIGGER workers_go_after_their_jobs BEFORE DELETE ON workers
WHEN EXISTS (SELECT 1 FROM jobs WHERE worker = OLD.id)
BEGIN
    SELECT RAISE(ABORT, 'a worker is gone for good, and after its jobs were taken from it');
END;

CREATE TRIGGER arguments_are_written_once BEFORE INSERT ON arguments
WHEN EXISTS (SELECT 1 FROM arguments WHERE job = NEW.job)
BEGIN
    SELECT RAISE(ABORT, 'the arguments of a job do not change');
END;

CREATE TRIGGER arguments_never_change BEFORE UPDATE ON arguments
BEGIN
    SELECT RAISE(ABORT, 'the arguments of a job do not change');
END;

CREATE TRIGGER arguments_go_with_their_job BEFORE DELETE ON arguments
WHEN EXISTS (SELECT 1 FROM jobs WHERE sequence = OLD.job)
BEGIN
    SELECT RAISE(ABORT, 'the arguments of a job do not change');
END;

CREATE TRIGGER checkpoints_of_running_jobs BEFORE INSERT ON checkpoints
WHEN NOT EXISTS (SELECT 1 FROM jobs
                 WHERE sequence = NEW.job AND state = 'running' AND NEW.stage <= total_stages)
  OR EXISTS (SELECT 1 FROM checkpoints WHERE job = NEW.job AND stage > NEW.stage)
BEGIN
    SELECT RAISE(ABORT, 'a checkpoint is of a stage of a running job, and never goes backwards');
END;

CREATE TRIGGER checkpoints_go_forwards BEFORE UPDATE ON checkpoints
WHEN NEW.job <> OLD.job OR NEW.stage < OLD.stage
  OR NOT EXISTS (SELECT 1 FROM jobs
                 WHERE sequence = NEW.job AND state = 'running' AND NEW.stage <= total_stages)
BEGIN
    SELECT RAISE(ABORT, 'a checkpoint is of a stage of a running job, and never goes backwards');
END;

CREATE TRIGGER artifacts_of_running_jobs BEFORE INSERT ON artifacts
WHEN NEW.state <> 'staged'
  OR NOT EXISTS (SELECT 1 FROM jobs
                 WHERE sequence = NEW.job AND state = 'running' AND epoch = NEW.epoch)
BEGIN
    SELECT RAISE(ABORT, 'an artifact is staged by the claim under which its job runs');
END;

CREATE TRIGGER artifacts_become_published BEFORE UPDATE ON artifacts
WHEN (NEW.job, NEW.position, NEW.name) <> (OLD.job, OLD.position, OLD.name)
  OR CASE NEW.state
    WHEN 'published'
        THEN (NEW.epoch, NEW.size, NEW.sha256, NEW.media_type, NEW.location)
             <> (OLD.epoch, OLD.size, OLD.sha256, OLD.media_type, OLD.location)
          OR NOT EXISTS (SELECT 1 FROM jobs WHERE sequence = NEW.job AND state = 'succeeded')
    ELSE NOT EXISTS (SELECT 1 FROM jobs
                     WHERE sequence = NEW.job AND state = 'running' AND epoch = NEW.epoch)
  END
BEGIN
    SELECT RAISE(ABORT, 'an artifact is published as it is, with its job, and never changes then');
END;

CREATE TRIGGER artifacts_go_with_their_job BEFORE DELETE ON artifacts
WHEN OLD.state = 'published' AND EXISTS (SELECT 1 FROM jobs WHERE sequence = OLD.job)
BEGIN
    SELECT RAISE(ABORT, 'a published artifact goes only with its job');
END;

CREATE TRIGGER questions_of_running_jobs BEFORE INSERT ON questions
WHEN NEW.answer IS NOT NULL
  OR NOT EXISTS (SELECT 1 FROM jobs WHERE sequence = NEW.job AND state = 'running')
  OR EXISTS (SELECT 1 FROM questions WHERE job = NEW.job AND key = NEW.key)
BEGIN
    SELECT RAISE(ABORT, 'a question is put once, by a running job, and is open then');
END;

CREATE TRIGGER questions_are_answered_once BEFORE UPDATE ON questions
WHEN (NEW.job, NEW.key, NEW.method, NEW.params) <> (OLD.job, OLD.key, OLD.method, OLD.params)
  OR OLD.answer IS NOT NULL
  OR NOT EXISTS (SELECT 1 FROM jobs WHERE sequence = NEW.job AND state = 'running')
BEGIN
    SELECT RAISE(ABORT, 'a question never changes, and is answered once, while its job runs');
END;

CREATE TRIGGER questions_go_with_their_job BEFORE DELETE ON questions
WHEN EXISTS (SELECT 1 FROM jobs WHERE sequence = OLD.job AND state <> 'running')
BEGIN
    SELECT RAISE(ABORT, 'a question goes with its job, or when that starts over');
END;

CREATE TRIGGER log_lines_of_running_jobs BEFORE INSERT ON log_lines
WHEN NEW.line <> (SELECT coalesce(max(line), 0) + 1 FROM log_lines WHERE job = NEW.job)
  OR NOT EXISTS (SELECT 1 FROM jobs WHERE sequence = NEW.job AND state = 'running')
BEGIN
    SELECT RAISE(ABORT, 'a line of the log is the next one of a running job');
END;

CREATE TRIGGER log_lines_never_change BEFORE UPDATE ON log_lines
BEGIN
    SELECT RAISE(ABORT, 'a line of the log does not change');
END;

CREATE TRIGGER log_lines_go_oldest_first BEFORE DELETE ON log_lines
WHEN EXISTS (SELECT 1 FROM jobs WHERE sequence = OLD.job)
 AND EXISTS (SELECT 1 FROM log_lines WHERE job = OLD.job AND line < OLD.line)
BEGIN
    SELECT RAISE(ABORT, 'a log loses its oldest lines, or goes with its job');
END;

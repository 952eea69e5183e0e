-- The record of jobs. Times are milliseconds since 1970 UTC.
--
-- Constraints and triggers hold the rules of `farcall_core::job::state`, so that no statement,
-- however wrong, can break them; their names and messages are the rules.

-- One small row a job, because progress rewrites it twice a second: what may be large and
-- does not change with it has tables of its own.
CREATE TABLE jobs (
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
    stage INTEGER NOT NULL,
    total_stages INTEGER NOT NULL
        CONSTRAINT "there is a stage"
        CHECK (total_stages >= 1),
    message TEXT NOT NULL,
    progress REAL
        CONSTRAINT "progress is between 0 and 1"
        CHECK (progress BETWEEN 0 AND 1),
    error_code TEXT,
    error_message TEXT,
    -- Claims ever made; every write of a worker names the epoch of its claim.
    epoch INTEGER NOT NULL,
    -- Claims that count.
    attempt INTEGER NOT NULL,
    losses INTEGER NOT NULL,
    -- How often the job began again because its program had changed.
    restarts INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    expires_at INTEGER,
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
           AND (state IN ('succeeded', 'failed')) = (expires_at IS NOT NULL)),
    CONSTRAINT "what was claimed, and only that, has a start"
        CHECK ((epoch > 0) = (started_at IS NOT NULL)),
    CONSTRAINT "what runs was claimed"
        CHECK (state <> 'running' OR attempt >= 1),
    CONSTRAINT "counters count"
        CHECK (attempt BETWEEN 0 AND epoch AND losses BETWEEN 0 AND epoch AND restarts >= 0)
) STRICT;

-- A worker looks for the oldest queued job that it knows.
CREATE INDEX jobs_queued ON jobs (sequence, job) WHERE state = 'queued';
-- A start looks for the jobs that have lost their worker.
CREATE INDEX jobs_running ON jobs (sequence) WHERE state = 'running';

CREATE TRIGGER jobs_begin BEFORE INSERT ON jobs
WHEN NEW.state <> 'queued'
  OR (NEW.stage, NEW.epoch, NEW.attempt, NEW.losses, NEW.restarts) <> (0, 0, 0, 0, 0)
BEGIN
    SELECT RAISE(ABORT, 'a job begins queued, at stage 0 and unclaimed');
END;

-- Without this, `INSERT OR REPLACE` would delete the older job without asking any trigger.
CREATE TRIGGER jobs_are_not_replaced BEFORE INSERT ON jobs
WHEN EXISTS (SELECT 1 FROM jobs WHERE id = NEW.id OR sequence = NEW.sequence)
BEGIN
    SELECT RAISE(ABORT, 'there is a job with this id');
END;

CREATE TRIGGER jobs_identity BEFORE UPDATE ON jobs
WHEN (NEW.sequence, NEW.id, NEW.owner, NEW.job, NEW.created_at)
     IS NOT (OLD.sequence, OLD.id, OLD.owner, OLD.job, OLD.created_at)
  OR (OLD.started_at IS NOT NULL AND NEW.started_at IS NOT OLD.started_at)
BEGIN
    SELECT RAISE(ABORT, 'who a job belongs to, what it is and when it came do not change');
END;

CREATE TRIGGER jobs_transitions BEFORE UPDATE ON jobs
WHEN NEW.state <> OLD.state
 AND NOT (OLD.state = 'queued' AND NEW.state IN ('running', 'failed'))
 AND NOT (OLD.state = 'running' AND NEW.state IN ('queued', 'succeeded', 'failed'))
BEGIN
    SELECT RAISE(ABORT, 'a job cannot go from this state to that one');
END;

-- Only how long it is kept may still change.
CREATE TRIGGER jobs_terminal BEFORE UPDATE ON jobs
WHEN OLD.state IN ('succeeded', 'failed')
 AND (NEW.fingerprint, NEW.state, NEW.stage, NEW.total_stages, NEW.message, NEW.progress,
      NEW.error_code, NEW.error_message, NEW.epoch, NEW.attempt, NEW.losses, NEW.restarts,
      NEW.started_at, NEW.finished_at, NEW.result)
     IS NOT
     (OLD.fingerprint, OLD.state, OLD.stage, OLD.total_stages, OLD.message, OLD.progress,
      OLD.error_code, OLD.error_message, OLD.epoch, OLD.attempt, OLD.losses, OLD.restarts,
      OLD.started_at, OLD.finished_at, OLD.result)
BEGIN
    SELECT RAISE(ABORT, 'a job that is over does not change');
END;

CREATE TRIGGER jobs_claims BEFORE UPDATE ON jobs
WHEN CASE
    WHEN OLD.state = 'queued' AND NEW.state = 'running'
        THEN (NEW.epoch, NEW.attempt, NEW.losses) <> (OLD.epoch + 1, OLD.attempt + 1, OLD.losses)
    -- Lost workers count as losses; released claims do not count at all.
    WHEN OLD.state = 'running' AND NEW.state = 'queued'
        THEN (NEW.epoch, NEW.attempt, NEW.losses) <> (OLD.epoch, OLD.attempt, OLD.losses + 1)
         AND (NEW.epoch, NEW.attempt, NEW.losses) <> (OLD.epoch, OLD.attempt - 1, OLD.losses)
    WHEN OLD.state = 'running' AND NEW.state = 'failed'
        THEN (NEW.epoch, NEW.attempt) <> (OLD.epoch, OLD.attempt)
          OR NEW.losses NOT BETWEEN OLD.losses AND OLD.losses + 1
    ELSE (NEW.epoch, NEW.attempt, NEW.losses) <> (OLD.epoch, OLD.attempt, OLD.losses)
END
BEGIN
    SELECT RAISE(ABORT, 'claims and losses are counted one by one, and where they happen');
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

CREATE TABLE arguments (
    job INTEGER PRIMARY KEY REFERENCES jobs (sequence) ON DELETE CASCADE,
    value TEXT NOT NULL
        CONSTRAINT "arguments are a JSON object"
        CHECK (json_valid(value) AND json_type(value) = 'object')
) STRICT;

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

-- The value of the last finished stage, while there is something to go on with.
CREATE TABLE checkpoints (
    job INTEGER PRIMARY KEY REFERENCES jobs (sequence) ON DELETE CASCADE,
    stage INTEGER NOT NULL
        CONSTRAINT "a checkpoint is of a finished stage"
        CHECK (stage >= 1),
    value TEXT NOT NULL
        CONSTRAINT "a checkpoint is JSON"
        CHECK (json_valid(value))
) STRICT;

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

-- Files that jobs made: staged while the job runs, published when it has succeeded.
CREATE TABLE artifacts (
    job INTEGER NOT NULL REFERENCES jobs (sequence) ON DELETE CASCADE,
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

-- Secrets that several servers share.
CREATE TABLE secrets (
    name TEXT PRIMARY KEY NOT NULL,
    value BLOB NOT NULL
        CONSTRAINT "a secret has 32 bytes"
        CHECK (length(value) = 32)
) STRICT;

CREATE TRIGGER secrets_are_created_once BEFORE INSERT ON secrets
WHEN EXISTS (SELECT 1 FROM secrets WHERE name = NEW.name)
BEGIN
    SELECT RAISE(ABORT, 'a secret never changes');
END;

CREATE TRIGGER secrets_never_change BEFORE UPDATE ON secrets
BEGIN
    SELECT RAISE(ABORT, 'a secret never changes');
END;

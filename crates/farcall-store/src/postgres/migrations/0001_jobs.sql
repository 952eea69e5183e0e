-- The record of jobs. Times are milliseconds since 1970 UTC, on the clock of this server.
--
-- Tables, columns and rules are those of the SQLite backend, under the same names. Constraints
-- and triggers hold the rules of `farcall_core::job::state`, so that no statement, however wrong,
-- can break them; their names and messages are the rules.

-- The one clock of jobs, of whatever machine asks. Tests put another one in its place.
CREATE FUNCTION farcall_now() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint
$$;

-- Processes that run jobs. Beats rewrite the rows, which stay in their pages.
CREATE TABLE workers (
    id text PRIMARY KEY
        CONSTRAINT "an id is 32 hexadecimal digits"
        CHECK (id ~ '^[0-9a-f]{32}$'),
    -- For people.
    host text NOT NULL,
    -- Tells the process from every other one; empty where it is unknown.
    identity text NOT NULL,
    -- The jobs it can run, and the fingerprints of their programs.
    programs json NOT NULL
        CONSTRAINT "programs are a JSON object"
        CHECK (json_typeof(programs) = 'object'),
    slots json NOT NULL
        CONSTRAINT "slots are a JSON object"
        CHECK (json_typeof(slots) = 'object'),
    started_at bigint NOT NULL,
    lease_until bigint NOT NULL,
    -- When it was declared lost. Kept for a while, because what it knew has not vanished yet.
    gone_at bigint
) WITH (fillfactor = 50);

-- One small row a job, because progress rewrites it twice a second: what may be large and
-- does not change with it has tables of its own. The JSON of callers is `json` and not `jsonb`,
-- which would lose the order of keys and digits of numbers.
CREATE TABLE jobs (
    -- The order of acceptance; never shown, because whoever sees one could guess others.
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL
        CONSTRAINT "there is a job with this id or key" UNIQUE
        CONSTRAINT "an id is 32 hexadecimal digits"
        CHECK (id ~ '^[0-9a-f]{32}$'),
    owner text NOT NULL,
    job text NOT NULL,
    fingerprint text NOT NULL,
    state text NOT NULL
        CONSTRAINT "there are four states"
        CHECK (state IN ('queued', 'running', 'succeeded', 'failed')),

    -- The queue. A point of priority is worth a minute of waiting, so that nothing starves.
    rank bigint NOT NULL,
    priority bigint NOT NULL
        CONSTRAINT "priority is between -10 and 10"
        CHECK (priority BETWEEN -10 AND 10),
    -- Since when it may be claimed; ahead while it waits to be tried again.
    run_at bigint NOT NULL,
    -- Of the first start.
    queue_deadline bigint,
    -- Its last attempt lost its worker: it runs alone.
    suspect boolean NOT NULL,

    -- The claim.
    worker text REFERENCES workers (id),
    -- Nothing else runs in that process.
    alone boolean NOT NULL,
    -- Claims ever made; every write of a worker names the epoch of its claim.
    epoch bigint NOT NULL,
    -- Claims that count.
    attempt bigint NOT NULL,
    losses bigint NOT NULL,
    -- Losses while it was alone.
    counted_losses bigint NOT NULL,
    -- How often the job began again because its program had changed.
    restarts bigint NOT NULL,
    -- The counted loss at which it fails; 0 where it fails at the first of all.
    max_losses bigint NOT NULL
        CONSTRAINT "losses are not negative"
        CHECK (max_losses >= 0),
    cancel_requested_at bigint,

    -- What polls read.
    stage bigint NOT NULL,
    total_stages bigint NOT NULL
        CONSTRAINT "there is a stage"
        CHECK (total_stages >= 1),
    message text NOT NULL,
    progress double precision
        CONSTRAINT "progress is between 0 and 1"
        CHECK (progress BETWEEN 0 AND 1),
    -- There is an open question.
    is_asking boolean NOT NULL,
    error_code text,
    error_message text,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    started_at bigint,
    finished_at bigint,
    expires_at bigint,
    keep_ms bigint NOT NULL
        CONSTRAINT "a time to keep is not negative"
        CHECK (keep_ms >= 0),

    -- Who started it, and how.
    idem_key text
        CONSTRAINT "a key is 1 to 255 bytes"
        CHECK (octet_length(idem_key) BETWEEN 1 AND 255),
    args_hash text NOT NULL
        CONSTRAINT "a hash is 64 hexadecimal digits"
        CHECK (args_hash ~ '^[0-9a-f]{64}$'),
    -- 1 a person, 2 a model, 4 roots.
    can_ask bigint NOT NULL
        CONSTRAINT "there are three ways to ask"
        CHECK (can_ask BETWEEN 0 AND 7),
    result json,

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
    -- Room in each page for the next version of a row, and no delay in clearing old ones away.
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

CREATE TABLE arguments (
    job bigint PRIMARY KEY REFERENCES jobs (sequence) ON DELETE CASCADE,
    value json NOT NULL
        CONSTRAINT "arguments are a JSON object"
        CHECK (json_typeof(value) = 'object')
);

-- The value of the last finished stage, while there is something to go on with.
CREATE TABLE checkpoints (
    job bigint PRIMARY KEY REFERENCES jobs (sequence) ON DELETE CASCADE,
    stage bigint NOT NULL
        CONSTRAINT "a checkpoint is of a finished stage"
        CHECK (stage >= 1),
    value json NOT NULL
);

-- Files that jobs made: staged while the job runs, published when it has succeeded.
CREATE TABLE artifacts (
    job bigint NOT NULL REFERENCES jobs (sequence) ON DELETE CASCADE,
    -- The order in which their names first appeared.
    position bigint NOT NULL
        CONSTRAINT "positions count from 0"
        CHECK (position >= 0),
    name text NOT NULL
        CONSTRAINT "an artifact has a name"
        CHECK (name <> ''),
    -- Of the claim that made it.
    epoch bigint NOT NULL,
    size bigint NOT NULL
        CONSTRAINT "sizes are not negative"
        CHECK (size >= 0),
    sha256 text NOT NULL
        CONSTRAINT "a sha256 is 64 hexadecimal digits"
        CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    media_type text NOT NULL,
    location text NOT NULL,
    state text NOT NULL
        CONSTRAINT "an artifact is staged or published"
        CHECK (state IN ('staged', 'published')),
    PRIMARY KEY (job, position),
    UNIQUE (job, name)
);

-- What running jobs ask their callers, and the answers.
CREATE TABLE questions (
    job bigint NOT NULL REFERENCES jobs (sequence) ON DELETE CASCADE,
    -- In the order of bytes, as every backend lists them.
    key text COLLATE "C" NOT NULL
        CONSTRAINT "a question has a key of at most 128 bytes"
        CHECK (octet_length(key) BETWEEN 1 AND 128),
    method text NOT NULL
        CONSTRAINT "there are three ways to ask"
        CHECK (method IN ('elicitation/create', 'sampling/createMessage', 'roots/list')),
    params json NOT NULL
        CONSTRAINT "parameters are a JSON object"
        CHECK (json_typeof(params) = 'object'),
    answer json,
    PRIMARY KEY (job, key)
);

-- The newest lines of each job's log.
CREATE TABLE log_lines (
    job bigint NOT NULL REFERENCES jobs (sequence) ON DELETE CASCADE,
    line bigint NOT NULL
        CONSTRAINT "lines count from 1"
        CHECK (line >= 1),
    at bigint NOT NULL,
    text text NOT NULL
        CONSTRAINT "a line has at most 2 KiB"
        CHECK (octet_length(text) <= 2048),
    PRIMARY KEY (job, line)
);

-- Secrets that several servers share.
CREATE TABLE secrets (
    name text PRIMARY KEY,
    value bytea NOT NULL
        CONSTRAINT "a secret has 32 bytes"
        CHECK (octet_length(value) = 32)
);

-- A worker looks for the best job that it knows. What waits to be tried again is passed over in
-- the index itself.
CREATE INDEX jobs_queued ON jobs (rank, sequence, run_at) WHERE state = 'queued';
CREATE INDEX jobs_suspect ON jobs (rank, sequence) WHERE state = 'queued' AND suspect;
CREATE INDEX jobs_deadline ON jobs (queue_deadline)
    WHERE state = 'queued' AND queue_deadline IS NOT NULL AND epoch = 0;
-- By worker, also for its foreign key; by name for the limits on how many run at once.
CREATE INDEX jobs_running ON jobs (worker, job) WHERE worker IS NOT NULL;
CREATE INDEX jobs_running_by_name ON jobs (job) WHERE state = 'running';
CREATE INDEX jobs_expiry ON jobs (expires_at) WHERE expires_at IS NOT NULL;
CREATE UNIQUE INDEX jobs_key ON jobs (owner, job, idem_key) WHERE idem_key IS NOT NULL;
CREATE INDEX jobs_same ON jobs (owner, job, args_hash, created_at);

-- Refuses what a trigger is called for, with the sentence that is its argument.
CREATE FUNCTION farcall_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = TG_ARGV[0];
END $$;

-- What triggers have to know about other rows. Volatile, and so of this moment: what the
-- statement has done until now is seen, and what others have committed.

-- The state of a job; NULL where it is gone.
CREATE FUNCTION farcall_state(job bigint) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT state FROM jobs WHERE sequence = $1);
END $$;

-- Whether a job runs that has such a stage.
CREATE FUNCTION farcall_runs_to(job bigint, stage bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN EXISTS (SELECT 1 FROM jobs
                   WHERE sequence = $1 AND state = 'running' AND $2 <= total_stages);
END $$;

-- Whether a job runs under this claim.
CREATE FUNCTION farcall_runs_under(job bigint, epoch bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN EXISTS (SELECT 1 FROM jobs
                   WHERE sequence = $1 AND state = 'running' AND jobs.epoch = $2);
END $$;

-- Whether a worker is there that was not declared lost.
CREATE FUNCTION farcall_is_there(worker text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN EXISTS (SELECT 1 FROM workers WHERE id = $1 AND gone_at IS NULL);
END $$;

-- Whether a worker has jobs.
CREATE FUNCTION farcall_is_at_work(worker text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN EXISTS (SELECT 1 FROM jobs WHERE jobs.worker = $1);
END $$;

-- The number of the last line in the log of a job.
CREATE FUNCTION farcall_last_line(job bigint) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT coalesce(max(line), 0) FROM log_lines WHERE log_lines.job = $1);
END $$;

-- The checkpoint of a job at this moment, for a claim: the statement that claims may have begun
-- before the last worker wrote it.
CREATE FUNCTION farcall_checkpoint(job bigint) RETURNS SETOF checkpoints
ROWS 1 LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT * FROM checkpoints WHERE checkpoints.job = $1;
END $$;

CREATE TRIGGER jobs_begin BEFORE INSERT ON jobs FOR EACH ROW
WHEN (NEW.state <> 'queued'
   OR (NEW.stage, NEW.epoch, NEW.attempt, NEW.losses, NEW.counted_losses, NEW.restarts)
      <> (0, 0, 0, 0, 0, 0)
   OR (NEW.suspect, NEW.run_at, NEW.rank)
      <> (FALSE, NEW.created_at, NEW.created_at - NEW.priority * 60000))
EXECUTE FUNCTION
    farcall_refuse('a job begins queued, at stage 0, unclaimed and ranked by its age');

CREATE TRIGGER jobs_identity BEFORE UPDATE ON jobs FOR EACH ROW
WHEN ((NEW.sequence, NEW.id, NEW.owner, NEW.job, NEW.created_at, NEW.rank, NEW.priority,
       NEW.queue_deadline, NEW.max_losses, NEW.keep_ms, NEW.args_hash, NEW.can_ask)
      IS DISTINCT FROM
      (OLD.sequence, OLD.id, OLD.owner, OLD.job, OLD.created_at, OLD.rank, OLD.priority,
       OLD.queue_deadline, OLD.max_losses, OLD.keep_ms, OLD.args_hash, OLD.can_ask)
   OR (OLD.started_at IS NOT NULL AND NEW.started_at IS DISTINCT FROM OLD.started_at))
EXECUTE FUNCTION
    farcall_refuse('who a job belongs to, what it is and when it came do not change');

CREATE TRIGGER jobs_keys BEFORE UPDATE ON jobs FOR EACH ROW
WHEN (NEW.idem_key IS DISTINCT FROM OLD.idem_key
  AND NOT (NEW.idem_key IS NULL AND OLD.state IN ('succeeded', 'failed')))
EXECUTE FUNCTION
    farcall_refuse('the key of a job does not change, and is given up only when it is over');

CREATE TRIGGER jobs_transitions BEFORE UPDATE ON jobs FOR EACH ROW
WHEN (NEW.state <> OLD.state
  AND NOT (OLD.state = 'queued' AND NEW.state IN ('running', 'failed'))
  AND NOT (OLD.state = 'running' AND NEW.state IN ('queued', 'succeeded', 'failed')))
EXECUTE FUNCTION farcall_refuse('a job cannot go from this state to that one');

-- Only how long it is kept, and whether it has its key, may still change.
CREATE TRIGGER jobs_terminal BEFORE UPDATE ON jobs FOR EACH ROW
WHEN (OLD.state IN ('succeeded', 'failed')
  AND (NEW.fingerprint, NEW.state, NEW.run_at, NEW.suspect, NEW.worker, NEW.alone, NEW.epoch,
       NEW.attempt, NEW.losses, NEW.counted_losses, NEW.restarts, NEW.cancel_requested_at,
       NEW.stage, NEW.total_stages, NEW.message, NEW.progress, NEW.is_asking, NEW.error_code,
       NEW.error_message, NEW.updated_at, NEW.started_at, NEW.finished_at, NEW.result::text)
      IS DISTINCT FROM
      (OLD.fingerprint, OLD.state, OLD.run_at, OLD.suspect, OLD.worker, OLD.alone, OLD.epoch,
       OLD.attempt, OLD.losses, OLD.counted_losses, OLD.restarts, OLD.cancel_requested_at,
       OLD.stage, OLD.total_stages, OLD.message, OLD.progress, OLD.is_asking, OLD.error_code,
       OLD.error_message, OLD.updated_at, OLD.started_at, OLD.finished_at, OLD.result::text))
EXECUTE FUNCTION farcall_refuse('a job that is over does not change');

CREATE TRIGGER jobs_claims BEFORE UPDATE ON jobs FOR EACH ROW
WHEN (CASE
    WHEN OLD.state = 'queued' AND NEW.state = 'running'
        THEN (NEW.epoch, NEW.attempt, NEW.losses, NEW.counted_losses, NEW.suspect)
          <> (OLD.epoch + 1, OLD.attempt + 1, OLD.losses, OLD.counted_losses, OLD.suspect)
    WHEN OLD.state = 'running' AND NEW.state = 'queued'
        THEN NEW.epoch <> OLD.epoch
          -- Lost: what was alone is nearer to its end.
          OR ((NEW.attempt, NEW.losses, NEW.counted_losses, NEW.suspect)
              <> (OLD.attempt, OLD.losses + 1, OLD.counted_losses + OLD.alone::int, TRUE)
          -- Released: as if it had not been claimed.
          AND (NEW.attempt, NEW.losses, NEW.counted_losses, NEW.suspect)
              <> (OLD.attempt - 1, OLD.losses, OLD.counted_losses, OLD.suspect)
          -- To be tried again: whatever it does, it does not end its worker.
          AND (NEW.attempt, NEW.losses, NEW.counted_losses, NEW.suspect)
              <> (OLD.attempt, OLD.losses, OLD.counted_losses, FALSE))
    WHEN OLD.state = 'running' AND NEW.state = 'failed'
        THEN (NEW.epoch, NEW.attempt, NEW.suspect) <> (OLD.epoch, OLD.attempt, OLD.suspect)
          OR ((NEW.losses, NEW.counted_losses) <> (OLD.losses, OLD.counted_losses)
          AND (NEW.losses, NEW.counted_losses)
              <> (OLD.losses + 1, OLD.counted_losses + OLD.alone::int))
    ELSE (NEW.epoch, NEW.attempt, NEW.losses, NEW.counted_losses, NEW.suspect)
      <> (OLD.epoch, OLD.attempt, OLD.losses, OLD.counted_losses, OLD.suspect)
      OR (NEW.state = OLD.state AND NEW.alone <> OLD.alone)
END)
EXECUTE FUNCTION
    farcall_refuse('claims and losses are counted one by one, and where they happen');

CREATE TRIGGER jobs_workers BEFORE UPDATE ON jobs FOR EACH ROW
WHEN (NEW.worker IS DISTINCT FROM OLD.worker
  AND CASE
    WHEN OLD.state = 'queued' THEN NOT farcall_is_there(NEW.worker)
    ELSE NEW.worker IS NOT NULL
  END)
EXECUTE FUNCTION
    farcall_refuse('a job gets a worker with its claim, one that is there, and keeps it');

CREATE TRIGGER jobs_waiting BEFORE UPDATE ON jobs FOR EACH ROW
WHEN (NEW.run_at <> OLD.run_at AND NOT (OLD.state = 'running' AND NEW.state = 'queued'))
EXECUTE FUNCTION
    farcall_refuse('when a job may be claimed changes only when it goes back into the queue');

CREATE TRIGGER jobs_cancels BEFORE UPDATE ON jobs FOR EACH ROW
WHEN (NEW.cancel_requested_at IS DISTINCT FROM OLD.cancel_requested_at
  AND NOT (OLD.cancel_requested_at IS NULL AND OLD.state = 'running' AND NEW.state = 'running'))
EXECUTE FUNCTION farcall_refuse('a cancel is asked for once, and while the job runs');

CREATE TRIGGER jobs_stages BEFORE UPDATE ON jobs FOR EACH ROW
WHEN (CASE
    WHEN NEW.restarts <> OLD.restarts
        THEN NEW.restarts <> OLD.restarts + 1 OR NEW.stage <> 0
          OR OLD.state <> 'running' OR NEW.state <> 'running'
    ELSE (NEW.total_stages, NEW.fingerprint) IS DISTINCT FROM (OLD.total_stages, OLD.fingerprint)
          -- The next attempt goes on where the last checkpoint is.
          OR (NEW.stage < OLD.stage AND NOT (OLD.state = 'running' AND NEW.state = 'queued'))
END)
EXECUTE FUNCTION farcall_refuse(
    'a stage never goes backwards, and a program never changes, without a restart');

CREATE TRIGGER jobs_deletion BEFORE DELETE ON jobs FOR EACH ROW
WHEN (OLD.state NOT IN ('succeeded', 'failed'))
EXECUTE FUNCTION farcall_refuse('a job that is not over cannot be deleted');

CREATE TRIGGER workers_begin BEFORE INSERT ON workers FOR EACH ROW
WHEN (NEW.gone_at IS NOT NULL)
EXECUTE FUNCTION farcall_refuse('a worker begins once, and there');

CREATE TRIGGER workers_identity BEFORE UPDATE ON workers FOR EACH ROW
WHEN ((NEW.id, NEW.host, NEW.identity, NEW.programs::text, NEW.slots::text, NEW.started_at)
   <> (OLD.id, OLD.host, OLD.identity, OLD.programs::text, OLD.slots::text, OLD.started_at))
EXECUTE FUNCTION farcall_refuse('what a worker is and what it knows do not change');

CREATE TRIGGER workers_gone BEFORE UPDATE ON workers FOR EACH ROW
WHEN ((OLD.gone_at IS NOT NULL
       AND (NEW.gone_at, NEW.lease_until) IS DISTINCT FROM (OLD.gone_at, OLD.lease_until))
   OR (NEW.gone_at IS NOT NULL AND farcall_is_at_work(OLD.id)))
EXECUTE FUNCTION
    farcall_refuse('a worker is gone for good, and after its jobs were taken from it');

CREATE TRIGGER workers_go_after_their_jobs BEFORE DELETE ON workers FOR EACH ROW
WHEN (farcall_is_at_work(OLD.id))
EXECUTE FUNCTION
    farcall_refuse('a worker is gone for good, and after its jobs were taken from it');

CREATE TRIGGER arguments_never_change BEFORE UPDATE ON arguments FOR EACH ROW
EXECUTE FUNCTION farcall_refuse('the arguments of a job do not change');

CREATE TRIGGER arguments_go_with_their_job BEFORE DELETE ON arguments FOR EACH ROW
WHEN (farcall_state(OLD.job) IS NOT NULL)
EXECUTE FUNCTION farcall_refuse('the arguments of a job do not change');

CREATE TRIGGER checkpoints_of_running_jobs BEFORE INSERT ON checkpoints FOR EACH ROW
WHEN (NOT farcall_runs_to(NEW.job, NEW.stage))
EXECUTE FUNCTION
    farcall_refuse('a checkpoint is of a stage of a running job, and never goes backwards');

CREATE TRIGGER checkpoints_go_forwards BEFORE UPDATE ON checkpoints FOR EACH ROW
WHEN (NEW.job <> OLD.job OR NEW.stage < OLD.stage OR NOT farcall_runs_to(NEW.job, NEW.stage))
EXECUTE FUNCTION
    farcall_refuse('a checkpoint is of a stage of a running job, and never goes backwards');

CREATE TRIGGER artifacts_of_running_jobs BEFORE INSERT ON artifacts FOR EACH ROW
WHEN (NEW.state <> 'staged' OR NOT farcall_runs_under(NEW.job, NEW.epoch))
EXECUTE FUNCTION farcall_refuse('an artifact is staged by the claim under which its job runs');

CREATE TRIGGER artifacts_become_published BEFORE UPDATE ON artifacts FOR EACH ROW
WHEN ((NEW.job, NEW.position, NEW.name) <> (OLD.job, OLD.position, OLD.name)
   OR CASE NEW.state
    WHEN 'published'
        THEN (NEW.epoch, NEW.size, NEW.sha256, NEW.media_type, NEW.location)
             <> (OLD.epoch, OLD.size, OLD.sha256, OLD.media_type, OLD.location)
          OR farcall_state(NEW.job) IS DISTINCT FROM 'succeeded'
    ELSE NOT farcall_runs_under(NEW.job, NEW.epoch)
   END)
EXECUTE FUNCTION
    farcall_refuse('an artifact is published as it is, with its job, and never changes then');

CREATE TRIGGER artifacts_go_with_their_job BEFORE DELETE ON artifacts FOR EACH ROW
WHEN (OLD.state = 'published' AND farcall_state(OLD.job) IS NOT NULL)
EXECUTE FUNCTION farcall_refuse('a published artifact goes only with its job');

CREATE TRIGGER questions_of_running_jobs BEFORE INSERT ON questions FOR EACH ROW
WHEN (NEW.answer IS NOT NULL OR farcall_state(NEW.job) IS DISTINCT FROM 'running')
EXECUTE FUNCTION
    farcall_refuse('a question is put once, by a running job, and is open then');

CREATE TRIGGER questions_are_answered_once BEFORE UPDATE ON questions FOR EACH ROW
WHEN ((NEW.job, NEW.key, NEW.method, NEW.params::text)
      <> (OLD.job, OLD.key, OLD.method, OLD.params::text)
   OR OLD.answer IS NOT NULL
   OR farcall_state(NEW.job) IS DISTINCT FROM 'running')
EXECUTE FUNCTION
    farcall_refuse('a question never changes, and is answered once, while its job runs');

CREATE TRIGGER questions_go_with_their_job BEFORE DELETE ON questions FOR EACH ROW
WHEN (farcall_state(OLD.job) <> 'running')
EXECUTE FUNCTION farcall_refuse('a question goes with its job, or when that starts over');

CREATE TRIGGER log_lines_of_running_jobs BEFORE INSERT ON log_lines FOR EACH ROW
WHEN (NEW.line <> farcall_last_line(NEW.job) + 1
   OR farcall_state(NEW.job) IS DISTINCT FROM 'running')
EXECUTE FUNCTION farcall_refuse('a line of the log is the next one of a running job');

CREATE TRIGGER log_lines_never_change BEFORE UPDATE ON log_lines FOR EACH ROW
EXECUTE FUNCTION farcall_refuse('a line of the log does not change');

-- A statement deletes rows in no order, so this looks at what it has left.
CREATE FUNCTION farcall_refuse_gaps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM (SELECT job, max(line) AS last FROM deleted GROUP BY job) AS cut
               WHERE farcall_state(cut.job) IS NOT NULL
                 AND EXISTS (SELECT 1 FROM log_lines
                             WHERE log_lines.job = cut.job AND line < cut.last)) THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = TG_ARGV[0];
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER log_lines_go_oldest_first AFTER DELETE ON log_lines
REFERENCING OLD TABLE AS deleted FOR EACH STATEMENT
EXECUTE FUNCTION farcall_refuse_gaps('a log loses its oldest lines, or goes with its job');

CREATE TRIGGER secrets_never_change BEFORE UPDATE ON secrets FOR EACH ROW
EXECUTE FUNCTION farcall_refuse('a secret never changes');

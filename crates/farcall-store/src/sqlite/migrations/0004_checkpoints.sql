-- A step may put aside where it is before any stage is finished. SQLite changes no constraint in
-- place, so the table is made anew; its triggers go with the one that is dropped.
CREATE TABLE checkpoints_before AS SELECT job, stage, value, work FROM checkpoints;
DROP TABLE checkpoints;

-- Where a job goes on, while there is something to go on with.
CREATE TABLE checkpoints (
    job INTEGER PRIMARY KEY REFERENCES jobs (sequence) ON DELETE CASCADE,
    -- How many stages are finished.
    stage INTEGER NOT NULL
        CONSTRAINT "a checkpoint is of a finished stage"
        CHECK (stage >= 0),
    -- What the next step is given.
    value TEXT NOT NULL
        CONSTRAINT "a checkpoint is JSON"
        CHECK (json_valid(value)),
    -- Where the work folder of the job is that something was left in.
    work TEXT
        CONSTRAINT "a place of work folders is 32 hexadecimal digits"
        CHECK (length(work) = 32 AND work NOT GLOB '*[^0-9a-f]*')
) STRICT;

INSERT INTO checkpoints (job, stage, value, work)
SELECT job, stage, value, work FROM checkpoints_before;
DROP TABLE checkpoints_before;

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

-- What several machines have to know of each other.

-- The jobs that programs offer, by name, and when one of them last did. What nobody has offered
-- for long has vanished; a worker that is away for a while has not.
CREATE TABLE offers (
    job text PRIMARY KEY,
    offered_at bigint NOT NULL
) WITH (fillfactor = 50);

-- Where the work folder of the job is that its finished stages have left something in.
ALTER TABLE checkpoints ADD COLUMN work text
    CONSTRAINT "a place of work folders is 32 hexadecimal digits"
    CHECK (work ~ '^[0-9a-f]{32}$');

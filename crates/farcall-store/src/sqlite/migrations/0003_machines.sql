-- What several machines have to know of each other. This backend is for one; its tables are those
-- of the other.

-- The jobs that programs offer, by name, and when one of them last did. What nobody has offered
-- for long has vanished; a worker that is away for a while has not.
CREATE TABLE offers (
    job TEXT PRIMARY KEY NOT NULL,
    offered_at INTEGER NOT NULL
) STRICT;

-- Where the work folder of the job is that its finished stages have left something in.
ALTER TABLE checkpoints ADD COLUMN work TEXT
    CONSTRAINT "a place of work folders is 32 hexadecimal digits"
    CHECK (length(work) = 32 AND work NOT GLOB '*[^0-9a-f]*');

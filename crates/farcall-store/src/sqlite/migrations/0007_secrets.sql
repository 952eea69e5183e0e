-- Secrets are exchanged for others: of each name there are the newest and, for a while, the one before it.

ALTER TABLE secrets RENAME TO secrets_made_once;

CREATE TABLE secrets (
    name TEXT NOT NULL,
    -- Which of its name it is, from 1; the newest has the highest.
    number INTEGER NOT NULL,
    -- 0 where nobody kept it.
    made_at INTEGER NOT NULL,
    value BLOB NOT NULL
        CONSTRAINT "a secret has 32 bytes"
        CHECK (length(value) = 32),
    PRIMARY KEY (name, number)
) STRICT;

INSERT INTO secrets (name, number, made_at, value) SELECT name, 1, 0, value FROM secrets_made_once;

DROP TABLE secrets_made_once;

CREATE TRIGGER secrets_are_made_once BEFORE INSERT ON secrets
WHEN NEW.number <> 1 + (SELECT coalesce(max(number), 0) FROM secrets WHERE name = NEW.name)
BEGIN
    SELECT RAISE(ABORT, 'a secret never changes, and each is the next one of its name');
END;

CREATE TRIGGER secrets_never_change BEFORE UPDATE ON secrets
BEGIN
    SELECT RAISE(ABORT, 'a secret never changes, and each is the next one of its name');
END;

CREATE TRIGGER secrets_go_oldest_first BEFORE DELETE ON secrets
WHEN NOT EXISTS (SELECT 1 FROM secrets WHERE name = OLD.name AND number > OLD.number)
BEGIN
    SELECT RAISE(ABORT, 'the newest secret of a name stays');
END;

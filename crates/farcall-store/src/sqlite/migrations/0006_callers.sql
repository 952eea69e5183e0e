-- Named callers, and the tokens by which they are known.

CREATE TABLE callers (
    name TEXT PRIMARY KEY NOT NULL
        CONSTRAINT "a caller is named by a-z, 0-9, _ and -, a letter or digit first"
        CHECK (length(name) BETWEEN 1 AND 64 AND name GLOB '[a-z0-9]*'
               AND name NOT GLOB '*[^a-z0-9_-]*'),
    -- Names of scopes, as a list.
    scopes TEXT NOT NULL
        CONSTRAINT "scopes are a list as JSON"
        CHECK (json_valid(scopes) AND json_type(scopes) = 'array'),
    -- What its tools are called or begin with, as a list; all of them where there is none.
    tools TEXT
        CONSTRAINT "tools are a list as JSON"
        CHECK (json_valid(tools) AND json_type(tools) = 'array'),
    -- How many of its jobs may wait or run at any moment.
    max_open_jobs INTEGER
        CONSTRAINT "a caller may have a job"
        CHECK (max_open_jobs >= 1),
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE tokens (
    id TEXT PRIMARY KEY NOT NULL
        CONSTRAINT "a token is known by 12 of a-z and 0-9"
        CHECK (length(id) = 12 AND id NOT GLOB '*[^a-z0-9]*'),
    caller TEXT NOT NULL REFERENCES callers (name),
    -- SHA-256 of all of it.
    digest BLOB NOT NULL
        CONSTRAINT "a digest has 32 bytes"
        CHECK (length(digest) = 32),
    created_at INTEGER NOT NULL,
    -- When it ends by itself, and when somebody ended it.
    expires_at INTEGER,
    revoked_at INTEGER,
    last_used_at INTEGER
) STRICT;

CREATE INDEX tokens_of_callers ON tokens (caller, created_at);

-- Another number after every change, for those who keep all of it in memory.
CREATE TABLE callers_edition (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    number INTEGER NOT NULL
) STRICT;

CREATE TRIGGER callers_stay BEFORE DELETE ON callers
BEGIN
    SELECT RAISE(ABORT, 'a caller keeps its name, and with it its jobs');
END;

CREATE TRIGGER callers_keep_their_names BEFORE UPDATE ON callers
WHEN (NEW.name, NEW.created_at) <> (OLD.name, OLD.created_at)
BEGIN
    SELECT RAISE(ABORT, 'a caller keeps its name, and with it its jobs');
END;

CREATE TRIGGER tokens_never_come_back BEFORE UPDATE ON tokens
WHEN (NEW.id, NEW.caller, NEW.digest, NEW.created_at)
     <> (OLD.id, OLD.caller, OLD.digest, OLD.created_at)
  OR NEW.revoked_at IS NOT OLD.revoked_at AND OLD.revoked_at IS NOT NULL
  OR coalesce(NEW.expires_at > OLD.expires_at, OLD.expires_at IS NOT NULL AND NEW.expires_at IS NULL)
BEGIN
    SELECT RAISE(ABORT, 'a token never changes, and what ended it stays');
END;

CREATE TRIGGER callers_made AFTER INSERT ON callers
BEGIN
    INSERT INTO callers_edition VALUES (1, 1) ON CONFLICT DO UPDATE SET number = number + 1;
END;

CREATE TRIGGER callers_changed AFTER UPDATE ON callers
BEGIN
    INSERT INTO callers_edition VALUES (1, 1) ON CONFLICT DO UPDATE SET number = number + 1;
END;

CREATE TRIGGER tokens_made AFTER INSERT ON tokens
BEGIN
    INSERT INTO callers_edition VALUES (1, 1) ON CONFLICT DO UPDATE SET number = number + 1;
END;

-- A use is no change.
CREATE TRIGGER tokens_changed AFTER UPDATE OF expires_at, revoked_at ON tokens
BEGIN
    INSERT INTO callers_edition VALUES (1, 1) ON CONFLICT DO UPDATE SET number = number + 1;
END;

CREATE TRIGGER tokens_forgotten AFTER DELETE ON tokens
BEGIN
    INSERT INTO callers_edition VALUES (1, 1) ON CONFLICT DO UPDATE SET number = number + 1;
END;

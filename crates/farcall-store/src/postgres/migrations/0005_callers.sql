-- Named callers, and the tokens by which they are known.

CREATE TABLE callers (
    name text PRIMARY KEY
        CONSTRAINT "a caller is named by a-z, 0-9, _ and -, a letter or digit first"
        CHECK (name ~ '^[a-z0-9][a-z0-9_-]{0,63}$'),
    -- Names of scopes, as a list.
    scopes json NOT NULL
        CONSTRAINT "scopes are a list as JSON"
        CHECK (json_typeof(scopes) = 'array'),
    -- What its tools are called or begin with, as a list; all of them where there is none.
    tools json
        CONSTRAINT "tools are a list as JSON"
        CHECK (json_typeof(tools) = 'array'),
    -- How many of its jobs may wait or run at any moment.
    max_open_jobs bigint
        CONSTRAINT "a caller may have a job"
        CHECK (max_open_jobs >= 1),
    created_at bigint NOT NULL
);

CREATE TABLE tokens (
    id text PRIMARY KEY
        CONSTRAINT "a token is known by 12 of a-z and 0-9"
        CHECK (id ~ '^[a-z0-9]{12}$'),
    caller text NOT NULL REFERENCES callers (name),
    -- SHA-256 of all of it.
    digest bytea NOT NULL
        CONSTRAINT "a digest has 32 bytes"
        CHECK (octet_length(digest) = 32),
    created_at bigint NOT NULL,
    -- When it ends by itself, and when somebody ended it.
    expires_at bigint,
    revoked_at bigint,
    last_used_at bigint
);

CREATE INDEX tokens_of_callers ON tokens (caller, created_at);

-- Another number after every change, for those who keep all of it in memory.
CREATE TABLE callers_edition (
    one integer PRIMARY KEY CHECK (one = 1),
    number bigint NOT NULL
);

CREATE TRIGGER callers_stay BEFORE DELETE ON callers FOR EACH ROW
EXECUTE FUNCTION farcall_refuse('a caller keeps its name, and with it its jobs');

CREATE TRIGGER callers_keep_their_names BEFORE UPDATE ON callers FOR EACH ROW
WHEN ((NEW.name, NEW.created_at) <> (OLD.name, OLD.created_at))
EXECUTE FUNCTION farcall_refuse('a caller keeps its name, and with it its jobs');

CREATE TRIGGER tokens_never_come_back BEFORE UPDATE ON tokens FOR EACH ROW
WHEN ((NEW.id, NEW.caller, NEW.digest, NEW.created_at)
      <> (OLD.id, OLD.caller, OLD.digest, OLD.created_at)
   OR NEW.revoked_at IS DISTINCT FROM OLD.revoked_at AND OLD.revoked_at IS NOT NULL
   OR coalesce(NEW.expires_at > OLD.expires_at, OLD.expires_at IS NOT NULL AND NEW.expires_at IS NULL))
EXECUTE FUNCTION farcall_refuse('a token never changes, and what ended it stays');

CREATE FUNCTION farcall_new_edition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO callers_edition AS edition VALUES (1, 1)
    ON CONFLICT (one) DO UPDATE SET number = edition.number + 1;
    RETURN NULL;
END $$;

CREATE TRIGGER callers_changed AFTER INSERT OR UPDATE ON callers FOR EACH ROW
EXECUTE FUNCTION farcall_new_edition();

-- A use is no change.
CREATE TRIGGER tokens_changed AFTER INSERT OR DELETE OR UPDATE OF expires_at, revoked_at ON tokens
FOR EACH ROW EXECUTE FUNCTION farcall_new_edition();

-- Secrets are exchanged for others: of each name there are the newest and, for a while, the one before it.

ALTER TABLE secrets
    -- Which of its name it is, from 1; the newest has the highest.
    ADD COLUMN number bigint NOT NULL DEFAULT 1,
    -- 0 where nobody kept it.
    ADD COLUMN made_at bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT secrets_pkey,
    ADD PRIMARY KEY (name, number);

ALTER TABLE secrets
    ALTER COLUMN number DROP DEFAULT,
    ALTER COLUMN made_at DROP DEFAULT;

CREATE FUNCTION farcall_newest_secret(of_name text) RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT coalesce(max(number), 0) FROM secrets WHERE name = of_name
$$;

CREATE TRIGGER secrets_are_made_once BEFORE INSERT ON secrets FOR EACH ROW
WHEN (NEW.number <> farcall_newest_secret(NEW.name) + 1)
EXECUTE FUNCTION farcall_refuse('a secret never changes, and each is the next one of its name');

CREATE TRIGGER secrets_go_oldest_first BEFORE DELETE ON secrets FOR EACH ROW
WHEN (OLD.number >= farcall_newest_secret(OLD.name))
EXECUTE FUNCTION farcall_refuse('the newest secret of a name stays');

-- A worker may be told other programs while it runs; what it is still does not change.
DROP TRIGGER workers_identity ON workers;

CREATE TRIGGER workers_identity BEFORE UPDATE ON workers FOR EACH ROW
WHEN ((NEW.id, NEW.host, NEW.identity, NEW.slots::text, NEW.started_at)
   <> (OLD.id, OLD.host, OLD.identity, OLD.slots::text, OLD.started_at)
   OR (OLD.gone_at IS NOT NULL AND NEW.programs::text <> OLD.programs::text))
EXECUTE FUNCTION
    farcall_refuse('what a worker is does not change, nor what one knew that is gone');

-- A worker may be told other programs while it runs; what it is still does not change.
DROP TRIGGER workers_identity;

CREATE TRIGGER workers_identity BEFORE UPDATE ON workers
WHEN (NEW.id, NEW.host, NEW.identity, NEW.slots, NEW.started_at)
     <> (OLD.id, OLD.host, OLD.identity, OLD.slots, OLD.started_at)
  OR (OLD.gone_at IS NOT NULL AND NEW.programs <> OLD.programs)
BEGIN
    SELECT RAISE(ABORT, 'what a worker is does not change, nor what one knew that is gone');
END;

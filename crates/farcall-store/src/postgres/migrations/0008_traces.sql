-- Where the start of a job stood in a trace, as W3C Trace Context writes it.
ALTER TABLE jobs ADD COLUMN traceparent text
    CONSTRAINT "a place in a trace is a traceparent of version 00"
    CHECK (traceparent ~ '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$');

CREATE TRIGGER jobs_stay_in_their_trace BEFORE UPDATE OF traceparent ON jobs FOR EACH ROW
WHEN (NEW.traceparent IS DISTINCT FROM OLD.traceparent)
EXECUTE FUNCTION
    farcall_refuse('where a job stands in a trace does not change');

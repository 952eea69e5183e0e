-- Where the start of a job stood in a trace, as W3C Trace Context writes it.
ALTER TABLE jobs ADD COLUMN traceparent TEXT
    CONSTRAINT "a place in a trace is a traceparent of version 00"
    CHECK (traceparent IS NULL
           OR (length(traceparent) = 55 AND traceparent GLOB '00-*-*-*'
               AND traceparent NOT GLOB '*[^0-9a-f-]*'));

CREATE TRIGGER jobs_stay_in_their_trace BEFORE UPDATE OF traceparent ON jobs
WHEN NEW.traceparent IS NOT OLD.traceparent
BEGIN
    SELECT RAISE(ABORT, 'where a job stands in a trace does not change');
END;

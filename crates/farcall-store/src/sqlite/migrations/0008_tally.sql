-- How many jobs have failed is asked every few seconds by whoever watches; of the others there are indexes.
CREATE INDEX jobs_failed ON jobs (expires_at) WHERE state = 'failed';

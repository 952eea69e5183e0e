-- Jobs in every state, through the transitions that the first version allows.
INSERT INTO jobs (id, owner, job, fingerprint, state, stage, total_stages, message, epoch,
                  attempt, losses, restarts, created_at)
VALUES
    (replace(hex(zeroblob(16)), '0', 'a'), 'alice', 'render', 'f1', 'queued', 0, 3, 'queued', 0, 0, 0, 0, 1001),
    (replace(hex(zeroblob(16)), '0', 'b'), 'alice', 'render', 'f1', 'queued', 0, 3, 'queued', 0, 0, 0, 0, 1002),
    (replace(hex(zeroblob(16)), '0', 'c'), 'alice', 'render', 'f1', 'queued', 0, 3, 'queued', 0, 0, 0, 0, 1003),
    (replace(hex(zeroblob(16)), '0', 'd'), 'alice', 'render', 'f1', 'queued', 0, 3, 'queued', 0, 0, 0, 0, 1004),
    (replace(hex(zeroblob(16)), '0', 'e'), 'alice', 'render', 'f1', 'queued', 0, 3, 'queued', 0, 0, 0, 0, 1005);

INSERT INTO arguments (job, value)
SELECT sequence, '{"frames": ' || sequence || '}' FROM jobs;

UPDATE jobs SET state = 'running', epoch = 1, attempt = 1, started_at = 1500
WHERE id NOT LIKE 'c%';

-- This one has lost a worker, and has another.
UPDATE jobs SET state = 'queued', losses = 1 WHERE id LIKE 'e%';
UPDATE jobs SET state = 'running', epoch = 2, attempt = 2 WHERE id LIKE 'e%';

INSERT INTO checkpoints (job, stage, value)
SELECT sequence, 2, '["x"]' FROM jobs WHERE id LIKE 'd%';
UPDATE jobs SET stage = 2 WHERE id LIKE 'd%';

INSERT INTO artifacts (job, position, name, epoch, size, sha256, media_type, location, state)
SELECT sequence, 0, 'notes.txt', 1, 3, replace(hex(zeroblob(32)), '0', 'a'), 'text/plain',
       'd/1-notes.txt', 'staged'
FROM jobs WHERE id LIKE 'd%';
INSERT INTO artifacts (job, position, name, epoch, size, sha256, media_type, location, state)
SELECT sequence, 0, 'film.gif', 1, 3, replace(hex(zeroblob(32)), '0', 'a'), 'image/gif',
       'a/1-film.gif', 'staged'
FROM jobs WHERE id LIKE 'a%';

UPDATE jobs SET state = 'succeeded', stage = 3, message = 'done', result = '{"frames": 48}',
                finished_at = 2000, expires_at = 90000
WHERE id LIKE 'a%';
UPDATE artifacts SET state = 'published'
WHERE job = (SELECT sequence FROM jobs WHERE id LIKE 'a%');
UPDATE jobs SET state = 'failed', error_code = 'user_error', error_message = 'no such scene',
                finished_at = 2000, expires_at = 90000
WHERE id LIKE 'b%';

INSERT INTO secrets (name, value)
VALUES ('links', x'0707070707070707070707070707070707070707070707070707070707070707');

-- put check --
INSERT INTO checks (name, family, memory, state) VALUES (:name, '', :memory, :state)
ON CONFLICT (name) DO UPDATE SET memory = excluded.memory, state = excluded.state;

-- put source --
INSERT INTO sources (name, memory) VALUES (:name, :memory)
ON CONFLICT (name) DO UPDATE SET memory = excluded.memory;

-- put manifest --
INSERT OR IGNORE INTO manifests (digest, source, day, complete, finished_at, blob, body)
VALUES (:digest, :source, :day, :complete, :finished_at, :blob, :body);

-- put blob --
INSERT INTO blobs (digest, source, size_bytes, first_at, last_at) VALUES (:blob, :source, :size_bytes, :finished_at, :finished_at)
ON CONFLICT (digest) DO UPDATE SET last_at = max (last_at, excluded.last_at), tombstoned_at = NULL;

-- pin --
UPDATE blobs SET pinned = :why
WHERE pinned IS NULL AND digest IN (SELECT blob FROM manifests WHERE digest IN (SELECT value FROM json_each (:manifests)));

-- put event --
INSERT INTO events (at, kind, what, text, state, who) VALUES (?, ?, ?, ?, ?, ?);

-- forget events --
-- The latest 200 stay however old they are.
DELETE FROM events
WHERE id <= (SELECT max (id) FROM events) - 200
  AND (at < :before OR id <= (SELECT max (id) FROM events) - :most);

-- events --
SELECT at, kind, what, text, state, who FROM events ORDER BY id DESC LIMIT 200;

-- checks --
SELECT name, memory FROM checks WHERE memory IS NOT NULL ORDER BY name;

-- sources --
SELECT name, memory FROM sources ORDER BY name;

-- check --
SELECT id, judged_at, state FROM checks WHERE name = ?;

-- judged --
UPDATE checks SET judged_at = :at WHERE id = :check;

-- put run --
INSERT OR REPLACE INTO runs (check_id, at, verdict, read, passed, failed, unknown)
VALUES (:check, :at, :verdict, :read, :passed, :failed, :unknown);

-- forget runs --
DELETE FROM runs WHERE check_id = :check AND at < :before;

-- roll up --
INSERT INTO rollup (check_id, day, held, conclusive, first_at, last_at, longest_gap, lapses_kept)
VALUES (:check, :day, 1, :conclusive, :at, :at, :gap, 1)
ON CONFLICT (check_id, day) DO UPDATE SET
  held = held + 1, conclusive = conclusive + excluded.conclusive,
  last_at = max (last_at, excluded.last_at), longest_gap = max (longest_gap, excluded.longest_gap);

-- put lapse --
INSERT OR REPLACE INTO lapses (check_id, day, began_at, ended_at) VALUES (:check, :day, :at - :gap, :at);

-- put transition --
INSERT OR REPLACE INTO transitions (check_id, at, state, verdict, passed, warned, failed, unknown, missing, evidence)
SELECT :check, :at, :state, :verdict, :passed, :warned, :failed, :unknown, :missing, :evidence
WHERE NOT EXISTS (
  SELECT 1 FROM (SELECT * FROM transitions WHERE check_id = :check ORDER BY at DESC LIMIT 1)
  WHERE state IS :state AND verdict IS :verdict
    AND passed = :passed AND warned = :warned AND failed = :failed AND unknown = :unknown AND missing IS :missing
);

-- chain end --
SELECT seq, hash FROM chain ORDER BY seq DESC LIMIT 1;

-- put link --
INSERT INTO chain (seq, prev, hash, kind, at, body) VALUES (?, ?, ?, ?, ?, ?);

-- put meta --
INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value;

-- put meta once --
INSERT OR IGNORE INTO meta (key, value) VALUES (?, ?);

-- drop meta --
DELETE FROM meta WHERE key = ?;

-- meta --
SELECT value FROM meta WHERE key = ?;

-- chain --
SELECT seq, prev, hash, kind, at, CAST(body AS BLOB) FROM chain WHERE seq > ? ORDER BY seq LIMIT ?;

-- chain of kind --
SELECT CAST(body AS BLOB) FROM chain WHERE kind = ? ORDER BY seq;

-- chain of breaks --
SELECT seq, prev, hash, kind, at, CAST(body AS BLOB) FROM chain WHERE kind IN (?, ?) ORDER BY seq;

-- chained at --
SELECT at FROM chain ORDER BY seq DESC LIMIT 1;

-- waivable --
-- What a waiver may cover: as the comparison waives it.
SELECT s.subject, s.label
FROM findings AS f JOIN subjects AS s ON s.hash = f.subject
WHERE f.check_id = (SELECT id FROM checks WHERE name = ?) AND (f.outcome = 'fail' OR f.alarm IS NOT NULL)
  AND f.resolved_at IS NULL AND f.retired_at IS NULL;

-- note retired --
INSERT OR REPLACE INTO history (finding, at, what, outcome, reason)
SELECT id, :now, 'retired', outcome, reason FROM findings
WHERE resolved_at IS NULL AND retired_at IS NULL
  AND (check_id IN (SELECT id FROM checks WHERE name IN (SELECT value FROM json_each (:checks)))
    OR source IN (SELECT value FROM json_each (:sources)));

-- retire findings --
UPDATE findings SET retired_at = :now, waiver = NULL, waiver_starts = NULL, waiver_ends = NULL
WHERE resolved_at IS NULL AND retired_at IS NULL
  AND (check_id IN (SELECT id FROM checks WHERE name IN (SELECT value FROM json_each (:checks)))
    OR source IN (SELECT value FROM json_each (:sources)));

-- retire passers --
-- Nobody watches them any more: what passed once would prove no loss.
DELETE FROM passers
WHERE check_id IN (SELECT id FROM checks WHERE name IN (SELECT value FROM json_each (:checks)))
  OR source IN (SELECT value FROM json_each (:sources));

-- retire turns --
-- It holds no state from now on.
INSERT OR REPLACE INTO transitions (check_id, at, state, verdict, passed, warned, failed, unknown)
SELECT id, :now, NULL, NULL, 0, 0, 0, 0 FROM checks
WHERE name IN (SELECT value FROM json_each (:checks)) AND id IN (SELECT check_id FROM transitions);

-- retire checks --
UPDATE checks SET memory = NULL, state = NULL WHERE name IN (SELECT value FROM json_each (:checks));

-- retire sources --
DELETE FROM sources WHERE name IN (SELECT value FROM json_each (:sources));

-- ack --
UPDATE findings SET ack = :note, ack_by = :by, ack_at = :now
WHERE id = :finding AND resolved_at IS NULL AND retired_at IS NULL
RETURNING subject, outcome, reason, (SELECT name FROM checks WHERE id = check_id);

-- note ack --
INSERT OR REPLACE INTO history (finding, at, what, outcome, reason) VALUES (:finding, :now, 'acknowledged', :outcome, :reason);

-- forget subject --
UPDATE subjects SET subject = 'forgotten:' || lower (hex (hash)), label = 'forgotten' WHERE hash = ?;

-- forget facts --
UPDATE findings SET facts = '{}', mark = NULL, alarm_mark = NULL, ack = iif (ack IS NULL, NULL, ''), ack_by = NULL WHERE subject = ?;

-- forget passer --
DELETE FROM passers WHERE subject = ?;

-- blobs of source --
SELECT digest FROM blobs WHERE source = ? AND tombstoned_at IS NULL ORDER BY digest;

-- tombstone --
UPDATE blobs SET tombstoned_at = ? WHERE digest = ? AND tombstoned_at IS NULL;

-- rename check --
UPDATE checks SET name = :to, memory = json_set(memory, '$.name', :to)
WHERE name = :check AND NOT EXISTS (SELECT 1 FROM checks WHERE name = :to AND memory IS NOT NULL);

-- forget name --
UPDATE checks SET name = name || '~' || id WHERE name = :to AND memory IS NULL;

-- tables --
CREATE TEMP TABLE mark (row INTEGER PRIMARY KEY, mark BLOB NOT NULL);
CREATE TEMP TABLE held (subject BLOB NOT NULL);
CREATE TEMP TABLE candidate (row INTEGER NOT NULL); -- staged, and not open as it stands
CREATE TEMP TABLE absent (finding INTEGER PRIMARY KEY); -- open, and not staged as it stands
CREATE TEMP TABLE change (
  subject BLOB NOT NULL,
  name TEXT NOT NULL,
  label TEXT NOT NULL,
  source TEXT NOT NULL,
  outcome TEXT NOT NULL,
  reason TEXT NOT NULL,
  facts TEXT NOT NULL,
  cause TEXT,
  urgent INTEGER NOT NULL,
  mark BLOB NOT NULL
);
CREATE TEMP TABLE delta (
  subject BLOB PRIMARY KEY,
  what TEXT NOT NULL,
  outcome TEXT NOT NULL,
  reason TEXT NOT NULL
) WITHOUT ROWID;

-- add mark --
INSERT INTO temp.mark (mark, row) VALUES (?, ?);

-- add held --
INSERT INTO temp.held (subject) VALUES (?);

-- index marks --
CREATE INDEX temp.mark_by_mark ON mark (mark);

-- index held --
CREATE INDEX temp.held_by_subject ON held (subject);

-- name check --
INSERT INTO checks (name, family) VALUES (:name, :family)
ON CONFLICT (name) DO UPDATE SET family = excluded.family WHERE family <> excluded.family;

-- check id --
SELECT id FROM checks WHERE name = ?;

-- open marks --
SELECT id, mark FROM findings INDEXED BY findings_mark
WHERE check_id = :check AND resolved_at IS NULL AND retired_at IS NULL;

-- add candidate --
INSERT INTO temp.candidate (row) VALUES (?);

-- add absent --
INSERT INTO temp.absent (finding) VALUES (?);

-- find absent --
INSERT INTO temp.absent (finding)
SELECT f.id FROM findings AS f INDEXED BY findings_mark
WHERE f.check_id = :check AND f.resolved_at IS NULL AND f.retired_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM temp.mark AS m WHERE m.mark = f.mark);

-- find candidates --
INSERT INTO temp.candidate (row)
SELECT m.row FROM temp.mark AS m
WHERE NOT EXISTS (
  SELECT 1 FROM findings AS f INDEXED BY findings_mark
  WHERE f.check_id = :check AND f.mark = m.mark AND f.resolved_at IS NULL AND f.retired_at IS NULL
)
ORDER BY m.mark;

-- candidates --
SELECT row FROM temp.candidate ORDER BY row;

-- add change --
INSERT INTO temp.change (subject, name, label, source, outcome, reason, facts, cause, urgent, mark)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- index changes --
CREATE INDEX temp.change_by_subject ON change (subject);

-- drop repeated --
-- Of a subject that was staged twice the worst stands, whatever came first.
DELETE FROM temp.change WHERE EXISTS (
  SELECT 1 FROM temp.change AS worse
  WHERE worse.subject = change.subject AND worse.rowid <> change.rowid
    AND (worse.outcome, -worse.urgent, worse.reason, worse.facts, worse.mark, worse.rowid)
      < (change.outcome, -change.urgent, change.reason, change.facts, change.mark, change.rowid)
);

-- drop lesser --
-- The same, where the worse of the two is the one that is already stored.
DELETE FROM temp.change WHERE EXISTS (
  SELECT 1 FROM findings AS f
  WHERE f.check_id = :check AND f.subject = change.subject AND f.resolved_at IS NULL AND f.retired_at IS NULL
    AND (f.outcome, -f.urgent, f.reason, f.facts, f.mark)
      < (change.outcome, -change.urgent, change.reason, change.facts, change.mark)
    AND f.id NOT IN (SELECT finding FROM temp.absent)
);

-- drop present --
-- What was staged otherwise than it stood is not absent.
DELETE FROM temp.absent WHERE EXISTS (
  SELECT 1 FROM findings AS f JOIN temp.change AS c ON c.subject = f.subject WHERE f.id = absent.finding
);

-- name subjects --
INSERT INTO subjects (hash, subject, label)
SELECT subject, name, label FROM temp.change WHERE true ORDER BY subject
ON CONFLICT (hash) DO UPDATE SET label = excluded.label WHERE label <> excluded.label;

-- note changes --
INSERT INTO temp.delta (subject, what, outcome, reason)
SELECT
  c.subject,
  CASE
    WHEN f.id IS NULL THEN 'opened'
    WHEN f.resolved_at IS NOT NULL THEN 'regressed'
    WHEN f.retired_at IS NOT NULL THEN 'returned'
    ELSE 'changed'
  END,
  c.outcome,
  c.reason
FROM temp.change AS c
LEFT JOIN findings AS f ON f.check_id = :check AND f.subject = c.subject
WHERE f.id IS NULL OR f.resolved_at IS NOT NULL OR f.retired_at IS NOT NULL
  OR f.outcome <> c.outcome OR f.reason <> c.reason OR f.cause IS NOT c.cause OR f.urgent <> c.urgent
ORDER BY c.subject;

-- put findings --
-- A finding that comes back keeps its id; a new opening has its own due date and is not yet acknowledged.
INSERT INTO findings (
  check_id, subject, source, outcome, reason, facts, cause, urgent, mark, first_seen, opened_at, due
)
SELECT :check, subject, source, outcome, reason, facts, cause, urgent, mark, :now, :now, :due FROM temp.change
WHERE true ORDER BY subject
ON CONFLICT (check_id, subject) DO UPDATE SET
  source = excluded.source, outcome = excluded.outcome, reason = excluded.reason, facts = excluded.facts,
  cause = excluded.cause, urgent = excluded.urgent, mark = excluded.mark,
  opened_at = iif (resolved_at IS NULL, opened_at, excluded.opened_at),
  due = iif (resolved_at IS NULL, due, excluded.due),
  regressions = regressions + (resolved_at IS NOT NULL),
  ack = iif (resolved_at IS NULL, ack, NULL),
  ack_by = iif (resolved_at IS NULL, ack_by, NULL),
  ack_at = iif (resolved_at IS NULL, ack_at, NULL),
  resolved_at = NULL,
  retired_at = NULL;

-- note resolved --
INSERT INTO temp.delta (subject, what, outcome, reason)
SELECT f.subject, 'resolved', f.outcome, f.reason
FROM temp.absent AS a JOIN findings AS f ON f.id = a.finding
WHERE NOT EXISTS (SELECT 1 FROM temp.held AS h WHERE h.subject = f.subject)
ORDER BY f.subject;

-- resolve --
UPDATE findings SET resolved_at = :now, waiver = NULL, waiver_ends = NULL
WHERE check_id = :check AND subject IN (SELECT subject FROM temp.delta WHERE what = 'resolved');

-- write history --
INSERT OR REPLACE INTO history (finding, at, what, outcome, reason)
SELECT f.id, :now, d.what, d.outcome, d.reason
FROM temp.delta AS d JOIN findings AS f ON f.check_id = :check AND f.subject = d.subject;

-- count changes --
SELECT what, outcome, count(*) FROM temp.delta GROUP BY what, outcome;

-- changes --
SELECT subject, what, outcome FROM temp.delta ORDER BY subject;

-- was waived --
SELECT EXISTS (SELECT 1 FROM findings WHERE check_id = :check AND waiver IS NOT NULL);

-- failing --
SELECT f.id, s.subject, s.label, f.waiver, f.waiver_ends
FROM findings AS f JOIN subjects AS s ON s.hash = f.subject
WHERE f.check_id = :check AND f.outcome = 'fail' AND f.resolved_at IS NULL AND f.retired_at IS NULL;

-- waive --
UPDATE findings SET waiver = ?, waiver_ends = ? WHERE id = ?;

-- end waivers --
UPDATE findings SET waiver = NULL, waiver_ends = NULL
WHERE check_id = :check AND waiver IS NOT NULL AND (outcome <> 'fail' OR resolved_at IS NOT NULL);

-- count waived --
-- Only failures of this judgement count: one that is held, or that a partial collection did not show, is not in its tally.
SELECT count(*), min(f.waiver_ends) FROM findings AS f INDEXED BY findings_waived
WHERE f.check_id = :check AND f.waiver IS NOT NULL AND f.outcome = 'fail'
  AND f.resolved_at IS NULL AND f.retired_at IS NULL
  AND f.id NOT IN (SELECT finding FROM temp.absent);

-- count undue --
SELECT count(*), min(f.due) FROM findings AS f INDEXED BY findings_due
WHERE f.check_id = :check AND f.due IS NOT NULL AND f.due > :now AND f.waiver IS NULL AND f.outcome = 'fail'
  AND f.resolved_at IS NULL AND f.retired_at IS NULL
  AND f.id NOT IN (SELECT finding FROM temp.absent);

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
  mark BLOB NOT NULL,
  alarm TEXT,
  alarm_mark BLOB
);
CREATE TEMP TABLE passer (subject BLOB PRIMARY KEY, source TEXT NOT NULL) WITHOUT ROWID;
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

-- add passer --
INSERT OR IGNORE INTO temp.passer (subject, source) VALUES (?, ?);

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
INSERT INTO temp.change (subject, name, label, source, outcome, reason, facts, cause, urgent, mark, alarm, alarm_mark)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

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
ON CONFLICT (hash) DO UPDATE SET subject = excluded.subject, label = excluded.label
WHERE label <> excluded.label OR subject <> excluded.subject;

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

-- put alarms --
-- An alarm stays as it was raised while its finding is unknown, or fails for the same; a loss stays while it fails at all.
-- What was resolved has lost it, so what comes back raises it anew.
UPDATE findings SET
  alarm = c.alarm,
  alarm_mark = c.alarm_mark,
  alarmed_at = CASE
    WHEN c.alarm IS NULL THEN NULL
    WHEN findings.alarm IS c.alarm AND coalesce (findings.alarm_mark, c.alarm_mark) IS c.alarm_mark THEN alarmed_at
    ELSE :now
  END
FROM temp.change AS c
WHERE findings.check_id = :check AND findings.subject = c.subject AND c.outcome <> 'unknown'
  AND NOT (c.outcome = 'fail' AND c.alarm IS NULL AND findings.alarm IS :loses);

-- note resolved --
INSERT INTO temp.delta (subject, what, outcome, reason)
SELECT f.subject, 'resolved', f.outcome, f.reason
FROM temp.absent AS a JOIN findings AS f ON f.id = a.finding
WHERE NOT EXISTS (SELECT 1 FROM temp.held AS h WHERE h.subject = f.subject)
ORDER BY f.subject;

-- resolve --
UPDATE findings SET
  resolved_at = :now, waiver = NULL, waiver_starts = NULL, waiver_ends = NULL, alarm = NULL, alarm_mark = NULL, alarmed_at = NULL
WHERE check_id = :check AND subject IN (SELECT subject FROM temp.delta WHERE what = 'resolved');

-- forget departed --
DELETE FROM passers WHERE check_id = :check AND gone_at < :departed;

-- remember lost --
-- Who had lost it and left with the loss still open has not won it back by leaving.
INSERT INTO passers (check_id, subject, source, gone_at)
SELECT :check, f.subject, f.source, :now
FROM temp.absent AS a JOIN findings AS f ON f.id = a.finding
WHERE f.alarm = :loses
  AND NOT EXISTS (SELECT 1 FROM temp.held AS h WHERE h.subject = f.subject)
  AND NOT EXISTS (SELECT 1 FROM temp.passer AS p WHERE p.subject = f.subject)
ON CONFLICT (check_id, subject) DO NOTHING;

-- raise lost --
UPDATE findings SET alarm = :loses, alarm_mark = NULL, alarmed_at = :now
WHERE check_id = :check AND outcome = 'fail' AND resolved_at IS NULL AND retired_at IS NULL
  AND subject IN (SELECT subject FROM passers WHERE check_id = :check)
  AND id NOT IN (SELECT finding FROM temp.absent);

-- forget failed --
DELETE FROM passers
WHERE check_id = :check AND EXISTS (
  SELECT 1 FROM findings AS f
  WHERE f.check_id = :check AND f.subject = passers.subject AND f.outcome = 'fail'
    AND f.resolved_at IS NULL AND f.retired_at IS NULL
    AND f.id NOT IN (SELECT finding FROM temp.absent)
);

-- remember passers --
INSERT INTO passers (check_id, subject, source)
SELECT :check, p.subject, p.source FROM temp.passer AS p
WHERE NOT EXISTS (
    SELECT 1 FROM passers AS known WHERE known.check_id = :check AND known.subject = p.subject AND known.gone_at IS NULL
  )
  AND NOT EXISTS (
    SELECT 1 FROM findings AS f
    WHERE f.check_id = :check AND f.subject = p.subject AND f.outcome = 'fail'
      AND f.resolved_at IS NULL AND f.retired_at IS NULL
      AND f.id NOT IN (SELECT finding FROM temp.absent)
  )
ON CONFLICT (check_id, subject) DO UPDATE SET gone_at = NULL;

-- note back --
-- Whoever is shown again, and cannot be judged, is not gone.
UPDATE passers SET gone_at = NULL
WHERE check_id = :check AND gone_at IS NOT NULL AND (
  EXISTS (SELECT 1 FROM temp.held AS h WHERE h.subject = passers.subject)
  OR EXISTS (
    SELECT 1 FROM findings AS f
    WHERE f.check_id = :check AND f.subject = passers.subject AND f.resolved_at IS NULL AND f.retired_at IS NULL
  )
);

-- note gone --
-- Whom a complete population does not show any more, or has put out of scope, may come back without what it had.
UPDATE passers SET gone_at = :now
WHERE check_id = :check AND gone_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM temp.passer AS p WHERE p.subject = passers.subject)
  AND NOT EXISTS (SELECT 1 FROM temp.held AS h WHERE h.subject = passers.subject)
  AND NOT EXISTS (
    SELECT 1 FROM findings AS f
    WHERE f.check_id = :check AND f.subject = passers.subject AND f.resolved_at IS NULL AND f.retired_at IS NULL
  );

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
-- What raised an alarm and is unknown since is waived like a failure.
SELECT f.id, s.subject, s.label, f.waiver, f.waiver_starts, f.waiver_ends
FROM findings AS f JOIN subjects AS s ON s.hash = f.subject
WHERE f.check_id = :check AND (f.outcome = 'fail' OR f.alarm IS NOT NULL)
  AND f.resolved_at IS NULL AND f.retired_at IS NULL;

-- waive --
UPDATE findings SET waiver = ?, waiver_starts = ?, waiver_ends = ? WHERE id = ?;

-- end waivers --
UPDATE findings SET waiver = NULL, waiver_starts = NULL, waiver_ends = NULL
WHERE check_id = :check AND waiver IS NOT NULL
  AND (outcome <> 'fail' AND alarm IS NULL OR resolved_at IS NOT NULL);

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

-- count alarms --
-- Whatever is open, failing or unknown since: an alarm does not end because a source tells less. A waiver covers the
-- events from before it began, uses and losses: those that come later nobody has accepted. A condition it covers throughout.
SELECT alarm, count(*), max(alarmed_at) FROM findings INDEXED BY findings_alarmed
WHERE check_id = :check AND alarm IS NOT NULL AND (waiver IS NULL OR alarmed_at > waiver_starts AND (:events OR alarm IS :loses))
  AND resolved_at IS NULL AND retired_at IS NULL
GROUP BY alarm;

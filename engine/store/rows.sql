-- columns --
f.id, c.name, c.family, s.subject, s.label, f.outcome, f.reason, f.facts, f.cause, f.opened_at, f.due, f.resolved_at,
f.regressions, iif (f.waiver_ends > :now, f.waiver, NULL), f.ack, f.urgent, f.alarm IS NOT NULL,
f.ack_by

-- page --
-- The page is found on an index first; names and facts are looked up for its rows alone.
WITH page AS MATERIALIZED (
  SELECT f.id FROM {tables}
  WHERE {where}
  ORDER BY {order} LIMIT :limit OFFSET :offset
)
SELECT {columns}
FROM page
CROSS JOIN findings AS f ON f.id = page.id
CROSS JOIN checks AS c ON c.id = f.check_id
CROSS JOIN subjects AS s ON s.hash = f.subject
ORDER BY {shown};

-- these --
SELECT {columns}
FROM json_each (:ids) AS listed
CROSS JOIN findings AS f ON f.id = listed.value
CROSS JOIN checks AS c ON c.id = f.check_id
CROSS JOIN subjects AS s ON s.hash = f.subject
ORDER BY listed.key;

-- row --
SELECT {columns}
FROM findings AS f JOIN checks AS c ON c.id = f.check_id JOIN subjects AS s ON s.hash = f.subject
WHERE f.id = :id;

-- some --
SELECT count(*), json_group_array (f.id) FROM {tables} WHERE {where};

-- listed --
-- In one piece, since a reader that hands over a row at a time waits for Python as often. SQLite keeps the order of
-- what is gathered by anything but count, min and max; with a bound it would keep it slowly.
SELECT json_group_array (id) FROM ({these});

-- order --
SELECT f.id AS id
FROM json_each (:ids) AS listed
CROSS JOIN findings AS f ON f.id = listed.value
CROSS JOIN checks AS c ON c.id = f.check_id
CROSS JOIN subjects AS s ON s.hash = f.subject
ORDER BY {order}

-- all in order --
SELECT f.id AS id FROM {tables} WHERE {where} ORDER BY {order}

-- tables in order --
findings AS f {hint}

-- tables in order by check --
findings AS f {hint} CROSS JOIN checks AS c ON c.id = f.check_id

-- tables in order by label --
findings AS f {hint} CROSS JOIN subjects AS s ON s.hash = f.subject

-- count --
SELECT count(*) FROM {tables} WHERE {where};

-- count with first --
-- And what the clock takes away first.
SELECT count(*), {first} FROM {tables} WHERE {where};

-- first new --
min (f.opened_at)

-- first waived --
min (f.waiver_ends)

-- count to --
SELECT count(*) FROM (SELECT 1 FROM {tables} WHERE {where} LIMIT :most);

-- sample --
-- They lie in the order of keyed hashes, so that the first ones are any.
SELECT avg ({among}), avg ({besides}) FROM (SELECT label, subject FROM subjects LIMIT :sample) AS s;

-- elsewhere --
SELECT EXISTS (SELECT 1 FROM checks WHERE {is name})
OR EXISTS (SELECT 1 FROM ({reasons}) WHERE {is reason})

-- that --
SELECT f.id, f.waived, f.outcome, f.urgent, f.opened_at, f.reason, f.source, s.label, c.name
FROM findings AS f JOIN checks AS c ON c.id = f.check_id JOIN subjects AS s ON s.hash = f.subject
WHERE f.id = :around;

-- beside --
SELECT f.id FROM {tables} WHERE {where} AND {way} ORDER BY {order} LIMIT :count

-- holds --
SELECT 1 FROM {tables} WHERE {where} AND f.id = :around;

-- place --
-- Each way of coming before it is a piece of the index.
WITH that AS MATERIALIZED (
  SELECT f.*, s.label AS label, c.name AS name
  FROM findings AS f JOIN checks AS c ON c.id = f.check_id JOIN subjects AS s ON s.hash = f.subject
  WHERE f.id = :around
)
SELECT sum (count) FROM (
  {ways}
);

-- way --
SELECT count(*) AS count FROM that CROSS JOIN {tables} WHERE {where} AND {way}

-- place by label --
-- Findings lie in the order of the keyed hashes of their subjects, and so do the subjects: both are read through once.
SELECT count(*) FROM findings AS f INDEXED BY findings_subject CROSS JOIN subjects AS s ON s.hash = f.subject
WHERE {where} AND ({way});

-- tables among --
findings AS f {hint}

-- tables of subjects --
subjects AS s CROSS JOIN findings AS f INDEXED BY findings_subject ON f.subject = s.hash

-- tables of these --
json_each (:these) AS listed CROSS JOIN findings AS f ON f.id = listed.value
CROSS JOIN checks AS c ON c.id = f.check_id CROSS JOIN subjects AS s ON s.hash = f.subject

-- tables --
findings AS f {along}

-- tables with names --
findings AS f {along} CROSS JOIN checks AS c ON c.id = f.check_id CROSS JOIN subjects AS s ON s.hash = f.subject

-- tables by check --
-- What narrows the checks is left to the findings, or they would be sorted.
checks AS c CROSS JOIN findings AS f {along} ON f.check_id = +c.id

-- tables by check with names --
checks AS c CROSS JOIN findings AS f {along} ON f.check_id = +c.id CROSS JOIN subjects AS s ON s.hash = f.subject

-- tables by open label --
subjects AS s INDEXED BY subjects_label CROSS JOIN findings AS f INDEXED BY findings_subject ON f.subject = s.hash

-- tables by open label with names --
subjects AS s INDEXED BY subjects_label CROSS JOIN findings AS f INDEXED BY findings_subject ON f.subject = s.hash
CROSS JOIN checks AS c ON c.id = f.check_id

-- tables by label --
subjects AS s INDEXED BY subjects_label CROSS JOIN checks AS c CROSS JOIN findings AS f ON f.check_id = c.id AND f.subject = s.hash

-- along worst --
INDEXED BY findings_worst

-- along since --
INDEXED BY findings_since

-- along check --
INDEXED BY findings_check

-- along source --
INDEXED BY findings_source

-- along reason --
INDEXED BY findings_reason

-- among open --
INDEXED BY findings_subject

-- all all --
NOT INDEXED

-- all new --
INDEXED BY findings_since

-- all waived --
INDEXED BY findings_waived

-- all resolved --
INDEXED BY findings_resolved

-- view open --
f.resolved_at IS NULL AND f.retired_at IS NULL

-- view all --
f.retired_at IS NULL

-- view new --
f.resolved_at IS NULL AND f.retired_at IS NULL AND f.opened_at >= :day_ago

-- view waived --
f.resolved_at IS NULL AND f.retired_at IS NULL AND f.waiver IS NOT NULL AND f.waiver_ends > :now

-- view resolved --
f.resolved_at IS NOT NULL AND f.retired_at IS NULL

-- in check --
f.check_id = (SELECT id FROM checks WHERE name = :check)

-- in family --
f.check_id IN (SELECT id FROM checks WHERE family = :family)

-- checks of family --
SELECT id FROM checks WHERE family = :family LIMIT 2;

-- in the only check --
-- Where a family has one check, telling its number from another is quicker than looking it up in a list.
f.check_id = :only

-- of outcome --
f.outcome = :outcome

-- of outcomes --
f.outcome IN (SELECT value FROM json_each (:outcomes))

-- waived --
(f.waiver IS NOT NULL AND f.waiver_ends > :now) = :waived

-- waived or not --
-- Tells nothing; an index that begins with it is searched for an outcome all the same.
f.waived IN (0, 1)

-- due by --
f.due <= :due_by

-- of ids --
f.id IN (SELECT value FROM json_each (:ids))

-- of reason --
f.reason = :reason_is

-- in checks --
f.check_id IN (SELECT id FROM checks WHERE name IN (SELECT value FROM json_each (:checks)))

-- of source --
f.source = :source

-- words of finding --
{is c.name, f.reason, s.label, s.subject}

-- words among subjects --
-- The subjects are read once, in the order in which they lie, and not one by one for each finding.
f.check_id IN (SELECT id FROM checks WHERE {is name})
OR f.reason IN (SELECT reason FROM ({reasons}) WHERE {is reason})
OR f.subject IN (SELECT hash FROM subjects WHERE {is label, subject})

-- words by subject --
f.check_id IN (SELECT id FROM checks WHERE {is name})
OR f.reason IN (SELECT reason FROM ({reasons}) WHERE {is reason})
OR {is s.label, s.subject}

-- words of subject --
{is s.label, s.subject}

-- words among reasons --
f.reason IN (SELECT reason FROM ({reasons}) WHERE {is reason})

-- words of reason --
{is f.reason}

-- open reasons --
-- Each is found from the one before, and not by reading all findings.
WITH RECURSIVE known (reason) AS (
  SELECT min (reason) FROM findings WHERE resolved_at IS NULL AND retired_at IS NULL
  UNION ALL
  SELECT (SELECT min (reason) FROM findings WHERE resolved_at IS NULL AND retired_at IS NULL AND reason > known.reason)
  FROM known WHERE known.reason IS NOT NULL
)
SELECT reason FROM known WHERE reason IS NOT NULL

-- reasons --
SELECT DISTINCT reason FROM findings

-- sort worst --
f.waived, f.outcome, f.urgent DESC, f.opened_at, f.id

-- sort worst reverse --
f.waived DESC, f.outcome DESC, f.urgent, f.opened_at DESC, f.id DESC

-- sort label --
s.label COLLATE NOCASE, f.id

-- sort label reverse --
s.label COLLATE NOCASE DESC, f.id DESC

-- sort since --
f.opened_at, f.id

-- sort since reverse --
f.opened_at DESC, f.id DESC

-- sort reason --
f.reason, f.id

-- sort reason reverse --
f.reason DESC, f.id DESC

-- sort check --
c.name, f.waived, f.outcome, f.urgent DESC, f.opened_at, f.id

-- sort check reverse --
c.name DESC, f.waived DESC, f.outcome DESC, f.urgent, f.opened_at DESC, f.id DESC

-- sort source --
f.source, f.waived, f.outcome, f.urgent DESC, f.opened_at, f.id

-- sort source reverse --
f.source DESC, f.waived DESC, f.outcome DESC, f.urgent, f.opened_at DESC, f.id DESC

-- history --
SELECT h.at, h.what, h.outcome, h.reason, c.name
FROM history AS h JOIN findings AS f ON f.id = h.finding JOIN checks AS c ON c.id = f.check_id
WHERE h.finding = ?
ORDER BY h.at DESC, h.what DESC;

-- opened since --
SELECT c.name, count(*) FROM (
  SELECT check_id FROM findings WHERE opened_at >= ?1 AND resolved_at IS NULL AND retired_at IS NULL
  UNION ALL
  SELECT check_id FROM findings WHERE resolved_at >= ?1 AND opened_at >= ?1 AND retired_at IS NULL
) AS f JOIN checks AS c ON c.id = f.check_id
GROUP BY c.name;

-- resolved since --
SELECT c.name, count(*) FROM findings AS f JOIN checks AS c ON c.id = f.check_id
WHERE f.resolved_at >= ? AND f.retired_at IS NULL GROUP BY c.name;

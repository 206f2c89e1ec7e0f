-- page --
-- The page is found on an index first; names and facts are looked up for its rows alone.
WITH page AS (
  SELECT f.id FROM findings AS f {joins}
  WHERE {where}
  ORDER BY {order} LIMIT :limit OFFSET :offset
)
SELECT
  f.id, c.name, c.family, coalesce (s.subject, 'forgotten:' || lower (hex (f.subject))),
  coalesce (s.label, 'forgotten'), f.outcome, f.reason, f.facts, f.cause, f.opened_at, f.due, f.resolved_at, f.regressions,
  iif (f.waiver_ends > :now, f.waiver, NULL), f.ack, f.urgent
FROM page
JOIN findings AS f ON f.id = page.id
JOIN checks AS c ON c.id = f.check_id
LEFT JOIN subjects AS s ON s.hash = f.subject
ORDER BY {order};

-- row --
SELECT
  f.id, c.name, c.family, coalesce (s.subject, 'forgotten:' || lower (hex (f.subject))),
  coalesce (s.label, 'forgotten'), f.outcome, f.reason, f.facts, f.cause, f.opened_at, f.due, f.resolved_at, f.regressions,
  iif (f.waiver_ends > :now, f.waiver, NULL), f.ack, f.urgent
FROM findings AS f
JOIN checks AS c ON c.id = f.check_id
LEFT JOIN subjects AS s ON s.hash = f.subject
WHERE f.id = :id;

-- count --
SELECT count(*) FROM findings AS f {joins} WHERE {where};

-- join checks --
JOIN checks AS c ON c.id = f.check_id

-- join subjects --
LEFT JOIN subjects AS s ON s.hash = f.subject

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

-- of outcome --
f.outcome = :outcome

-- with word --
(coalesce (s.label, '') || ' ' || coalesce (s.subject, '') || ' ' || f.reason || ' ' || c.name) LIKE {word} ESCAPE '\'

-- without word --
(coalesce (s.label, '') || ' ' || coalesce (s.subject, '') || ' ' || f.reason || ' ' || c.name) NOT LIKE {word} ESCAPE '\'

-- sort worst --
f.outcome, f.urgent DESC, f.opened_at, f.id

-- sort worst reverse --
f.outcome DESC, f.urgent, f.opened_at DESC, f.id DESC

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
c.name, f.outcome, f.opened_at, f.id

-- sort check reverse --
c.name DESC, f.outcome DESC, f.opened_at DESC, f.id DESC

-- sort source --
f.source, f.outcome, f.opened_at, f.id

-- sort source reverse --
f.source DESC, f.outcome DESC, f.opened_at DESC, f.id DESC

-- history --
SELECT h.at, h.what, h.outcome, h.reason, c.name
FROM history AS h JOIN findings AS f ON f.id = h.finding JOIN checks AS c ON c.id = f.check_id
WHERE h.finding = ?
ORDER BY h.at DESC, h.what DESC;

-- opened since --
SELECT c.name, count(*) FROM findings AS f JOIN checks AS c ON c.id = f.check_id
WHERE f.opened_at >= ? AND f.retired_at IS NULL GROUP BY c.name;

-- resolved since --
SELECT c.name, count(*) FROM findings AS f JOIN checks AS c ON c.id = f.check_id
WHERE f.resolved_at >= ? AND f.retired_at IS NULL GROUP BY c.name;

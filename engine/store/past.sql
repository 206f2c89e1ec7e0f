-- check named --
SELECT id FROM checks WHERE name = ?;

-- held since --
SELECT max (at) FROM transitions WHERE check_id = :check AND at <= :since;

-- count turns --
SELECT count(*) FROM transitions WHERE check_id = :check AND at >= :from AND at < :until;

-- turns --
SELECT at, state, verdict, passed, warned, failed, unknown, missing, evidence FROM transitions
WHERE check_id = :check AND at >= :from AND at < :until ORDER BY at DESC;

-- thinned turns --
-- Where counts alone changed, the last of each day stands for the day; then the latest.
SELECT at, state, verdict, passed, warned, failed, unknown, missing, evidence FROM (
  SELECT *, lag (state) OVER walk AS former_state, lag (verdict) OVER walk AS former_verdict, lead (at) OVER walk AS next_at
  FROM transitions WHERE check_id = :check AND at >= :from AND at < :until
  WINDOW walk AS (ORDER BY at)
)
WHERE at = :from OR state IS NOT former_state OR verdict IS NOT former_verdict
  OR next_at IS NULL OR next_at / 86400000000 > at / 86400000000
ORDER BY at DESC LIMIT :most;

-- days --
SELECT day, held, conclusive, first_at, last_at, longest_gap, lapses_kept FROM rollup
WHERE check_id = :check AND day >= :first AND first_at < :until ORDER BY day;

-- lapses --
SELECT day, began_at, ended_at FROM lapses
WHERE check_id = :check AND day >= :first AND began_at < :until ORDER BY ended_at;

-- count events --
SELECT count(*) FROM events AS e WHERE {where};

-- page of events --
SELECT e.at, e.kind, e.what, e.text, e.state, e.who FROM events AS e
WHERE {where} ORDER BY e.at DESC, e.id DESC LIMIT :limit OFFSET :offset;

-- count events by cell --
SELECT (e.at - :since) / :size, count(*) FROM events AS e WHERE {where} GROUP BY 1;

-- words of event --
{is e.what, e.text, e.who}

-- of kinds --
e.kind IN ({kinds})

-- about --
e.what = :what

-- about any --
e.what IN ({names})

-- events since --
e.at >= :since

-- events until --
e.at < :until

-- What became of a check is told with the place of every lapse, with who may be missing, and with its evidence.

ALTER TABLE transitions ADD COLUMN missing INTEGER; -- subjects that may be missing; NULL: no bound is known
ALTER TABLE transitions ADD COLUMN evidence TEXT; -- digests of the manifests, JSON; NULL where the state stayed
UPDATE transitions SET missing = 0 WHERE verdict IN ('pass', 'warn'); -- they had nobody missing; of others nobody noted it

-- Times without a judgement, of an hour and more or of the check's greatest age, for ever.
CREATE TABLE lapses (
  check_id INTEGER NOT NULL,
  day TEXT NOT NULL, -- YYYY-MM-DD, UTC, on which it ended
  began_at INTEGER NOT NULL,
  ended_at INTEGER NOT NULL,
  PRIMARY KEY (check_id, day, began_at)
) STRICT, WITHOUT ROWID;
ALTER TABLE rollup ADD COLUMN lapses_kept INTEGER NOT NULL DEFAULT 0 CHECK (lapses_kept IN (0, 1)); -- 0: of a day before they were

ALTER TABLE events ADD COLUMN who TEXT NOT NULL DEFAULT ''; -- whoever did it, as claimed

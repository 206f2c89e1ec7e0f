-- Instants are microseconds since 1970-01-01 UTC, where a column does not say otherwise. Subjects are named in one table only.

CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sources (
  name TEXT PRIMARY KEY,
  memory TEXT NOT NULL CHECK (json_valid(memory))
) STRICT, WITHOUT ROWID;

CREATE TABLE checks (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  family TEXT NOT NULL,
  judged_at INTEGER,
  state TEXT,
  memory TEXT CHECK (memory IS NULL OR json_valid(memory)) -- NULL: retired, or not yet judged; its history stays
) STRICT;

CREATE TABLE blobs (
  digest TEXT PRIMARY KEY,
  source TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  first_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  pinned TEXT, -- why retention keeps it past its time: a transition, a first failure, a waiver, an export
  tombstoned_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE manifests (
  digest TEXT PRIMARY KEY,
  source TEXT NOT NULL,
  day TEXT NOT NULL, -- of its end, YYYY-MM-DD, UTC
  complete INTEGER NOT NULL CHECK (complete IN (0, 1)),
  finished_at INTEGER NOT NULL,
  blob TEXT NOT NULL,
  body TEXT NOT NULL CHECK (json_valid(body)) -- the exact bytes that the digest covers
) STRICT, WITHOUT ROWID;
CREATE INDEX manifests_by_day ON manifests (source, day, complete, finished_at, digest);
CREATE INDEX manifests_by_blob ON manifests (blob);
CREATE INDEX manifests_by_end ON manifests (finished_at);

-- The only table that names people; a keyed hash stands for the subject everywhere else.
CREATE TABLE subjects (
  hash BLOB PRIMARY KEY,
  subject TEXT NOT NULL,
  label TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE findings (
  id INTEGER PRIMARY KEY,
  check_id INTEGER NOT NULL,
  subject BLOB NOT NULL,
  source TEXT NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('fail', 'unknown', 'warn')), -- in this order, worst first
  reason TEXT NOT NULL,
  facts TEXT NOT NULL,
  cause TEXT,
  urgent INTEGER NOT NULL CHECK (urgent IN (0, 1)),
  mark BLOB, -- keyed hash of the finding as it was staged: equal marks need no comparison
  first_seen INTEGER NOT NULL, -- of all openings
  opened_at INTEGER NOT NULL, -- of the current opening
  due INTEGER, -- frozen when the current opening was first seen
  resolved_at INTEGER,
  retired_at INTEGER, -- its check or source was removed
  regressions INTEGER NOT NULL DEFAULT 0,
  waiver TEXT,
  waiver_ends INTEGER,
  ack TEXT,
  ack_by TEXT,
  ack_at INTEGER,
  UNIQUE (check_id, subject)
) STRICT;
CREATE INDEX findings_mark ON findings (check_id, mark)
  WHERE resolved_at IS NULL AND retired_at IS NULL;
CREATE INDEX findings_worst ON findings (outcome, urgent DESC, opened_at, id, check_id)
  WHERE resolved_at IS NULL AND retired_at IS NULL;
CREATE INDEX findings_opened ON findings (opened_at);
CREATE INDEX findings_resolved ON findings (resolved_at) WHERE resolved_at IS NOT NULL;
CREATE INDEX findings_due ON findings (check_id, due) WHERE due IS NOT NULL AND resolved_at IS NULL;
CREATE INDEX findings_waived ON findings (check_id) WHERE waiver IS NOT NULL;

CREATE TABLE history (
  finding INTEGER NOT NULL,
  at INTEGER NOT NULL,
  what TEXT NOT NULL,
  outcome TEXT NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (finding, at, what)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  what TEXT NOT NULL,
  text TEXT NOT NULL,
  state TEXT
) STRICT;

-- State and counts of a check, a row per change, for ever.
CREATE TABLE transitions (
  check_id INTEGER NOT NULL,
  at INTEGER NOT NULL,
  state TEXT,
  verdict TEXT,
  passed INTEGER NOT NULL,
  warned INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  unknown INTEGER NOT NULL,
  PRIMARY KEY (check_id, at)
) STRICT, WITHOUT ROWID;

-- Every judgement, for 72 hours.
CREATE TABLE runs (
  check_id INTEGER NOT NULL,
  at INTEGER NOT NULL,
  verdict TEXT NOT NULL,
  read INTEGER NOT NULL,
  passed INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  unknown INTEGER NOT NULL,
  PRIMARY KEY (check_id, at)
) STRICT, WITHOUT ROWID;

-- Judgements of a check by day, for ever: an engine that stood still shows as a gap, never as a pass.
CREATE TABLE rollup (
  check_id INTEGER NOT NULL,
  day TEXT NOT NULL, -- YYYY-MM-DD, UTC
  held INTEGER NOT NULL,
  conclusive INTEGER NOT NULL, -- of them, with a verdict other than unknown
  first_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  longest_gap INTEGER NOT NULL, -- microseconds from one judgement to the next, counted on the day on which it ends
  PRIMARY KEY (check_id, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE chain (
  seq INTEGER PRIMARY KEY,
  prev BLOB NOT NULL,
  hash BLOB NOT NULL,
  kind TEXT NOT NULL,
  at TEXT NOT NULL, -- RFC 3339, UTC
  body TEXT NOT NULL
) STRICT;
CREATE TRIGGER chain_refuses_update BEFORE UPDATE ON chain
BEGIN
  SELECT RAISE (ABORT, 'the evidence chain is append-only');
END;
CREATE TRIGGER chain_refuses_delete BEFORE DELETE ON chain
BEGIN
  SELECT RAISE (ABORT, 'the evidence chain is append-only');
END;

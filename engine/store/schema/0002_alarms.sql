-- What may be worth waking somebody for, and who passed before, by keyed hash, where a check tells a loss from a lack.

ALTER TABLE findings ADD COLUMN alarm TEXT; -- its kind; kept while the subject is unknown, gone when the finding is resolved
ALTER TABLE findings ADD COLUMN alarm_mark BLOB; -- keyed hash of what it was raised for; NULL: a loss, or forgotten
ALTER TABLE findings ADD COLUMN alarmed_at INTEGER;
CREATE INDEX findings_alarmed ON findings (check_id, alarm) WHERE alarm IS NOT NULL;

-- Subjects of a check that passed when they were last judged to pass or to fail.
CREATE TABLE passers (
  check_id INTEGER NOT NULL,
  subject BLOB NOT NULL,
  source TEXT NOT NULL,
  PRIMARY KEY (check_id, subject)
) STRICT, WITHOUT ROWID;

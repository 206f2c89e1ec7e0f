-- What a waiver covers comes after all that fails: it is nobody's to do.

ALTER TABLE findings ADD COLUMN waived INTEGER GENERATED ALWAYS AS (waiver IS NOT NULL) VIRTUAL; -- at the last judgement
DROP INDEX findings_worst;
DROP INDEX findings_check;
DROP INDEX findings_source;
CREATE INDEX findings_worst ON findings (waived, outcome, urgent DESC, opened_at, id, check_id, source)
  WHERE resolved_at IS NULL AND retired_at IS NULL;
CREATE INDEX findings_check ON findings (check_id, waived, outcome, urgent DESC, opened_at, id, source)
  WHERE resolved_at IS NULL AND retired_at IS NULL;
CREATE INDEX findings_source ON findings (source, waived, outcome, urgent DESC, opened_at, id, check_id)
  WHERE resolved_at IS NULL AND retired_at IS NULL;

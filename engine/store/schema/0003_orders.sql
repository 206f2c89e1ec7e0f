-- Every order of a list has an index that covers it, so that a page costs the same however many findings there are.

DROP INDEX findings_worst;
DROP INDEX findings_opened;
CREATE INDEX findings_worst ON findings (outcome, urgent DESC, opened_at, id, check_id, source)
  WHERE resolved_at IS NULL AND retired_at IS NULL;
CREATE INDEX findings_since ON findings (opened_at, id, outcome, check_id, source)
  WHERE resolved_at IS NULL AND retired_at IS NULL;
CREATE INDEX findings_check ON findings (check_id, outcome, urgent DESC, opened_at, id, source)
  WHERE resolved_at IS NULL AND retired_at IS NULL;
CREATE INDEX findings_source ON findings (source, outcome, urgent DESC, opened_at, id, check_id)
  WHERE resolved_at IS NULL AND retired_at IS NULL;
CREATE INDEX findings_reason ON findings (reason, id, check_id, outcome, source)
  WHERE resolved_at IS NULL AND retired_at IS NULL;
CREATE INDEX findings_subject ON findings (subject, id, check_id, outcome, source, reason) -- what words are looked up in
  WHERE resolved_at IS NULL AND retired_at IS NULL;
CREATE INDEX subjects_label ON subjects (label COLLATE NOCASE);

-- Every finding has a subject: of one that was forgotten, its hash.
INSERT OR IGNORE INTO subjects (hash, subject, label)
SELECT subject, 'forgotten:' || lower (hex (subject)), 'forgotten' FROM findings;

CREATE INDEX events_at ON events (at);

-- A check that was retired holds no state any more.
INSERT OR IGNORE INTO transitions (check_id, at, state, verdict, passed, warned, failed, unknown)
SELECT id, judged_at + 1, NULL, NULL, 0, 0, 0, 0 FROM checks WHERE memory IS NULL AND judged_at IS NOT NULL;

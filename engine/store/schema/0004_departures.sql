-- Who left a complete population keeps what it had to lose for a while, and a waiver covers the alarms from before it began.

ALTER TABLE passers ADD COLUMN gone_at INTEGER; -- when a complete population no longer showed the subject; NULL while it does
ALTER TABLE findings ADD COLUMN waiver_starts INTEGER; -- when what covers it began, the latest of several

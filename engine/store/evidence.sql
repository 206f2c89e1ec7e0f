-- manifests --
SELECT digest, body FROM manifests WHERE digest IN (SELECT value FROM json_each (?));

-- list manifests --
SELECT digest, body FROM manifests WHERE ?1 IS NULL OR source = ?1 ORDER BY finished_at DESC, digest LIMIT ?2;

-- manifests between --
SELECT m.digest, m.source, m.finished_at, m.body, b.tombstoned_at, m.blob
FROM manifests AS m LEFT JOIN blobs AS b ON b.digest = m.blob
WHERE m.finished_at >= ? AND m.finished_at < ? ORDER BY m.finished_at, m.digest;

-- manifests cited --
SELECT m.digest, m.source, m.finished_at, m.body, b.tombstoned_at, m.blob
FROM manifests AS m LEFT JOIN blobs AS b ON b.digest = m.blob
WHERE m.digest IN (SELECT value FROM json_each (?));

-- runs since --
SELECT source, finished_at, complete, json_extract (body, '$.started_at') FROM manifests
WHERE finished_at >= ? ORDER BY finished_at, digest;

-- first runs --
-- Of the first day; the order is that of the index.
SELECT s.name, (SELECT m.finished_at FROM manifests AS m WHERE m.source = s.name ORDER BY m.day, m.complete, m.finished_at LIMIT 1)
FROM sources AS s;

-- unused blobs --
-- Kept: what is in use, what is young, what is pinned, and of each source and day the last collection (a complete one, if any).
SELECT b.digest FROM blobs AS b
WHERE b.tombstoned_at IS NULL
  AND b.digest NOT IN (SELECT value FROM json_each (:in_use))
  AND (
    b.last_at < :expired
    OR (
      b.last_at < :young
      AND b.pinned IS NULL
      AND NOT EXISTS (
        SELECT 1 FROM manifests AS m
        WHERE m.blob = b.digest AND NOT EXISTS (
          SELECT 1 FROM manifests AS later
          WHERE later.source = m.source AND later.day = m.day
            AND (later.complete, later.finished_at, later.digest) > (m.complete, m.finished_at, m.digest)
        )
      )
    )
  )
ORDER BY b.digest;

-- tombstones --
SELECT digest FROM blobs WHERE tombstoned_at IS NOT NULL;

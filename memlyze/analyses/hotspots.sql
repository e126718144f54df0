-- The greatest allocation sites, with what each held at one moment.
SELECT
    h.*,
    coalesce(l.bytes, 0) AS held_bytes,
    coalesce(l.bytes_error, 0) AS held_bytes_error
FROM hotspots() AS h
LEFT JOIN live_at($moment_ns) AS l
    ON l.function = h.function AND l.file = h.file AND l.line = h.line
ORDER BY h.bytes DESC, h.file, h.line, h.function
LIMIT $count;

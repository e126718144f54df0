-- What the resident memory was, greatest first, at the snapshot of one process that saw most of it;
-- no rows when there was no snapshot.
SELECT time_ns, category, resident_bytes, reserved_bytes, share
FROM rss_explained
WHERE
    (process_id, time_ns) = (
        SELECT (process_id, time_ns)
        FROM rss_explained
        GROUP BY process_id, time_ns
        ORDER BY sum(resident_bytes) DESC, process_id, time_ns
        LIMIT 1
    )
    AND resident_bytes > 0
ORDER BY resident_bytes DESC, category;

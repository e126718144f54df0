-- What the resident memory of a process was, greatest first, at the snapshot nearest to a moment, or (where that is
-- NULL) at the one that saw most of the program's, without the recorder's own; no rows when there was none.
SELECT time_ns, category, resident_bytes, reserved_bytes, share
FROM rss_explained
WHERE
    process_id = $process_id
    AND time_ns = (
        SELECT time_ns
        FROM rss_explained
        WHERE process_id = $process_id
        GROUP BY time_ns
        ORDER BY
            CASE
                WHEN $moment_ns::BIGINT IS NULL THEN -sum(CASE WHEN category = 'tracer' THEN 0 ELSE resident_bytes END)
                ELSE abs(time_ns - $moment_ns)
            END,
            time_ns
        LIMIT 1
    )
    AND resident_bytes > 0
ORDER BY resident_bytes DESC, category;

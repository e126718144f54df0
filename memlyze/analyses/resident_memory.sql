-- What the resident memory of a process was, greatest first, at the snapshot that saw most of it; no
-- rows when there was none.
SELECT time_ns, category, resident_bytes, reserved_bytes, share
FROM rss_explained
WHERE
    process_id = $process_id
    AND time_ns = (
        SELECT time_ns
        FROM rss_explained
        WHERE process_id = $process_id
        GROUP BY time_ns
        ORDER BY sum(resident_bytes) DESC, time_ns
        LIMIT 1
    )
    AND resident_bytes > 0
ORDER BY resident_bytes DESC, category;

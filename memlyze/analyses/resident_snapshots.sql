-- What the resident memory consisted of, at all snapshots before a moment: one row for each category of each.
SELECT time_ns, process_id, category, resident_bytes, reserved_bytes
FROM rss_explained
WHERE
    time_ns < $to_ns
    AND ($process_id::BIGINT IS NULL OR process_id = $process_id)
ORDER BY time_ns, process_id, category;

-- One row for each route, task or function that had windows, the greatest first.
SELECT *
FROM windows_by_name()
WHERE kind IS NOT NULL AND ($kind IS NULL OR kind = $kind)
ORDER BY
    CASE $sort_by
        WHEN 'retained' THEN retained_bytes
        WHEN 'live' THEN live_bytes
        WHEN 'peak' THEN max_peak_bytes
        WHEN 'count' THEN windows
        WHEN 'time' THEN mean_duration_ns
        ELSE allocated_bytes
    END DESC NULLS LAST,
    allocated_bytes DESC, name, kind, method;

-- The single windows with the greatest figures, the greatest first.
SELECT *
FROM windows
WHERE ($kind IS NULL OR kind = $kind) AND allocated_bytes > 0
ORDER BY
    CASE $sort_by
        WHEN 'retained' THEN retained_bytes
        WHEN 'live' THEN live_bytes
        WHEN 'peak' THEN peak_bytes
        ELSE allocated_bytes
    END DESC,
    allocated_bytes DESC, window_id
LIMIT $count;

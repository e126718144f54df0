-- One row for each route, task or function that had windows, the greatest first.
-- Whether the window that allocated most was opened before all others of its process.
WITH
places AS (
    SELECT
        name,
        kind,
        method,
        allocated_bytes,
        row_number() OVER (PARTITION BY name, kind, method, process_id ORDER BY start_ns, window_id) = 1 AS is_first
    FROM windows
),
greatest AS (
    SELECT name, kind, method, arg_max(is_first, allocated_bytes) AS greatest_is_first
    FROM places
    GROUP BY name, kind, method
)
SELECT by_name.*, greatest.greatest_is_first
FROM windows_by_name() AS by_name
LEFT JOIN greatest
    ON by_name.name IS NOT DISTINCT FROM greatest.name
    AND by_name.kind IS NOT DISTINCT FROM greatest.kind
    AND by_name.method IS NOT DISTINCT FROM greatest.method
WHERE by_name.kind IS NOT NULL AND ($kind IS NULL OR by_name.kind = $kind)
ORDER BY
    CASE $sort_by
        WHEN 'retained' THEN retained_bytes
        WHEN 'live' THEN live_bytes
        WHEN 'peak' THEN max_peak_bytes
        WHEN 'count' THEN windows
        WHEN 'time' THEN mean_duration_ns
        ELSE allocated_bytes
    END DESC NULLS LAST,
    allocated_bytes DESC, by_name.name, by_name.kind, by_name.method;

-- Each allocation that was made in a window, once for that window and once for each window around it.
CREATE VIEW _window_blocks AS
WITH RECURSIVE
used AS (
    SELECT DISTINCT window_id FROM _raw_allocations WHERE window_id <> 0
),
enclosing AS (
    SELECT w.window_id, w.window_id AS enclosing_id, w.parent_id
    FROM used JOIN _raw_windows AS w USING (window_id)
    UNION ALL
    SELECT e.window_id, w.window_id AS enclosing_id, w.parent_id
    FROM enclosing AS e
    JOIN _raw_windows AS w ON w.window_id = e.parent_id
    WHERE e.parent_id <> 0
)
SELECT
    e.enclosing_id AS window_id,
    a.window_id AS own_window_id,
    a.stack_id,
    a.time_ns,
    CASE WHEN a.freed_ns = -1 THEN 9223372036854775807 ELSE a.freed_ns END AS freed_ns,
    a.size,
    a.weight,
    a.size * a.weight AS bytes,
    a.size::DOUBLE * a.size * a.weight * (a.weight - 1) AS variance
FROM _raw_allocations AS a
JOIN enclosing AS e ON e.window_id = a.window_id
WHERE a.allocator <= 4;

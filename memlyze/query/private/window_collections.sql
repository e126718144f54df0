-- How long the garbage collector ran in each window in which it did, and in the windows around it.
CREATE VIEW _window_collections AS
WITH RECURSIVE
runs AS (
    SELECT w.window_id, w.parent_id, g.duration_ns
    FROM _raw_gc AS g
    JOIN _raw_windows AS w ON w.window_id = g.window_id
    UNION ALL
    SELECT w.window_id, w.parent_id, r.duration_ns
    FROM runs AS r
    JOIN _raw_windows AS w ON w.window_id = r.parent_id
    WHERE r.parent_id <> 0
)
SELECT window_id, sum(duration_ns)::BIGINT AS duration_ns
FROM runs
GROUP BY window_id;

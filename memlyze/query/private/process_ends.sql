-- When each process was last seen: the end of its recording or, of one that was killed, the last tick of its memory clock.
CREATE VIEW _process_ends AS
SELECT
    p.process_id,
    CASE WHEN any_value(p.end_ns) <> -1 THEN any_value(p.end_ns) ELSE coalesce(max(m.time_ns), 0) END AS end_ns,
    any_value(p.end_ns) = -1 AS is_killed
FROM _raw_processes AS p
LEFT JOIN _raw_memory AS m USING (process_id)
GROUP BY p.process_id;

-- The processes that ended while others went on, and when. Of one that was killed nobody wrote that: it ended at its last
-- sign of life, unless that is so late that it may still run, and was read a little before the others.
CREATE VIEW _ended_processes AS
WITH
last_seen AS (
    SELECT
        p.process_id,
        CASE WHEN any_value(p.end_ns) <> -1 THEN any_value(p.end_ns) ELSE coalesce(max(m.time_ns), 0) END AS end_ns,
        CASE WHEN any_value(p.end_ns) <> -1 THEN 0 ELSE 1000000000 END AS margin_ns
    FROM _raw_processes AS p
    LEFT JOIN _raw_memory AS m USING (process_id)
    GROUP BY p.process_id
)
SELECT process_id, end_ns
FROM last_seen
WHERE end_ns + margin_ns < (SELECT max(end_ns) FROM last_seen);

-- Each process, the first to start first; `end_ns` is NULL where nothing tells it.
WITH
clocks AS (
    SELECT process_id, max(program_rss) AS rss, max(time_ns) AS last_ns
    FROM memory
    GROUP BY process_id
)
SELECT
    p.process_id,
    p.parent_process_id,
    p.started_by,
    p.ended_by,
    p.path,
    p.command_line,
    p.python_version,
    p.start_ns,
    coalesce(p.end_ns, c.last_ns) AS end_ns,
    c.rss AS peak_rss
FROM processes AS p
LEFT JOIN clocks AS c USING (process_id)
ORDER BY p.start_ns, p.process_id;

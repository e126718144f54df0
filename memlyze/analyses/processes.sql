-- What each process took; one row for each, the first to start first.
WITH
clocks AS (
    SELECT process_id, max(rss) AS rss, max(time_ns) AS last_ns
    FROM memory
    GROUP BY process_id
),
totals AS (
    SELECT
        process_id,
        count(*) AS samples,
        sum(bytes) AS bytes,
        1.96 * sqrt(sum(size::DOUBLE * bytes * (weight - 1))) AS bytes_error,
        max(greatest(time_ns, coalesce(freed_ns, 0))) AS last_ns
    FROM allocations
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
    greatest(coalesce(p.end_ns, c.last_ns, t.last_ns, p.start_ns), p.start_ns)::BIGINT AS end_ns,
    c.rss AS peak_rss,
    coalesce(t.samples, 0) AS samples,
    coalesce(t.bytes, 0) AS bytes,
    coalesce(t.bytes_error, 0) AS bytes_error
FROM processes AS p
LEFT JOIN clocks AS c USING (process_id)
LEFT JOIN totals AS t USING (process_id)
ORDER BY p.start_ns, p.process_id;

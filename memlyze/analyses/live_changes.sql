-- How the chosen allocations changed what was live: one row for each time at which they did, in order. What was live in
-- a process ends with it, while others go on.
WITH
chosen AS NOT MATERIALIZED (
    SELECT * FROM _selected($from_ns, $to_ns, $process_ids, $thread_ids, $window_ids)
    WHERE $stack_ids::BIGINT[] IS NULL OR stack_id IN (SELECT unnest($stack_ids::BIGINT[]))
),
remaining AS ( -- summed up first, or all allocations would be held in memory for the join
    SELECT process_id, time_ns, sum(bytes) AS bytes, sum(variance) AS variance
    FROM chosen
    WHERE freed_ns = -1
    GROUP BY ALL
),
changes AS (
    SELECT
        time_ns,
        sum(bytes) AS allocated_bytes,
        sum(variance) AS allocated_variance,
        sum(weight) AS allocations,
        0 AS freed_bytes,
        0 AS frees,
        sum(bytes) AS change_bytes,
        sum(variance) AS change_variance
    FROM chosen
    GROUP BY time_ns
    UNION ALL
    SELECT freed_ns, 0, 0, 0, sum(bytes), sum(weight), -sum(bytes), -sum(variance)
    FROM chosen
    WHERE freed_ns <> -1
    GROUP BY freed_ns
    UNION ALL
    SELECT greatest(e.end_ns + 1, r.time_ns), 0, 0, 0, 0, 0, -r.bytes, -r.variance
    FROM remaining AS r
    JOIN _ended_processes AS e USING (process_id)
)
SELECT
    time_ns,
    sum(allocated_bytes)::DOUBLE AS allocated_bytes,
    sum(allocated_variance)::DOUBLE AS allocated_variance,
    sum(allocations)::DOUBLE AS allocations,
    sum(freed_bytes)::DOUBLE AS freed_bytes,
    sum(frees)::DOUBLE AS frees,
    sum(change_bytes)::DOUBLE AS change_bytes,
    sum(change_variance)::DOUBLE AS change_variance
FROM changes
GROUP BY time_ns
ORDER BY time_ns;

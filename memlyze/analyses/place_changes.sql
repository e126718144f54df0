-- How what is live changed at each place in each bucket of time: one row for each that has any. Buckets are numbered
-- from 0; what happened before the first is in -1. `stack_ids` and `numbers` say which stacks count for which place;
-- NULL: each stack is a place of its own.
WITH
listed AS (
    SELECT unnest($stack_ids::BIGINT[]) AS stack_id, unnest($numbers::BIGINT[]) AS number
),
chosen AS NOT MATERIALIZED (
    SELECT
        a.time_ns, a.freed_ns, a.process_id, a.bytes, a.variance,
        CASE WHEN $stack_ids::BIGINT[] IS NULL THEN a.stack_id ELSE coalesce(l.number, -1) END AS number
    FROM _selected(0, $to_ns, $process_ids, $thread_ids, $window_ids) AS a
    LEFT JOIN listed AS l ON l.stack_id = a.stack_id
),
remaining AS ( -- summed up first, or all allocations would be held in memory for the join
    SELECT process_id, number, time_ns, sum(bytes) AS bytes, sum(variance) AS variance
    FROM chosen
    WHERE freed_ns = -1
    GROUP BY ALL
),
changes AS (
    SELECT
        number,
        CASE WHEN time_ns < $from_ns THEN -1 ELSE (time_ns - $from_ns) // $width_ns END AS bucket,
        sum(bytes) AS allocated_bytes,
        sum(bytes) AS change_bytes,
        sum(variance) AS change_variance,
        count(*) AS samples
    FROM chosen
    GROUP BY ALL
    UNION ALL
    SELECT
        number,
        CASE WHEN freed_ns < $from_ns THEN -1 ELSE (freed_ns - $from_ns) // $width_ns END,
        0,
        -sum(bytes),
        -sum(variance),
        0
    FROM chosen
    WHERE freed_ns <> -1 AND freed_ns < $to_ns
    GROUP BY ALL
    UNION ALL
    SELECT
        r.number,
        CASE WHEN e.end_ns + 1 < $from_ns THEN -1 ELSE (greatest(e.end_ns + 1, r.time_ns) - $from_ns) // $width_ns END,
        0,
        -r.bytes,
        -r.variance,
        0
    FROM remaining AS r
    JOIN _ended_processes AS e USING (process_id)
    WHERE e.end_ns + 1 < $to_ns
)
SELECT
    number,
    bucket::BIGINT AS bucket,
    sum(allocated_bytes)::DOUBLE AS allocated_bytes,
    sum(change_bytes)::DOUBLE AS change_bytes,
    sum(change_variance)::DOUBLE AS change_variance,
    sum(samples)::DOUBLE AS samples
FROM changes
GROUP BY ALL;

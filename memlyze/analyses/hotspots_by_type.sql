-- As `hotspots`, by the type of the object that an allocation is, or is the buffer of. Types are known of what was
-- live at a checkpoint.
WITH
typed AS (
    SELECT allocation_id, arg_min(type, rank) AS type
    FROM (
        SELECT allocation_id, type, 0 AS rank FROM objects WHERE allocation_id IS NOT NULL
        UNION ALL
        SELECT buffer_allocation_id, type, 1 FROM objects WHERE buffer_allocation_id IS NOT NULL
    ) AS o
    GROUP BY allocation_id
),
summed AS (
    SELECT
        coalesce(t.type, $unknown) AS group_name,
        sum(bytes) AS bytes,
        sum(variance) AS variance,
        sum(weight) AS allocations,
        sum(weight * (weight - 1)) AS allocations_variance,
        count(*) AS samples,
        coalesce(sum(bytes) FILTER (WHERE is_live), 0) AS live_bytes,
        coalesce(sum(variance) FILTER (WHERE is_live), 0) AS live_variance,
        coalesce(sum(bytes) FILTER (WHERE is_held), 0) AS held_bytes,
        coalesce(sum(variance) FILTER (WHERE is_held), 0) AS held_variance,
        coalesce(sum(bytes) FILTER (WHERE is_held AND allocator = 4), 0) AS held_mapped_bytes,
        coalesce(sum(variance) FILTER (WHERE is_held AND allocator = 4), 0) AS held_mapped_variance,
        coalesce(sum(bytes) FILTER (WHERE is_freed_soon), 0) AS temporary_bytes,
        coalesce(sum(variance) FILTER (WHERE is_freed_soon), 0) AS temporary_variance,
        coalesce(sum(weight) FILTER (WHERE is_freed_soon), 0) AS temporary_allocations,
        sum(weight * (freed_ns - time_ns)) FILTER (WHERE NOT is_live)
        / nullif(sum(weight) FILTER (WHERE NOT is_live), 0) AS mean_lifetime_ns
    FROM _judged($from_ns, $to_ns, $process_ids, $thread_ids, $window_ids, $moment_ns, $temporary_ns) AS a
    LEFT JOIN typed AS t ON t.allocation_id = a.allocation_id
    WHERE $stack_ids::BIGINT[] IS NULL OR a.stack_id IN (SELECT unnest($stack_ids::BIGINT[]))
    GROUP BY group_name
)
SELECT
    *,
    NULL AS function,
    NULL AS file,
    NULL AS line,
    NULL AS module,
    NULL AS origin,
    NULL AS inner_function,
    NULL AS inner_file,
    NULL AS inner_line,
    sum(bytes) OVER () AS total_bytes,
    sum(variance) OVER () AS total_variance,
    sum(allocations) OVER () AS total_allocations,
    sum(allocations_variance) OVER () AS total_allocations_variance,
    sum(samples) OVER () AS total_samples,
    sum(live_bytes) OVER () AS total_live_bytes,
    sum(live_variance) OVER () AS total_live_variance,
    sum(held_bytes) OVER () AS total_held_bytes,
    sum(held_variance) OVER () AS total_held_variance,
    sum(held_mapped_bytes) OVER () AS total_held_mapped_bytes,
    sum(held_mapped_variance) OVER () AS total_held_mapped_variance,
    sum(temporary_bytes) OVER () AS total_temporary_bytes,
    sum(temporary_variance) OVER () AS total_temporary_variance,
    sum(temporary_allocations) OVER () AS total_temporary_allocations,
    count(*) OVER () AS total_rows
FROM summed
ORDER BY
    CASE $sort
        WHEN 'allocated' THEN bytes
        WHEN 'allocations' THEN allocations
        WHEN 'live' THEN live_bytes
        WHEN 'peak' THEN held_bytes
        WHEN 'temporary' THEN temporary_bytes
        WHEN 'lifetime' THEN coalesce(mean_lifetime_ns, -1)
    END DESC,
    bytes DESC,
    group_name
LIMIT $count;

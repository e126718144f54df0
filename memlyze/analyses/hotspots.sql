-- What each place or group allocated, with what of it was live at one moment, at the end, and freed soon; the first
-- in the order that is asked for, each with the sums over all of them.
WITH
per_stack AS (
    SELECT
        stack_id,
        group_id,
        sum(bytes) AS bytes,
        sum(variance) AS variance,
        sum(allocations) AS allocations,
        sum(allocations_variance) AS allocations_variance,
        sum(samples) AS samples,
        sum(bytes) FILTER (WHERE is_live) AS live_bytes,
        sum(variance) FILTER (WHERE is_live) AS live_variance,
        sum(bytes) FILTER (WHERE is_held) AS held_bytes,
        sum(variance) FILTER (WHERE is_held) AS held_variance,
        sum(bytes) FILTER (WHERE is_held AND is_mapped) AS held_mapped_bytes,
        sum(variance) FILTER (WHERE is_held AND is_mapped) AS held_mapped_variance,
        sum(bytes) FILTER (WHERE is_temporary) AS temporary_bytes,
        sum(variance) FILTER (WHERE is_temporary) AS temporary_variance,
        sum(allocations) FILTER (WHERE is_temporary) AS temporary_allocations,
        sum(allocations) FILTER (WHERE NOT is_live) AS freed_allocations,
        sum(lifetimes_ns) FILTER (WHERE NOT is_live) AS lifetimes_ns
    FROM ( -- see analyses/event_sums.py
        SELECT
            *,
            classes & 1 <> 0 AS is_live,
            classes & 2 <> 0 AS is_held,
            classes & 4 <> 0 AS is_temporary,
            classes & 8 <> 0 AS is_mapped
        FROM _event_sums
    )
    GROUP BY ALL
),
placed AS (
    SELECT
        p.*,
        s.innermost_frame_id,
        CASE WHEN $innermost THEN s.innermost_frame_id ELSE s.program_frame_id END AS frame_id
    FROM per_stack AS p
    LEFT JOIN _raw_stack_sites AS s ON s.stack_id = p.stack_id
),
named AS (
    SELECT
        p.*,
        CASE -- of what a damaged trace has lost the number is left
            WHEN $by IN ('thread', 'process', 'window') THEN coalesce(g.label, concat($by, ' ', p.group_id))
        END AS group_name,
        CASE WHEN $by IN ('line', 'function') THEN coalesce(f.function, '<unknown>') END AS function,
        CASE
            WHEN $by IN ('line', 'function', 'file') OR ($by = 'module' AND f.module IS NULL)
                THEN coalesce(f.file, '<unknown>')
        END AS file,
        CASE WHEN $by = 'line' THEN coalesce(f.line, 0) END AS line,
        CASE WHEN $by IN ('line', 'function', 'file', 'module') THEN f.module END AS module,
        CASE WHEN $by IN ('line', 'function', 'file', 'module') THEN coalesce(f.origin, 'runtime') END AS origin,
        i.function AS inner_function,
        i.file AS inner_file,
        i.line AS inner_line
    FROM placed AS p
    LEFT JOIN _group_labels($by) AS g ON g.group_id = p.group_id
    LEFT JOIN _raw_frames AS f ON f.frame_id = p.frame_id
    LEFT JOIN _raw_frames AS i ON i.frame_id = p.innermost_frame_id
),
summed AS (
    SELECT
        group_name,
        function,
        file,
        line,
        module,
        origin,
        sum(bytes) AS bytes,
        sum(variance) AS variance,
        sum(allocations) AS allocations,
        sum(allocations_variance) AS allocations_variance,
        sum(samples)::BIGINT AS samples,
        coalesce(sum(live_bytes), 0) AS live_bytes,
        coalesce(sum(live_variance), 0) AS live_variance,
        coalesce(sum(held_bytes), 0) AS held_bytes,
        coalesce(sum(held_variance), 0) AS held_variance,
        coalesce(sum(held_mapped_bytes), 0) AS held_mapped_bytes,
        coalesce(sum(held_mapped_variance), 0) AS held_mapped_variance,
        coalesce(sum(temporary_bytes), 0) AS temporary_bytes,
        coalesce(sum(temporary_variance), 0) AS temporary_variance,
        coalesce(sum(temporary_allocations), 0) AS temporary_allocations,
        sum(lifetimes_ns) / nullif(sum(freed_allocations), 0) AS mean_lifetime_ns,
        arg_max(inner_function, bytes) AS inner_function,
        arg_max(inner_file, bytes) AS inner_file,
        arg_max(inner_line, bytes) AS inner_line
    FROM named
    GROUP BY group_name, function, file, line, module, origin
)
SELECT
    *,
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
    file,
    line,
    function,
    module,
    group_name
LIMIT $count;

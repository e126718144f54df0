-- What each stack allocated of what was chosen, and what of that is live at a moment; one row for each stack.
SELECT
    stack_id,
    sum(bytes) AS bytes,
    sum(variance) AS variance,
    sum(weight) AS allocations,
    sum(weight * (weight - 1)) AS allocations_variance,
    count(*) AS samples,
    coalesce(sum(bytes) FILTER (WHERE is_alive), 0) AS alive_bytes,
    coalesce(sum(variance) FILTER (WHERE is_alive), 0) AS alive_variance,
    coalesce(sum(weight) FILTER (WHERE is_alive), 0) AS alive_allocations,
    coalesce(sum(weight * (weight - 1)) FILTER (WHERE is_alive), 0) AS alive_allocations_variance
FROM (
    SELECT
        *,
        time_ns <= $at_ns AND (freed_ns = -1 OR freed_ns > $at_ns)
        AND (
            $at_ns = 9223372036854775807 -- at the end of each process's recording
            OR process_id NOT IN (SELECT process_id FROM _ended_processes WHERE end_ns < $at_ns)
        ) AS is_alive
    FROM _selected($from_ns, $to_ns, $process_ids, $thread_ids, $window_ids)
)
GROUP BY stack_id
ORDER BY stack_id;

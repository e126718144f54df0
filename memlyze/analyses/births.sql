-- What each stack allocated of what was chosen, and what of that is live at a moment; one row for each stack.
SELECT
    stack_id,
    sum(bytes) AS bytes,
    sum(variance) AS variance,
    sum(weight) AS allocations,
    sum(weight * (weight - 1)) AS allocations_variance,
    count(*) AS samples,
    coalesce(sum(bytes) FILTER (WHERE is_held), 0) AS alive_bytes,
    coalesce(sum(variance) FILTER (WHERE is_held), 0) AS alive_variance,
    coalesce(sum(weight) FILTER (WHERE is_held), 0) AS alive_allocations,
    coalesce(sum(weight * (weight - 1)) FILTER (WHERE is_held), 0) AS alive_allocations_variance
FROM _judged($from_ns, $to_ns, $process_ids, $thread_ids, $window_ids, $at_ns, NULL)
GROUP BY stack_id
ORDER BY stack_id;

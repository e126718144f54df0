-- What each call stack has of the chosen allocations, for each thread or process apart where that is asked for: one
-- row for each. Counted are all, or those that were live at a moment, or those freed soon.
SELECT
    stack_id,
    CASE $by WHEN 'thread' THEN thread_id WHEN 'process' THEN process_id WHEN 'window' THEN window_id ELSE 0 END AS group_id,
    sum(bytes) AS bytes,
    sum(variance) AS variance,
    sum(weight) AS allocations,
    sum(weight * (weight - 1)) AS allocations_variance,
    count(*) AS samples
FROM _judged($from_ns, $to_ns, $process_ids, $thread_ids, $window_ids, $live_at_ns, $within_ns)
WHERE
    ($live_at_ns::BIGINT IS NULL OR is_held)
    AND ($within_ns::BIGINT IS NULL OR is_freed_soon)
GROUP BY ALL
ORDER BY ALL;

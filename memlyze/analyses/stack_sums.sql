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
FROM _selected($from_ns, $to_ns, $process_ids, $thread_ids, $window_ids)
WHERE
    (
        $live_at_ns::BIGINT IS NULL
        OR (time_ns <= $live_at_ns AND (freed_ns = -1 OR freed_ns > $live_at_ns)
    ))
    AND ($within_ns::BIGINT IS NULL OR (freed_ns <> -1 AND freed_ns - time_ns <= $within_ns))
    AND (
        $live_at_ns::BIGINT IS NULL
        OR process_id NOT IN (
            -- What is live at the end is so at the end of each process.
            SELECT process_id FROM _ended_processes WHERE end_ns < $live_at_ns AND $live_at_ns <> 9223372036854775807
        )
    )
GROUP BY ALL
ORDER BY ALL;

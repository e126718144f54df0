-- What each call stack allocated, held and soon freed, of the chosen allocations; one row for each stack, thread and process.
SELECT
    stack_id,
    thread_id,
    process_id,
    sum(bytes) AS allocated_bytes,
    sum(weight) AS allocations,
    coalesce(sum(bytes) FILTER (WHERE is_held), 0) AS held_bytes,
    coalesce(sum(weight) FILTER (WHERE is_held), 0) AS held,
    coalesce(sum(bytes) FILTER (WHERE is_temporary), 0) AS temporary_bytes,
    coalesce(sum(weight) FILTER (WHERE is_temporary), 0) AS temporary
FROM (
    SELECT
        stack_id, thread_id, process_id, bytes, weight,
        time_ns <= $live_at_ns AND (freed_ns = -1 OR freed_ns > $live_at_ns)
        AND (
            $live_at_ns = 9223372036854775807 -- at the end of each process's recording
            OR process_id NOT IN (SELECT process_id FROM _ended_processes WHERE end_ns < $live_at_ns)
        ) AS is_held,
        freed_ns <> -1 AND freed_ns - time_ns <= $within_ns AS is_temporary
    FROM _selected($from_ns, $to_ns, $process_ids, $thread_ids, $window_ids)
)
GROUP BY ALL
ORDER BY ALL;

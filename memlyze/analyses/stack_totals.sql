-- What each call stack allocated, held and soon freed, of the chosen allocations; one row for each stack, thread and process.
SELECT
    stack_id,
    thread_id,
    process_id,
    sum(bytes) AS allocated_bytes,
    sum(weight) AS allocations,
    coalesce(sum(bytes) FILTER (WHERE is_held), 0) AS held_bytes,
    coalesce(sum(weight) FILTER (WHERE is_held), 0) AS held,
    coalesce(sum(bytes) FILTER (WHERE is_freed_soon), 0) AS temporary_bytes,
    coalesce(sum(weight) FILTER (WHERE is_freed_soon), 0) AS temporary
FROM _judged($from_ns, $to_ns, $process_ids, $thread_ids, $window_ids, $live_at_ns, $within_ns)
GROUP BY ALL
ORDER BY ALL;

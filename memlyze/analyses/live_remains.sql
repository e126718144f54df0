-- What of the chosen allocations was live in a process that ended while others went on, and when it ended.
WITH
remaining AS ( -- summed up first, or all allocations would be held in memory for the join
    SELECT process_id, time_ns, sum(bytes) AS bytes, sum(variance) AS variance
    FROM _selected($from_ns, $to_ns, $process_ids, $thread_ids, $window_ids)
    WHERE freed_ns = -1 AND ($stack_ids::BIGINT[] IS NULL OR stack_id IN (SELECT unnest($stack_ids::BIGINT[])))
    GROUP BY ALL
)
SELECT
    greatest(e.end_ns + 1, r.time_ns) AS time_ns,
    sum(r.bytes)::DOUBLE AS bytes,
    sum(r.variance)::DOUBLE AS variance
FROM remaining AS r
JOIN _ended_processes AS e USING (process_id)
GROUP BY ALL;

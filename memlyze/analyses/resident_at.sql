-- The last reading of the memory clock before a moment, of each process that ran then; before the first, that one.
SELECT
    process_id,
    coalesce(max(time_ns) FILTER (WHERE time_ns <= $time_ns), min(time_ns)) AS time_ns,
    coalesce(
        arg_max(program_rss, time_ns) FILTER (WHERE time_ns <= $time_ns), arg_min(program_rss, time_ns)
    ) AS rss
FROM memory AS m
JOIN processes AS p USING (process_id)
WHERE
    program_rss IS NOT NULL
    AND ($process_id::BIGINT IS NULL OR process_id = $process_id)
    AND p.start_ns <= $time_ns
    AND process_id NOT IN (SELECT process_id FROM _ended_processes WHERE end_ns < $time_ns)
GROUP BY process_id
ORDER BY rss DESC, process_id;

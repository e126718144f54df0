-- At most so much of what a process has mapped itself was resident, in its snapshot nearest to a moment; all of those
-- that were chosen together, but for those that had ended or not yet begun. No row where there is no snapshot.
WITH
nearest AS (
    SELECT process_id, arg_min(time_ns, abs(time_ns - $moment_ns)) AS time_ns
    FROM rss_explained
    JOIN processes USING (process_id)
    WHERE
        ($process_id::BIGINT IS NULL OR process_id = $process_id)
        AND start_ns <= $moment_ns
        AND process_id NOT IN (SELECT process_id FROM _ended_processes WHERE end_ns < $moment_ns)
    GROUP BY process_id
)
SELECT
    max(n.time_ns)::BIGINT AS time_ns,
    coalesce(sum(r.resident_bytes) FILTER (WHERE r.category IN ('unexplained', 'shared_memory')), 0)::BIGINT AS bytes
FROM nearest AS n
JOIN rss_explained AS r USING (process_id, time_ns)
HAVING count(*) > 0;

-- At most so much of what a process has mapped itself was resident, in its snapshot nearest to a moment, or in a later one
-- before `until_ns` that saw more; all of those that were chosen together, but for those that had ended or not yet begun.
-- No row where there is no snapshot.
WITH
snapshots AS (
    SELECT
        process_id,
        r.time_ns,
        coalesce(sum(resident_bytes) FILTER (WHERE category IN ('unexplained', 'shared_memory')), 0) AS bytes,
        abs(r.time_ns - $moment_ns) AS distance_ns
    FROM rss_explained AS r
    JOIN processes USING (process_id)
    WHERE
        ($process_id::BIGINT IS NULL OR process_id = $process_id)
        AND start_ns <= $moment_ns
        AND process_id NOT IN (SELECT process_id FROM _ended_processes WHERE end_ns < $moment_ns)
    GROUP BY process_id, r.time_ns
),
nearest AS (
    SELECT process_id, min(distance_ns) AS distance_ns
    FROM snapshots
    GROUP BY process_id
),
greatest_of_each AS (
    SELECT s.process_id, s.time_ns, s.bytes
    FROM snapshots AS s
    JOIN nearest AS n USING (process_id)
    WHERE s.distance_ns = n.distance_ns OR (s.time_ns > $moment_ns AND s.time_ns < $until_ns)
    QUALIFY row_number() OVER (PARTITION BY s.process_id ORDER BY s.bytes DESC, s.distance_ns, s.time_ns) = 1
)
SELECT max(time_ns)::BIGINT AS time_ns, sum(bytes)::BIGINT AS bytes
FROM greatest_of_each
HAVING count(*) > 0;

-- The heap graphs that were taken in a range; one row for each, in order.
SELECT time_ns, pause_ns, object_count AS objects, process_id
FROM checkpoints
WHERE
    time_ns >= $from_ns
    AND time_ns < $to_ns
    AND ($process_id::BIGINT IS NULL OR process_id = $process_id)
ORDER BY time_ns, process_id;

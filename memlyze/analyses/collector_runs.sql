-- The collector's runs in a range, or so many neighbours together that there are at most `marks`; one row for each.
WITH
chosen AS (
    SELECT *
    FROM gc
    WHERE
        time_ns >= $from_ns
        AND time_ns < $to_ns
        AND ($process_id::BIGINT IS NULL OR process_id = $process_id)
),
numbered AS (
    SELECT
        *,
        (row_number() OVER (PARTITION BY process_id ORDER BY time_ns) - 1)
        // ((count(*) OVER () + $marks - 1) // $marks) AS place
    FROM chosen
)
SELECT
    min(time_ns) AS time_ns,
    sum(duration_ns)::BIGINT AS duration_ns,
    max(generation)::BIGINT AS generation,
    sum(collected)::BIGINT AS collected,
    count(*) AS count,
    process_id
FROM numbered
GROUP BY process_id, place
ORDER BY time_ns, process_id;

-- The windows that are open at some moment of a range, the longest if there are more than `marks`; one row for each, the
-- first to open first, with how many there are in all.
WITH
chosen AS (
    SELECT
        window_id,
        nullif(parent_id, 0) AS parent_id,
        kind,
        _window_label(kind, method, name) AS name,
        start_ns,
        nullif(end_ns, -1) AS end_ns,
        thread_id,
        process_id,
        count(*) OVER () AS total
    FROM _raw_windows
    WHERE
        start_ns < $to_ns
        AND (end_ns = -1 OR end_ns >= $from_ns)
        AND ($process_id::BIGINT IS NULL OR process_id = $process_id)
)
SELECT *
FROM (
    SELECT * FROM chosen ORDER BY coalesce(end_ns, 9223372036854775807) - start_ns DESC, window_id LIMIT $marks
) AS longest
ORDER BY start_ns, coalesce(end_ns, 9223372036854775807) DESC, window_id;

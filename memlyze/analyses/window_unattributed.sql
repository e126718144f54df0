-- What was allocated in no window, beside all that was; one row.
SELECT
    coalesce(sum(bytes), 0) AS bytes,
    coalesce(sum(bytes) FILTER (WHERE window_id IS NULL), 0) AS outside,
    _bytes_error(
        sum(bytes) FILTER (WHERE window_id IS NULL),
        sum(size::DOUBLE * bytes * (weight - 1)) FILTER (WHERE window_id IS NULL),
        (SELECT unseen_bytes FROM _sampling)
    ) AS outside_error
FROM allocations;

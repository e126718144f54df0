-- What was allocated in no window, beside all that was; one row.
SELECT
    coalesce(sum(bytes), 0) AS bytes,
    coalesce(sum(bytes) FILTER (WHERE window_id IS NULL), 0) AS outside,
    1.96 * sqrt(coalesce(sum(size::DOUBLE * bytes * (weight - 1)) FILTER (WHERE window_id IS NULL), 0)) AS outside_error
FROM allocations;

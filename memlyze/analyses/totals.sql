-- What was allocated in all; one row.
SELECT
    count(*) AS samples,
    coalesce(sum(bytes), 0) AS bytes,
    1.96 * sqrt(coalesce(sum(size::DOUBLE * bytes * (weight - 1)), 0)) AS bytes_error,
    coalesce(sum(weight), 0) AS allocations,
    1.96 * sqrt(coalesce(sum(weight * (weight - 1)), 0)) AS allocations_error,
    coalesce(sum(bytes) FILTER (WHERE freed_ns IS NULL), 0) AS live_bytes,
    1.96 * sqrt(
        coalesce(sum(size::DOUBLE * bytes * (weight - 1)) FILTER (WHERE freed_ns IS NULL), 0)
    ) AS live_bytes_error,
    coalesce(max(greatest(time_ns, coalesce(freed_ns, 0))), 0) AS last_ns
FROM allocations;

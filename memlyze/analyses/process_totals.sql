-- What each process allocated, and when last anything happened to that; one row for each.
SELECT
    process_id,
    count(*) AS samples,
    sum(bytes) AS bytes,
    _bytes_error(sum(bytes), sum(size::DOUBLE * bytes * (weight - 1)), any_value(unseen_bytes)) AS bytes_error,
    max(greatest(time_ns, coalesce(freed_ns, 0))) AS last_ns
FROM allocations, _sampling
GROUP BY process_id;

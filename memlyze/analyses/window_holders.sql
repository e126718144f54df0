-- What was held at one moment in one process, by the windows that had allocated it; NULL: in none.
SELECT
    w.name,
    w.kind,
    nullif(w.method, '') AS method,
    count(DISTINCT w.window_id) AS windows,
    sum(a.bytes) AS bytes,
    _bytes_error(sum(a.bytes), sum(a.size::DOUBLE * a.bytes * (a.weight - 1)), any_value(u.unseen_bytes)) AS bytes_error,
    arg_max(a.window_id, a.bytes) AS window_id
FROM allocations AS a
LEFT JOIN _raw_windows AS w ON w.window_id = a.window_id
CROSS JOIN _sampling AS u
WHERE a.time_ns <= $moment_ns AND (a.freed_ns IS NULL OR a.freed_ns > $moment_ns) AND a.process_id = $process_id
GROUP BY ALL
ORDER BY bytes DESC, name, method
LIMIT $count;

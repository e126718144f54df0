-- What was held at one moment, by the windows that had allocated it; NULL: in none.
SELECT
    w.name,
    w.kind,
    nullif(w.method, '') AS method,
    count(DISTINCT w.window_id) AS windows,
    sum(a.bytes) AS bytes,
    _bytes_error(sum(a.bytes), sum(a.variance), any_value(u.unseen_bytes)) AS bytes_error,
    nullif(arg_max(a.window_id, a.bytes), 0) AS window_id
FROM _judged(0, 9223372036854775807, NULL, NULL, NULL, $moment_ns, NULL) AS a
LEFT JOIN _raw_windows AS w ON w.window_id = a.window_id
CROSS JOIN _sampling AS u
WHERE a.is_held
GROUP BY ALL
ORDER BY bytes DESC, name, method
LIMIT $count;

-- What was held at one moment, by the windows that had allocated it; NULL: in none.
SELECT
    w.name,
    w.kind,
    nullif(w.method, '') AS method,
    count(w.window_id) AS windows,
    sum(a.bytes) AS bytes,
    _bytes_error(sum(a.bytes), sum(a.variance), any_value(u.unseen_bytes)) AS bytes_error,
    nullif(arg_max(a.group_id, a.bytes), 0) AS window_id
FROM _event_sums AS a -- one row for each window: see analyses/event_sums.py
LEFT JOIN _raw_windows AS w ON w.window_id = a.group_id
CROSS JOIN _sampling AS u
GROUP BY ALL
ORDER BY bytes DESC, name, method
LIMIT $count;

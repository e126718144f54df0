-- What was held at one moment, by the windows that had allocated it; NULL: in none.
WITH
held AS (
    SELECT
        w.name,
        w.kind,
        w.method,
        count(w.window_id) AS windows,
        sum(a.bytes) AS bytes,
        _bytes_error(sum(a.bytes), sum(a.variance), any_value(u.unseen_bytes)) AS bytes_error,
        nullif(arg_max(a.group_id, a.bytes), 0) AS window_id
    FROM _event_sums AS a -- one row for each window: see analyses/event_sums.py
    LEFT JOIN _raw_windows AS w ON w.window_id = a.group_id
    CROSS JOIN _sampling AS u
    GROUP BY ALL
),

opened AS (
    SELECT name, kind, method, count(*) AS windows FROM _raw_windows WHERE start_ns <= $moment_ns GROUP BY ALL
)
SELECT
    h.name,
    h.kind,
    nullif(h.method, '') AS method,
    h.windows,
    coalesce(o.windows, 0) AS of_windows,
    h.bytes,
    h.bytes_error,
    h.window_id
FROM held AS h
LEFT JOIN opened AS o ON o.name = h.name AND o.kind = h.kind AND o.method = h.method
ORDER BY h.bytes DESC, h.name, h.method
LIMIT $count;

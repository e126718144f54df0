-- Where one window, with the windows inside it, allocated; the greatest site first. A site is chosen as by `hotspots()`.
SELECT
    coalesce(f.function, '<unknown>') AS function,
    coalesce(f.file, '<unknown>') AS file,
    coalesce(f.line, 0) AS line,
    sum(b.bytes) AS bytes,
    _bytes_error(sum(b.bytes), sum(b.variance), any_value(u.unseen_bytes)) AS bytes_error,
    coalesce(sum(b.bytes) FILTER (WHERE b.freed_ns = 9223372036854775807), 0) AS live_bytes,
    _bytes_error(
        sum(b.bytes) FILTER (WHERE b.freed_ns = 9223372036854775807),
        sum(b.variance) FILTER (WHERE b.freed_ns = 9223372036854775807),
        any_value(u.unseen_bytes)
    ) AS live_bytes_error,
    count(*) AS samples
FROM _window_blocks AS b
LEFT JOIN _raw_stack_sites AS s ON s.stack_id = b.stack_id
LEFT JOIN _raw_frames AS f ON f.frame_id = s.program_frame_id
CROSS JOIN _sampling AS u
WHERE b.window_id = $window_id
GROUP BY ALL
ORDER BY bytes DESC, file, line, function
LIMIT $count;

-- What of the chosen allocations was made in no window, what of that was never freed, and what was before the first
-- window; beside all that was; one row.
SELECT
    coalesce(sum(bytes), 0) AS bytes,
    coalesce(sum(bytes) FILTER (WHERE window_id = 0), 0) AS outside,
    _bytes_error(
        sum(bytes) FILTER (WHERE window_id = 0),
        sum(variance) FILTER (WHERE window_id = 0),
        (SELECT unseen_bytes FROM _sampling)
    ) AS outside_error,
    coalesce(sum(bytes) FILTER (WHERE window_id = 0 AND freed_ns = -1), 0) AS outside_live,
    _bytes_error(
        sum(bytes) FILTER (WHERE window_id = 0 AND freed_ns = -1),
        sum(variance) FILTER (WHERE window_id = 0 AND freed_ns = -1),
        (SELECT unseen_bytes FROM _sampling)
    ) AS outside_live_error,
    coalesce(sum(bytes) FILTER (WHERE window_id = 0 AND time_ns < f.first_ns), 0) AS before_first,
    _bytes_error(
        sum(bytes) FILTER (WHERE window_id = 0 AND time_ns < f.first_ns),
        sum(variance) FILTER (WHERE window_id = 0 AND time_ns < f.first_ns),
        (SELECT unseen_bytes FROM _sampling)
    ) AS before_first_error
FROM _selected($from_ns, $to_ns, $process_ids, $thread_ids, $window_ids),
    (SELECT min(start_ns) AS first_ns FROM _raw_windows) AS f;

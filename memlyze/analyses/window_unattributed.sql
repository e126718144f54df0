-- What of the chosen allocations was made in no window, and what of that was never freed, beside all that was; one row.
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
    ) AS outside_live_error
FROM _selected($from_ns, $to_ns, $process_ids, $thread_ids, $window_ids);

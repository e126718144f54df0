-- What each window took, as in the view `windows`; one row for each, in order of their numbers.
SELECT
    w.window_id,
    w.parent_id,
    w.kind,
    _window_label(w.kind, w.method, w.name) AS name,
    w.start_ns,
    CASE WHEN w.end_ns = -1 THEN -1 ELSE w.end_ns - w.start_ns END AS duration_ns,
    w.thread_id,
    w.process_id,
    coalesce(f.bytes, 0)::DOUBLE AS allocated_bytes,
    coalesce(f.variance, 0)::DOUBLE AS allocated_variance,
    _bytes_error(f.bytes, f.variance, u.unseen_bytes) AS allocated_bytes_error,
    coalesce(CASE WHEN w.end_ns = -1 THEN f.live ELSE f.retained END, 0)::DOUBLE AS retained_bytes,
    coalesce(CASE WHEN w.end_ns = -1 THEN f.live_variance ELSE f.retained_variance END, 0)::DOUBLE AS retained_variance,
    _bytes_error(
        CASE WHEN w.end_ns = -1 THEN f.live ELSE f.retained END,
        CASE WHEN w.end_ns = -1 THEN f.live_variance ELSE f.retained_variance END,
        u.unseen_bytes
    ) AS retained_bytes_error,
    coalesce(f.live, 0)::DOUBLE AS live_bytes,
    coalesce(f.live_variance, 0)::DOUBLE AS live_variance,
    coalesce(f.samples, 0)::BIGINT AS samples
FROM _raw_windows AS w
LEFT JOIN _raw_window_sums AS f USING (window_id)
CROSS JOIN _sampling AS u
ORDER BY w.window_id;

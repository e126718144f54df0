-- What each window took, as in the view `windows` but without the peaks, which are dear; one row for each, in order of
-- their numbers.
SELECT
    w.window_id,
    w.parent_id,
    w.kind,
    w.name,
    w.start_ns,
    CASE WHEN w.end_ns = -1 THEN -1 ELSE w.end_ns - w.start_ns END AS duration_ns,
    w.thread_id,
    w.process_id,
    coalesce(f.bytes, 0)::DOUBLE AS allocated_bytes,
    1.96 * sqrt(coalesce(f.variance, 0)) AS allocated_bytes_error,
    coalesce(CASE WHEN w.end_ns = -1 THEN f.live ELSE f.retained END, 0)::DOUBLE AS retained_bytes,
    1.96 * sqrt(coalesce(CASE WHEN w.end_ns = -1 THEN f.live_variance ELSE f.retained_variance END, 0))
        AS retained_bytes_error,
    coalesce(f.live, 0)::DOUBLE AS live_bytes,
    coalesce(f.samples, 0)::BIGINT AS samples
FROM _raw_windows AS w
LEFT JOIN _window_figures AS f USING (window_id)
ORDER BY w.window_id;

-- What each window took, with the variances of what it shows: beneath `windows` and `windows_by_name()`.
CREATE VIEW _window_rows AS
SELECT
    w.window_id,
    nullif(w.parent_id, 0) AS parent_id,
    w.kind,
    w.name,
    nullif(w.method, '') AS method,
    nullif(w.status, 0) AS status,
    w.start_ns,
    CASE WHEN w.first_byte_after_ns >= 0 THEN w.start_ns + w.first_byte_after_ns END AS first_byte_ns,
    nullif(w.end_ns, -1) AS end_ns,
    nullif(w.end_ns, -1) - w.start_ns AS duration_ns,
    w.thread_id,
    nullif(w.attributes, '') AS attributes,
    coalesce(f.bytes, 0) AS bytes,
    coalesce(f.variance, 0) AS variance,
    coalesce(f.allocations, 0) AS allocations,
    coalesce(f.allocations_variance, 0) AS allocations_variance,
    coalesce(f.samples, 0) AS samples,
    coalesce(f.own_bytes, 0) AS own_bytes,
    coalesce(f.own_variance, 0) AS own_variance,
    coalesce(f.peak, 0) AS peak,
    coalesce(f.peak_variance, 0) AS peak_variance,
    coalesce(CASE WHEN w.end_ns = -1 THEN f.live ELSE f.retained END, 0) AS retained,
    coalesce(CASE WHEN w.end_ns = -1 THEN f.live_variance ELSE f.retained_variance END, 0) AS retained_variance,
    w.end_ns <> -1 AND w.end_ns + 1000000000 <= p.end_ns AS is_known_after_1s,
    coalesce(f.retained_1s, 0) AS retained_1s,
    coalesce(f.retained_1s_variance, 0) AS retained_1s_variance,
    w.end_ns <> -1 AND w.end_ns + 10000000000 <= p.end_ns AS is_known_after_10s,
    coalesce(f.retained_10s, 0) AS retained_10s,
    coalesce(f.retained_10s_variance, 0) AS retained_10s_variance,
    w.end_ns <> -1 AND w.end_ns + 60000000000 <= p.end_ns AS is_known_after_60s,
    coalesce(f.retained_60s, 0) AS retained_60s,
    coalesce(f.retained_60s_variance, 0) AS retained_60s_variance,
    coalesce(f.live, 0) AS live,
    coalesce(f.live_variance, 0) AS live_variance,
    coalesce(c.duration_ns, 0) AS collector_ns,
    w.process_id
FROM _raw_windows AS w
LEFT JOIN _raw_window_sums AS f USING (window_id)
LEFT JOIN _window_collections AS c USING (window_id)
LEFT JOIN _process_ends AS p USING (process_id);

-- The sums over the allocations of each window, of those that allocated. What a window held at a moment is what was
-- allocated in it before, and not freed by then.
CREATE VIEW _window_figures AS
WITH
spans AS (
    SELECT window_id, CASE WHEN end_ns = -1 THEN 9223372036854775807 ELSE end_ns END AS end_ns
    FROM _raw_windows
),
blocks AS (
    SELECT
        b.*,
        b.time_ns < s.end_ns AND b.freed_ns >= s.end_ns AS is_retained,
        b.time_ns - 1000000000 < s.end_ns AND b.freed_ns - 1000000000 >= s.end_ns AS is_retained_1s,
        b.time_ns - 10000000000 < s.end_ns AND b.freed_ns - 10000000000 >= s.end_ns AS is_retained_10s,
        b.time_ns - 60000000000 < s.end_ns AND b.freed_ns - 60000000000 >= s.end_ns AS is_retained_60s,
        b.freed_ns = 9223372036854775807 AS is_live
    FROM _window_blocks AS b
    JOIN spans AS s USING (window_id)
)
SELECT
    window_id,
    sum(bytes) AS bytes,
    sum(variance) AS variance,
    sum(weight) AS allocations,
    sum(weight * (weight - 1)) AS allocations_variance,
    count(*) AS samples,
    sum(bytes) FILTER (WHERE own_window_id = window_id) AS own_bytes,
    sum(variance) FILTER (WHERE own_window_id = window_id) AS own_variance,
    sum(bytes) FILTER (WHERE is_retained) AS retained,
    sum(variance) FILTER (WHERE is_retained) AS retained_variance,
    sum(bytes) FILTER (WHERE is_retained_1s) AS retained_1s,
    sum(variance) FILTER (WHERE is_retained_1s) AS retained_1s_variance,
    sum(bytes) FILTER (WHERE is_retained_10s) AS retained_10s,
    sum(variance) FILTER (WHERE is_retained_10s) AS retained_10s_variance,
    sum(bytes) FILTER (WHERE is_retained_60s) AS retained_60s,
    sum(variance) FILTER (WHERE is_retained_60s) AS retained_60s_variance,
    sum(bytes) FILTER (WHERE is_live) AS live,
    sum(variance) FILTER (WHERE is_live) AS live_variance
FROM blocks
GROUP BY window_id;

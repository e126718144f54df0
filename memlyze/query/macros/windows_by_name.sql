-- What each route, task or profiled function costs: one row for each name of a window (and method of a request), the
-- greatest first, and one, without a name, for what was allocated in no window. Figures count the windows inside, as in `windows`; bytes of a
-- window inside another of the same name are therefore counted for both.
CREATE MACRO windows_by_name() AS TABLE
WITH
summed AS (
    SELECT
        name,
        kind,
        method,
        count(*) AS windows,
        count(*) FILTER (WHERE end_ns IS NULL) AS unfinished,
        count(*) FILTER (WHERE kind = 'http' AND status >= 500) AS failed,
        sum(bytes) AS bytes,
        sum(variance) AS variance,
        quantile_cont(bytes, 0.5) AS median_allocated,
        quantile_cont(bytes, 0.95) AS p95_allocated,
        -- Of the windows at the places of these two, and of the greatest.
        quantile_disc({'bytes': bytes, 'variance': variance}, 0.5).variance AS median_allocated_variance,
        quantile_disc({'bytes': bytes, 'variance': variance}, 0.95).variance AS p95_allocated_variance,
        max({'bytes': bytes, 'variance': variance}) AS most_allocated,
        max({'bytes': peak, 'variance': peak_variance}) AS most_peak,
        sum(retained) AS retained,
        sum(retained_variance) AS retained_variance,
        quantile_cont(retained, 0.5) AS median_retained,
        quantile_cont(retained, 0.95) AS p95_retained,
        quantile_disc({'bytes': retained, 'variance': retained_variance}, 0.5).variance AS median_retained_variance,
        quantile_disc({'bytes': retained, 'variance': retained_variance}, 0.95).variance AS p95_retained_variance,
        max({'bytes': retained, 'variance': retained_variance}) AS most_retained,
        sum(live) AS live,
        sum(live_variance) AS live_variance,
        avg(duration_ns) AS mean_duration_ns,
        quantile_cont(duration_ns, 0.95) AS p95_duration_ns,
        max(duration_ns) AS max_duration_ns,
        sum(collector_ns)::BIGINT AS collector_ns,
        sum(samples)::BIGINT AS samples
    FROM _window_rows
    GROUP BY name, kind, method
    UNION ALL BY NAME
    SELECT
        NULL::VARCHAR AS name,
        0::BIGINT AS windows,
        bytes,
        variance,
        live,
        live_variance,
        samples
    FROM _raw_window_sums
    WHERE window_id = 0
)
SELECT
    -- Name of the windows; of requests, the template of their route. NULL: what was allocated in no window.
    name,
    -- What opened them, as in `windows`; NULL: no window.
    kind,
    -- Method of the requests; NULL: no HTTP requests.
    method,
    -- How many there were; 0 in the row for what was allocated in no window, which has only sums.
    windows,
    -- Of these, those that were open when recording ended.
    unfinished,
    -- Of these, requests that were answered with a status of 500 or more.
    failed,
    -- Bytes allocated in all of them (an estimate while sampling).
    bytes AS allocated_bytes,
    -- Half width of the 95 % interval around `allocated_bytes`: 0 at `sample_rate=1.0`.
    _bytes_error(bytes, variance, unseen_bytes) AS allocated_bytes_error,
    -- Bytes allocated in one of them on average.
    bytes / nullif(windows, 0) AS mean_allocated_bytes,
    -- Half width of the 95 % interval around `mean_allocated_bytes`.
    _bytes_error(bytes, variance, unseen_bytes) / nullif(windows, 0) AS mean_allocated_bytes_error,
    -- Half of them allocated no more bytes than this. While sampling, the three figures of a distribution are wider than the truth.
    median_allocated AS median_allocated_bytes,
    -- Half width of the 95 % interval around what the window in the middle allocated.
    CASE WHEN windows > 0 THEN _bytes_error(median_allocated, median_allocated_variance, unseen_bytes) END AS median_allocated_bytes_error,
    -- 95 of 100 allocated no more bytes than this.
    p95_allocated AS p95_allocated_bytes,
    -- Half width of the 95 % interval around what the window at that place allocated.
    CASE WHEN windows > 0 THEN _bytes_error(p95_allocated, p95_allocated_variance, unseen_bytes) END AS p95_allocated_bytes_error,
    -- Bytes allocated in the greediest of them.
    most_allocated.bytes AS max_allocated_bytes,
    -- Half width of the 95 % interval around `max_allocated_bytes`.
    CASE WHEN windows > 0 THEN _bytes_error(most_allocated.bytes, most_allocated.variance, unseen_bytes) END AS max_allocated_bytes_error,
    -- The most bytes that one of them held at one time.
    most_peak.bytes AS max_peak_bytes,
    -- Half width of the 95 % interval around `max_peak_bytes`.
    CASE WHEN windows > 0 THEN _bytes_error(most_peak.bytes, most_peak.variance, unseen_bytes) END AS max_peak_bytes_error,
    -- Bytes not yet freed when each was closed, summed.
    retained AS retained_bytes,
    -- Half width of the 95 % interval around `retained_bytes`.
    CASE WHEN windows > 0 THEN _bytes_error(retained, retained_variance, unseen_bytes) END AS retained_bytes_error,
    -- Half of them held no more bytes than this when they were closed.
    median_retained AS median_retained_bytes,
    -- Half width of the 95 % interval around what the window in the middle held.
    CASE WHEN windows > 0 THEN _bytes_error(median_retained, median_retained_variance, unseen_bytes) END AS median_retained_bytes_error,
    -- 95 of 100 held no more bytes than this when they were closed.
    p95_retained AS p95_retained_bytes,
    -- Half width of the 95 % interval around what the window at that place held.
    CASE WHEN windows > 0 THEN _bytes_error(p95_retained, p95_retained_variance, unseen_bytes) END AS p95_retained_bytes_error,
    -- The most bytes that one of them held when it was closed.
    most_retained.bytes AS max_retained_bytes,
    -- Half width of the 95 % interval around `max_retained_bytes`.
    CASE WHEN windows > 0 THEN _bytes_error(most_retained.bytes, most_retained.variance, unseen_bytes) END AS max_retained_bytes_error,
    -- Of `allocated_bytes`, those still not freed when recording ended.
    live AS live_bytes,
    -- Half width of the 95 % interval around `live_bytes`.
    _bytes_error(live, live_variance, unseen_bytes) AS live_bytes_error,
    -- How long one was open on average, in nanoseconds; those still open are left out.
    mean_duration_ns,
    -- 95 of 100 were open no longer than this, in nanoseconds.
    p95_duration_ns,
    -- How long the slowest was open, in nanoseconds.
    max_duration_ns,
    -- How long the garbage collector ran in all of them, in nanoseconds.
    collector_ns,
    -- Recorded rows from which the figures come.
    samples,
    -- Whether `allocated_bytes` rests on too few samples for its interval to be relied on: that is more than 62 % of it.
    _rests_on_few(bytes, _bytes_error(bytes, variance, unseen_bytes)) AS too_few_samples
FROM summed, _sampling
ORDER BY allocated_bytes DESC, name, kind, method;

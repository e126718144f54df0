-- What each route, task or profiled function costs: one row for each name of a window (and method of a request), the
-- greatest first. Figures count the windows inside, as in `windows`; bytes of a
-- window inside another of the same name are therefore counted for both.
CREATE MACRO windows_by_name() AS TABLE
SELECT
    -- Name of the windows; of requests, the template of their route.
    name,
    -- What opened them, as in `windows`.
    kind,
    -- Method of the requests; NULL: no HTTP requests.
    method,
    -- How many there were.
    count(*) AS windows,
    -- Of these, those that were open when recording ended.
    count(*) FILTER (WHERE end_ns IS NULL) AS unfinished,
    -- Of these, requests that were answered with a status of 500 or more.
    count(*) FILTER (WHERE kind = 'http' AND status >= 500) AS failed,
    -- Bytes allocated in all of them (an estimate while sampling).
    sum(allocated_bytes) AS allocated_bytes,
    -- Half width of the 95 % interval around `allocated_bytes`: 0 at `sample_rate=1.0`.
    sqrt(sum(allocated_bytes_error * allocated_bytes_error)) AS allocated_bytes_error,
    -- Bytes allocated in one of them on average.
    avg(allocated_bytes) AS mean_allocated_bytes,
    -- Half of them allocated no more bytes than this. While sampling, the three figures of a distribution are wider than the truth.
    quantile_cont(allocated_bytes, 0.5) AS median_allocated_bytes,
    -- 95 of 100 allocated no more bytes than this.
    quantile_cont(allocated_bytes, 0.95) AS p95_allocated_bytes,
    -- Bytes allocated in the greediest of them.
    max(allocated_bytes) AS max_allocated_bytes,
    -- The most bytes that one of them held at one time.
    max(peak_bytes) AS max_peak_bytes,
    -- Bytes not yet freed when each was closed, summed.
    sum(retained_bytes) AS retained_bytes,
    -- Half width of the 95 % interval around `retained_bytes`.
    sqrt(sum(retained_bytes_error * retained_bytes_error)) AS retained_bytes_error,
    -- Half of them held no more bytes than this when they were closed.
    quantile_cont(retained_bytes, 0.5) AS median_retained_bytes,
    -- 95 of 100 held no more bytes than this when they were closed.
    quantile_cont(retained_bytes, 0.95) AS p95_retained_bytes,
    -- The most bytes that one of them held when it was closed.
    max(retained_bytes) AS max_retained_bytes,
    -- Of `allocated_bytes`, those still not freed when recording ended.
    sum(live_bytes) AS live_bytes,
    -- Half width of the 95 % interval around `live_bytes`.
    sqrt(sum(live_bytes_error * live_bytes_error)) AS live_bytes_error,
    -- How long one was open on average, in nanoseconds; those still open are left out.
    avg(duration_ns) AS mean_duration_ns,
    -- 95 of 100 were open no longer than this, in nanoseconds.
    quantile_cont(duration_ns, 0.95) AS p95_duration_ns,
    -- How long the slowest was open, in nanoseconds.
    max(duration_ns) AS max_duration_ns,
    -- How long the garbage collector ran in all of them, in nanoseconds.
    sum(collector_ns)::BIGINT AS collector_ns,
    -- Recorded rows from which the figures come.
    sum(samples)::BIGINT AS samples,
    -- Whether there were too few samples (under 10, and not exact) for the sums and their intervals to be relied on.
    sum(samples) < 10 AND bool_or(too_few_samples) AS too_few_samples
FROM windows
GROUP BY name, kind, method
ORDER BY allocated_bytes DESC, name, kind, method;

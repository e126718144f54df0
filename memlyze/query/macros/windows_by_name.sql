-- What each kind of request, task or profiled function costs: one row for each name of a window, the
-- greatest first. Figures count the windows inside, as in `windows`; bytes of a
-- window inside another of the same name are therefore counted for both.
CREATE MACRO windows_by_name() AS TABLE
SELECT
    -- Name of the windows.
    name,
    -- What opened them, as in `windows`.
    kind,
    -- How many there were.
    count(*) AS windows,
    -- Bytes allocated in all of them (an estimate while sampling).
    sum(allocated_bytes) AS allocated_bytes,
    -- Half width of the 95 % interval around `allocated_bytes`: 0 at `sample_rate=1.0`.
    sqrt(sum(allocated_bytes_error * allocated_bytes_error)) AS allocated_bytes_error,
    -- Bytes allocated in one of them on average.
    avg(allocated_bytes) AS mean_allocated_bytes,
    -- Bytes allocated in the greediest of them.
    max(allocated_bytes) AS max_allocated_bytes,
    -- Bytes not yet freed when each was closed, summed.
    sum(retained_bytes) AS retained_bytes,
    -- Half width of the 95 % interval around `retained_bytes`.
    sqrt(sum(retained_bytes_error * retained_bytes_error)) AS retained_bytes_error,
    -- Of `allocated_bytes`, those still not freed when recording ended.
    sum(live_bytes) AS live_bytes,
    -- How long one was open on average, in nanoseconds; those still open are left out.
    avg(duration_ns) AS mean_duration_ns,
    -- How long the slowest was open, in nanoseconds.
    max(duration_ns) AS max_duration_ns,
    -- Recorded rows from which the figures come.
    sum(samples)::BIGINT AS samples
FROM windows
GROUP BY name, kind
ORDER BY allocated_bytes DESC, name, kind;

-- One window: a request, a call of a profiled function, a `with memlyze.window(...)`, a task or a test.
-- Windows nest. The memory figures of a window count what was allocated in it *and in the windows
-- inside it*; those named `own_` leave the inner windows out. What is allocated in a window after it was closed, by a task
-- that it started, still belongs to it.
CREATE VIEW windows AS
WITH
exactness AS (
    SELECT process_id, max(try_cast(value AS DOUBLE)) >= 1 AS is_exact
    FROM _raw_metadata
    WHERE key = 'sample_rate'
    GROUP BY process_id
)
SELECT
    -- Number of the window, unique among the opened traces.
    w.window_id,
    -- Window in which this one was opened; NULL: none.
    nullif(w.parent_id, 0) AS parent_id,
    -- What opened it: `window` (a `with` block), `call` (a profiled function), `http` or `websocket` (a request), or
    -- what another integration says.
    w.kind,
    -- Name that it was given; of a request, the template of its route; empty: of a request that was not over when recording ended.
    w.name,
    -- Method of the request, such as `GET`; NULL: no HTTP request.
    nullif(w.method, '') AS method,
    -- Status of the answer, of a websocket its close code; NULL: none.
    nullif(w.status, 0) AS status,
    -- When it was opened, in nanoseconds since the start of the trace.
    w.start_ns,
    -- When the answer to the request began, in nanoseconds since the start of the trace; NULL: never, or no request.
    CASE WHEN w.first_byte_after_ns >= 0 THEN w.start_ns + w.first_byte_after_ns END AS first_byte_ns,
    -- When it was closed; NULL: open when recording ended.
    nullif(w.end_ns, -1) AS end_ns,
    -- How long it was open, in nanoseconds; NULL: open when recording ended.
    nullif(w.end_ns, -1) - w.start_ns AS duration_ns,
    -- Thread that opened it (`threads`).
    w.thread_id,
    -- Attributes that it was given, as a JSON object; NULL: none.
    nullif(w.attributes, '') AS attributes,
    -- Bytes allocated in it and in the windows inside it (an estimate while sampling).
    coalesce(f.bytes, 0) AS allocated_bytes,
    -- Half width of the 95 % interval around `allocated_bytes`: 0 at `sample_rate=1.0`.
    1.96 * sqrt(coalesce(f.variance, 0)) AS allocated_bytes_error,
    -- Number of those allocations (an estimate while sampling).
    coalesce(f.allocations, 0) AS allocations,
    -- Half width of the 95 % interval around `allocations`.
    1.96 * sqrt(coalesce(f.allocations_variance, 0)) AS allocations_error,
    -- Recorded rows from which the figures come.
    coalesce(f.samples, 0) AS samples,
    -- Whether there were too few samples (under 10, and not exact) for the figures and their intervals to be relied on.
    coalesce(f.samples, 0) < 10 AND NOT coalesce(x.is_exact, coalesce(f.allocations_variance, 1) = 0) AS too_few_samples,
    -- Bytes allocated in it while no window inside it was open.
    coalesce(f.own_bytes, 0) AS own_allocated_bytes,
    -- The most bytes that it held at one time, of those that it allocated; a lower bound where blocks come and go within
    -- a millisecond.
    coalesce(k.bytes, 0) AS peak_bytes,
    -- Half width of the 95 % interval around `peak_bytes`.
    1.96 * sqrt(coalesce(k.variance, 0)) AS peak_bytes_error,
    -- Bytes that it held when it was closed (or recording ended).
    CASE WHEN w.end_ns = -1 THEN coalesce(f.live, 0) ELSE coalesce(f.retained, 0) END AS retained_bytes,
    -- Half width of the 95 % interval around `retained_bytes`.
    1.96 * sqrt(coalesce(CASE WHEN w.end_ns = -1 THEN f.live_variance ELSE f.retained_variance END, 0)) AS retained_bytes_error,
    -- Bytes that it held 1 second after it was closed; NULL: recording had ended by then.
    CASE WHEN w.end_ns <> -1 AND w.end_ns + 1000000000 <= p.end_ns THEN coalesce(f.retained_1s, 0) END AS retained_1s_bytes,
    -- Half width of the 95 % interval around `retained_1s_bytes`.
    CASE
        WHEN w.end_ns <> -1 AND w.end_ns + 1000000000 <= p.end_ns THEN 1.96 * sqrt(coalesce(f.retained_1s_variance, 0))
    END AS retained_1s_bytes_error,
    -- Bytes that it held 10 seconds after it was closed; NULL: recording had ended by then.
    CASE WHEN w.end_ns <> -1 AND w.end_ns + 10000000000 <= p.end_ns THEN coalesce(f.retained_10s, 0) END AS retained_10s_bytes,
    -- Half width of the 95 % interval around `retained_10s_bytes`.
    CASE
        WHEN w.end_ns <> -1 AND w.end_ns + 10000000000 <= p.end_ns THEN 1.96 * sqrt(coalesce(f.retained_10s_variance, 0))
    END AS retained_10s_bytes_error,
    -- Bytes that it held 60 seconds after it was closed; NULL: recording had ended by then.
    CASE WHEN w.end_ns <> -1 AND w.end_ns + 60000000000 <= p.end_ns THEN coalesce(f.retained_60s, 0) END AS retained_60s_bytes,
    -- Half width of the 95 % interval around `retained_60s_bytes`.
    CASE
        WHEN w.end_ns <> -1 AND w.end_ns + 60000000000 <= p.end_ns THEN 1.96 * sqrt(coalesce(f.retained_60s_variance, 0))
    END AS retained_60s_bytes_error,
    -- Bytes that it still held when recording ended.
    coalesce(f.live, 0) AS live_bytes,
    -- Half width of the 95 % interval around `live_bytes`.
    1.96 * sqrt(coalesce(f.live_variance, 0)) AS live_bytes_error,
    -- How long the garbage collector ran in it, in nanoseconds.
    coalesce(c.duration_ns, 0) AS collector_ns,
    -- Process of the window (`processes`).
    w.process_id
FROM _raw_windows AS w
LEFT JOIN _window_figures AS f USING (window_id)
LEFT JOIN _window_peaks AS k USING (window_id)
LEFT JOIN _window_collections AS c USING (window_id)
LEFT JOIN _process_ends AS p USING (process_id)
LEFT JOIN exactness AS x USING (process_id);

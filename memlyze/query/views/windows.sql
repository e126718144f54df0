-- One window: a call of a profiled function, a `with memlyze.window(...)`, a request, a task or a test.
-- Windows nest. The memory figures of a window count what was allocated in it *and in the windows
-- inside it*; those named `own_` leave the inner windows out.
CREATE VIEW windows AS
WITH RECURSIVE
enclosing AS (
    SELECT window_id, window_id AS enclosing_id, parent_id
    FROM _raw_windows
    UNION ALL
    SELECT e.window_id, w.window_id AS enclosing_id, w.parent_id
    FROM enclosing AS e
    JOIN _raw_windows AS w ON w.window_id = e.parent_id
),
figures AS (
    SELECT
        e.enclosing_id AS window_id,
        sum(a.bytes) AS allocated_bytes,
        sum(a.variance) AS allocated_variance,
        sum(a.weight) AS allocations,
        count(*) AS samples,
        sum(a.bytes) FILTER (WHERE a.window_id = e.enclosing_id) AS own_allocated_bytes,
        sum(a.bytes) FILTER (WHERE a.freed_ns = -1 OR a.freed_ns >= w.end_ns) AS retained_bytes,
        sum(a.variance) FILTER (WHERE a.freed_ns = -1 OR a.freed_ns >= w.end_ns) AS retained_variance,
        sum(a.bytes) FILTER (WHERE a.freed_ns = -1) AS live_bytes
    FROM (
        SELECT
            window_id, freed_ns, weight,
            size * weight AS bytes,
            size::DOUBLE * size * weight * (weight - 1) AS variance
        FROM _raw_allocations
        WHERE allocator <= 4 AND window_id <> 0
    ) AS a
    JOIN enclosing AS e ON e.window_id = a.window_id
    JOIN (
        SELECT
            window_id,
            CASE WHEN end_ns = -1 THEN 9223372036854775807 ELSE end_ns END AS end_ns
        FROM _raw_windows
    ) AS w ON w.window_id = e.enclosing_id
    GROUP BY e.enclosing_id
)
SELECT
    -- Number of the window, unique among the opened traces.
    w.window_id,
    -- Window in which this one was opened; NULL: none.
    nullif(w.parent_id, 0) AS parent_id,
    -- What opened it: `window` (a `with` block), `call` (a profiled function), or what an integration says.
    w.kind,
    -- Name that it was given.
    w.name,
    -- When it was opened, in nanoseconds since the start of the trace.
    w.start_ns,
    -- When it was closed; NULL: open when recording ended.
    nullif(w.end_ns, -1) AS end_ns,
    -- How long it was open, in nanoseconds; NULL: open when recording ended.
    nullif(w.end_ns, -1) - w.start_ns AS duration_ns,
    -- Thread that opened it (`threads`).
    w.thread_id,
    -- Attributes that it was given, as a JSON object; NULL: none.
    nullif(w.attributes, '') AS attributes,
    -- Bytes allocated in it and in the windows inside it (an estimate while sampling).
    coalesce(f.allocated_bytes, 0) AS allocated_bytes,
    -- Half width of the 95 % interval around `allocated_bytes`: 0 at `sample_rate=1.0`.
    1.96 * sqrt(coalesce(f.allocated_variance, 0)) AS allocated_bytes_error,
    -- Number of those allocations (an estimate while sampling).
    coalesce(f.allocations, 0) AS allocations,
    -- Recorded rows from which the figures come; fewer than 10 are too few to rely on.
    coalesce(f.samples, 0) AS samples,
    -- Bytes allocated in it while no window inside it was open.
    coalesce(f.own_allocated_bytes, 0) AS own_allocated_bytes,
    -- Of `allocated_bytes`, those not yet freed when the window was closed (or recording ended).
    coalesce(f.retained_bytes, 0) AS retained_bytes,
    -- Half width of the 95 % interval around `retained_bytes`.
    1.96 * sqrt(coalesce(f.retained_variance, 0)) AS retained_bytes_error,
    -- Of `allocated_bytes`, those still not freed when recording ended.
    coalesce(f.live_bytes, 0) AS live_bytes,
    -- Process of the window (`processes`).
    w.process_id
FROM _raw_windows AS w
LEFT JOIN figures AS f ON f.window_id = w.window_id;

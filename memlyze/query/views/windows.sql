-- One window: a request, a call of a profiled function, a `with memlyze.window(...)`, a task or a test.
-- Windows nest. The memory figures of a window count what was allocated in it *and in the windows
-- inside it*; those named `own_` leave the inner windows out. What is allocated in a window after it was closed, by a task
-- that it started, still belongs to it.
CREATE VIEW windows AS
SELECT
    -- Number of the window, unique among the opened traces.
    w.window_id,
    -- Window in which this one was opened; NULL: none.
    w.parent_id,
    -- What opened it: `window` (a `with` block), `call` (a profiled function), `http` or `websocket` (a request), or
    -- what another integration says.
    w.kind,
    -- Name that it was given; of a request, the template of its route; empty: of a request that was not over when recording ended.
    w.name,
    -- Method of the request, such as `GET`; NULL: no HTTP request.
    w.method,
    -- Status of the answer, of a websocket its close code; NULL: none.
    w.status,
    -- When it was opened, in nanoseconds since the start of the trace.
    w.start_ns,
    -- When the answer to the request began, in nanoseconds since the start of the trace; NULL: never, or no request.
    w.first_byte_ns,
    -- When it was closed; NULL: open when recording ended.
    w.end_ns,
    -- How long it was open, in nanoseconds; NULL: open when recording ended.
    w.duration_ns,
    -- Thread that opened it (`threads`).
    w.thread_id,
    -- Attributes that it was given, as a JSON object; NULL: none.
    w.attributes,
    -- Bytes allocated in it and in the windows inside it (an estimate while sampling).
    w.bytes AS allocated_bytes,
    -- Half width of the 95 % interval around `allocated_bytes`: 0 at `sample_rate=1.0`.
    _bytes_error(w.bytes, w.variance, u.unseen_bytes) AS allocated_bytes_error,
    -- Number of those allocations (an estimate while sampling).
    w.allocations,
    -- Half width of the 95 % interval around `allocations`.
    _allocations_error(w.allocations_variance, u.unseen_allocations) AS allocations_error,
    -- Recorded rows from which the figures come.
    w.samples,
    -- Whether `allocated_bytes` rests on too few samples for its interval to be relied on: that is more than 62 % of it.
    _rests_on_few(w.bytes, _bytes_error(w.bytes, w.variance, u.unseen_bytes)) AS too_few_samples,
    -- Bytes allocated in it while no window inside it was open.
    w.own_bytes AS own_allocated_bytes,
    -- Half width of the 95 % interval around `own_allocated_bytes`.
    _bytes_error(w.own_bytes, w.own_variance, u.unseen_bytes) AS own_allocated_bytes_error,
    -- The most bytes that it held at one time, of those that it allocated; a lower bound where blocks come and go within
    -- a millisecond.
    w.peak AS peak_bytes,
    -- Half width of the 95 % interval around `peak_bytes`.
    _bytes_error(w.peak, w.peak_variance, u.unseen_bytes) AS peak_bytes_error,
    -- Bytes that it held when it was closed (or recording ended).
    w.retained AS retained_bytes,
    -- Half width of the 95 % interval around `retained_bytes`.
    _bytes_error(w.retained, w.retained_variance, u.unseen_bytes) AS retained_bytes_error,
    -- Bytes that it held 1 second after it was closed; NULL: recording had ended by then.
    CASE WHEN w.is_known_after_1s THEN w.retained_1s END AS retained_1s_bytes,
    -- Half width of the 95 % interval around `retained_1s_bytes`.
    CASE
        WHEN w.is_known_after_1s THEN _bytes_error(w.retained_1s, w.retained_1s_variance, u.unseen_bytes)
    END AS retained_1s_bytes_error,
    -- Bytes that it held 10 seconds after it was closed; NULL: recording had ended by then.
    CASE WHEN w.is_known_after_10s THEN w.retained_10s END AS retained_10s_bytes,
    -- Half width of the 95 % interval around `retained_10s_bytes`.
    CASE
        WHEN w.is_known_after_10s THEN _bytes_error(w.retained_10s, w.retained_10s_variance, u.unseen_bytes)
    END AS retained_10s_bytes_error,
    -- Bytes that it held 60 seconds after it was closed; NULL: recording had ended by then.
    CASE WHEN w.is_known_after_60s THEN w.retained_60s END AS retained_60s_bytes,
    -- Half width of the 95 % interval around `retained_60s_bytes`.
    CASE
        WHEN w.is_known_after_60s THEN _bytes_error(w.retained_60s, w.retained_60s_variance, u.unseen_bytes)
    END AS retained_60s_bytes_error,
    -- Bytes that it still held when recording ended.
    w.live AS live_bytes,
    -- Half width of the 95 % interval around `live_bytes`.
    _bytes_error(w.live, w.live_variance, u.unseen_bytes) AS live_bytes_error,
    -- How long the garbage collector ran in it, in nanoseconds.
    w.collector_ns,
    -- Process of the window (`processes`).
    w.process_id
FROM _window_rows AS w
CROSS JOIN _sampling AS u;

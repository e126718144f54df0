-- One run of the cyclic garbage collector.
CREATE VIEW gc AS
SELECT
    -- When it began, in nanoseconds since the start of the trace.
    time_ns,
    -- How long it took, in nanoseconds.
    duration_ns,
    -- Oldest generation that it collected: 0, 1 or 2.
    generation::TINYINT AS generation,
    -- Objects that it found unreachable and released.
    collected,
    -- Objects that it found unreachable and could not release.
    uncollectable,
    -- Thread that ran it (`threads`).
    thread_id,
    -- Window in which it ran (`windows`); NULL: none.
    nullif(window_id, 0) AS window_id,
    -- Process in which it ran (`processes`).
    process_id
FROM _raw_gc;

-- One tick of the memory clock, which the recorder's helper thread reads every `memory_interval_ms`.
CREATE VIEW memory AS
SELECT
    -- When, in nanoseconds since the start of the trace.
    time_ns,
    -- Resident memory of the whole process, in bytes (RSS).
    rss,
    -- Estimated bytes of the allocations made since the start of the trace and not yet freed.
    heap_live,
    -- Estimated number of those allocations.
    heap_live_count,
    -- Memory held by the recorder itself, in bytes; part of `rss`.
    tracer_bytes,
    -- Resident memory of the program, in bytes: `rss` without `tracer_bytes`. This is what commands, reports and the page call resident.
    greatest(rss - tracer_bytes, 0)::BIGINT AS program_rss,
    -- Process that was measured (`processes`).
    process_id
FROM _raw_memory;

-- One tick of the memory clock, which the recorder's helper thread reads every `memory_interval_ms`.
CREATE VIEW memory AS
SELECT
    -- When, in nanoseconds since the start of the trace.
    time_ns,
    -- Resident memory of the whole process, in bytes (RSS). NULL: the system did not tell, as where there is no `/proc`.
    nullif(rss, 0) AS rss,
    -- Estimated bytes of the allocations made since the start of the trace and not yet freed.
    heap_live,
    -- Estimated number of those allocations.
    heap_live_count,
    -- Memory held by the recorder itself, in bytes; part of `rss`, as far as it is resident.
    tracer_bytes,
    -- Resident memory of the program, in bytes: `rss` without `tracer_bytes`, or what a snapshot at that tick saw of it where that is more (see
    -- `rss_explained`). This is what commands, reports and the page call resident. NULL: not known.
    nullif(program_rss, -1) AS program_rss,
    -- CPU time that the program has taken, in nanoseconds, without the recorder's helper thread; since the process began, so that differences count. NULL: not known.
    CASE WHEN cpu_us >= 0 THEN cpu_us * 1000 END AS cpu_ns,
    -- How often threads of the program have gone to sleep of their own accord (voluntary context switches), counted as `cpu_ns` is. NULL: not known.
    CASE WHEN waits >= 0 THEN waits END AS waits,
    -- Process that was measured (`processes`).
    process_id
FROM _raw_memory;

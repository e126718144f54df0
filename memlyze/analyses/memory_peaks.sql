-- The greatest resident memory of any process, and when; one row, with NULL for what is not known: the memory clock
-- may never have ticked, or the system did not tell what was resident. It is the
-- program's: what the recorder holds, above all while it takes a heap graph,
-- does not make a peak.
SELECT
    max(program_rss) AS rss,
    arg_max(time_ns, program_rss) AS rss_time_ns,
    arg_max(process_id, program_rss) AS rss_process_id,
    arg_max(rss - program_rss, program_rss) AS rss_tracer_bytes,
    max(tracer_bytes) AS tracer_bytes,
    max(time_ns) AS last_ns,
    count(*) AS ticks
FROM memory;

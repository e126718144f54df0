-- The greatest readings of the memory clock, and when; one row, all NULL when it never ticked.
SELECT
    max(rss) AS rss,
    arg_max(time_ns, rss) AS rss_time_ns,
    max(heap_live) AS heap_live,
    arg_max(time_ns, heap_live) AS heap_live_time_ns,
    max(tracer_bytes) AS tracer_bytes,
    max(time_ns) AS last_ns
FROM memory;

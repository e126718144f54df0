-- One thread that allocated.
CREATE VIEW threads AS
SELECT
    -- Number of the thread, from 1 in the order in which the recorder met them; unique among the opened traces.
    thread_id,
    -- The operating system's number of the thread.
    os_thread_id,
    -- Name that the program gave it; NULL: unknown.
    nullif(name, '') AS name,
    -- When the recorder first saw it, in nanoseconds since the start of the trace.
    start_ns,
    -- When it ended, in nanoseconds since the start of the trace; NULL: still running when recording ended.
    nullif(end_ns, -1) AS end_ns,
    -- Process of the thread (`processes`).
    process_id
FROM _raw_threads;

-- One recorded process: one trace file.
CREATE VIEW processes AS
SELECT
    -- Number of the process; other tables refer to it.
    process_id,
    -- Number of the process that started it, or in which another program ran before; through others that were not recorded.
    parent_process_id,
    -- Its command line, words separated by spaces.
    command_line,
    -- Version of its Python.
    python_version,
    -- Wall-clock time at the start of its trace, in nanoseconds since 1970-01-01 UTC.
    start_time_unix_ns,
    -- Start of its trace on the time line of the opened set, in nanoseconds: 0 for the earliest.
    start_ns,
    -- From when on the trace has all; before that only what was still live then: the rest was dropped,
    -- to keep within `max_trace_bytes`. `start_ns` where nothing was.
    kept_from_ns,
    -- End of its trace on that time line; NULL: it was cut off (the process was killed).
    nullif(end_ns, -1) AS end_ns,
    -- How its recording came about: `fork`, `spawn` (a new process), `exec` (a new program in the same process);
    -- NULL: it was the first.
    nullif(started_by, '') AS started_by,
    -- How it ended: `exit`, `_exit`, `exec` (another program took its place), `stop` (recording was stopped),
    -- `SIGTERM` or `SIGHUP` (that signal ended it), `next part` (an earlier part, read by itself); NULL: it was killed otherwise, or runs on.
    nullif(ended_by, '') AS ended_by,
    -- Path of its trace file.
    path
FROM _raw_processes;

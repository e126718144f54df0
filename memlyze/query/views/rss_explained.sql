-- What the resident memory consisted of, at one snapshot: one row for each category. The rows of a
-- snapshot add up to the process's resident memory; what nobody is known to hold is `unexplained`.
CREATE VIEW rss_explained AS
SELECT
    -- When the snapshot was taken, in nanoseconds since the start of the trace. Snapshots are rarer
    -- than the ticks of `memory`: at the start, at the end, at new peaks, and from time to time.
    time_ns,
    -- What the memory is for: `python_objects` (blocks in use in pymalloc's pools, of up to 512
    -- bytes), `pymalloc_free` (what is left of the pools), `python_frames` (of running functions),
    -- `malloc_live` (blocks in use, Python's larger ones included), `malloc_free` (freed, and not
    -- given back to the system), `thread_stacks`, `code` (of programs and libraries),
    -- `library_data` (their variables), `mapped_files` (other files), `shared_memory`, `tracer` (the
    -- recorder itself), `no_access` (reservations and guard pages) or `unexplained`.
    category,
    -- Bytes of it in physical memory.
    sum(resident_bytes)::BIGINT AS resident_bytes,
    -- Bytes of addresses that are set apart for it, whether they were ever touched or not.
    sum(reserved_bytes)::BIGINT AS reserved_bytes,
    -- Its part of the resident memory, from 0 to 1.
    sum(resident_bytes) / greatest(sum(sum(resident_bytes)) OVER snapshot, 1) AS share,
    -- Process whose memory it is (`processes`).
    process_id
FROM _raw_resident
GROUP BY process_id, time_ns, category
WINDOW snapshot AS (PARTITION BY process_id, time_ns);

-- One recorded allocation. While sampling, a row stands for `weight` allocations of its size, so that
-- `SUM(bytes)` and `SUM(weight)` estimate the program's own figures without bias; at
-- `sample_rate=1.0` every weight is 1 and the figures are exact. Memory that was mapped is among them; mapped
-- files and reserved addresses, which need not become memory, are in `mappings` alone.
CREATE VIEW allocations AS
SELECT
    -- Number of the allocation, unique among the opened traces. Not dense.
    allocation_id,
    -- When it was made, in nanoseconds since the start of the trace.
    time_ns,
    -- When it was freed, in nanoseconds since the start of the trace; NULL: live when recording ended.
    nullif(freed_ns, -1) AS freed_ns,
    -- Size that the program asked for, in bytes.
    size,
    -- How many allocations this row stands for: 1 / (probability with which it was recorded).
    weight,
    -- Bytes that this row stands for: `size * weight`.
    size * weight AS bytes,
    -- Where it came from: CPython's allocator domains `raw`, `mem` and `object`, the C library's `malloc`
    -- (and its kin), or `mmap`, memory mapped without a file.
    CASE allocator
        WHEN 0 THEN 'raw' WHEN 1 THEN 'mem' WHEN 2 THEN 'object' WHEN 3 THEN 'malloc' WHEN 4 THEN 'mmap'
    END AS allocator,
    -- Call stack that made it (`stacks`, `stack_frames`); NULL: none was known.
    nullif(stack_id, 0) AS stack_id,
    -- Thread that made it (`threads`).
    thread_id,
    -- Innermost window that was open around it (`windows`); NULL: none.
    nullif(window_id, 0) AS window_id,
    -- Process that made it (`processes`).
    process_id
FROM _raw_allocations
WHERE allocator <= 4;

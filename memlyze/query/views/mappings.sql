-- One recorded mapping: a range of addresses that the program had from mmap or mremap. When a part of it is
-- unmapped, mapped over or moved, it ends, and what is left are mappings of their own with the same stack.
-- Recorded as allocations are: while sampling, a row stands for `weight` mappings of its size.
CREATE VIEW mappings AS
SELECT
    -- Number of the mapping; those of kind `memory` are in `allocations` too, under the same number.
    allocation_id AS mapping_id,
    -- When it was mapped, in nanoseconds since the start of the trace.
    time_ns,
    -- When it was unmapped, in nanoseconds since the start of the trace; NULL: mapped when recording ended.
    nullif(freed_ns, -1) AS unmapped_ns,
    -- What it is of: `memory` (no file), `file`, or `reservation` (no file, and no access or `MAP_NORESERVE`:
    -- addresses alone).
    CASE allocator WHEN 4 THEN 'memory' WHEN 5 THEN 'file' WHEN 6 THEN 'reservation' END AS kind,
    -- Bytes of addresses, in whole pages. How many of them are resident: `resident_mappings`.
    size AS reserved,
    -- How many mappings this row stands for: 1 / (probability with which it was recorded).
    weight,
    -- Bytes of addresses that this row stands for: `reserved * weight`.
    size * weight AS bytes,
    -- Call stack that made it (`stacks`, `stack_frames`); NULL: none was known.
    nullif(stack_id, 0) AS stack_id,
    -- Thread that made it (`threads`).
    thread_id,
    -- Innermost window that was open around it (`windows`); NULL: none.
    nullif(window_id, 0) AS window_id,
    -- Process that made it (`processes`).
    process_id
FROM _raw_allocations
WHERE allocator >= 4;

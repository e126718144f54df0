-- One allocation that the thread which made it freed, and how soon by the thread's own allocations: what a loop makes and
-- throws away is freed before the thread makes another, or a few others. `allocation_id` is that of `allocations` or
-- `mappings`; when it was freed stands there. To count this the events are decoded once more.
CREATE VIEW frees AS
SELECT
    -- The allocation.
    allocation_id,
    -- How many allocations the thread made between this one and its free: exact at `sample_rate=1.0`; while sampling, an
    -- estimate, the sum of the weights of those that were recorded in between, which is 0 for nearly all lives that are
    -- shorter than the spacing of the samples.
    made_between,
    -- Process that made it (`processes`).
    process_id
FROM _raw_frees
WHERE made_between >= 0;

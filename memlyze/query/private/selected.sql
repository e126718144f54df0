-- The allocations that a person has chosen, with what sums of them need. NULL for a list: all; a list of windows
-- has those inside them as well.
CREATE MACRO _selected(from_ns, to_ns, process_ids, thread_ids, window_ids) AS TABLE
SELECT
    allocation_id,
    time_ns,
    freed_ns,
    size,
    weight,
    allocator,
    stack_id,
    thread_id,
    window_id,
    process_id,
    size * weight AS bytes,
    size::DOUBLE * size * weight * (weight - 1) AS variance
FROM _raw_allocations
WHERE
    allocator <= 4
    AND time_ns >= from_ns
    AND time_ns < to_ns
    AND (process_ids::BIGINT[] IS NULL OR list_contains(process_ids::BIGINT[], process_id))
    AND (thread_ids::BIGINT[] IS NULL OR list_contains(thread_ids::BIGINT[], thread_id))
    AND (window_ids::BIGINT[] IS NULL OR window_id IN (SELECT unnest(window_ids::BIGINT[])));

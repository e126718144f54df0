-- The chosen allocations (see `_selected`), and of each whether it is live at the end, was live at a moment, and was freed
-- within a time. What is held at 9223372036854775807 is held at the end of each process's recording; at a moment, a process
-- that ended before holds nothing.
CREATE MACRO _judged(from_ns, to_ns, process_ids, thread_ids, window_ids, held_at_ns, within_ns) AS TABLE
SELECT
    *,
    freed_ns = -1 AS is_live,
    time_ns <= held_at_ns::BIGINT
    AND (freed_ns = -1 OR freed_ns > held_at_ns::BIGINT)
    AND (
        held_at_ns::BIGINT = 9223372036854775807
        OR process_id NOT IN (SELECT process_id FROM _ended_processes WHERE end_ns < held_at_ns::BIGINT)
    ) AS is_held,
    freed_ns <> -1 AND freed_ns - time_ns <= within_ns::BIGINT AS is_freed_soon
FROM _selected(from_ns, to_ns, process_ids, thread_ids, window_ids);

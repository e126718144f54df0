-- The allocations that `_selection` chooses, with the columns of `allocations`.
CREATE OR REPLACE TEMP VIEW _selected_allocations AS
SELECT a.*
FROM allocations AS a, _selection AS s
WHERE
    a.time_ns >= s.from_ns
    AND a.time_ns < s.to_ns
    AND (s.process_ids IS NULL OR list_contains(s.process_ids, a.process_id))
    AND (s.thread_ids IS NULL OR list_contains(s.thread_ids, a.thread_id))
    AND (s.window_ids IS NULL OR a.window_id IN (SELECT unnest(window_ids) FROM _selection))
    AND (s.stack_ids IS NULL OR a.stack_id IN (SELECT unnest(stack_ids) FROM _selection))
    AND CASE
        WHEN s.what = 'allocated' THEN true
        WHEN s.what = 'temporary' THEN coalesce(a.freed_ns - a.time_ns <= s.within_ns, false)
        ELSE
            a.time_ns <= s.live_at_ns
            AND (a.freed_ns IS NULL OR a.freed_ns > s.live_at_ns)
            AND a.process_id NOT IN (
                -- What is live at the end is so at the end of each process.
                SELECT e.process_id
                FROM _ended_processes AS e, _selection AS t
                WHERE e.end_ns < t.live_at_ns AND t.live_at_ns <> 9223372036854775807
            )
    END;

-- The call tree: one row for each function that was on a call stack, under each chain of callers that it had, with what
-- it and all that it called allocated; the greatest first. The rows are stacks of `stacks`: `parent_id` leads to the caller.
--
-- Parameters:
--   from_ns: count allocations made at or after this time (nanoseconds since the start of the trace).
--   to_ns: count allocations made before this time.
--   live_at_ns: of these, count only what was live at this time; NULL: all. A time after the end: what was never freed.
CREATE MACRO flamegraph(from_ns := 0, to_ns := 9223372036854775807, live_at_ns := NULL) AS TABLE
WITH RECURSIVE
per_stack AS (
    SELECT
        stack_id,
        sum(bytes) AS bytes,
        sum(variance) AS variance,
        sum(weight) AS allocations,
        count(*) AS samples
    FROM _selected(from_ns, to_ns, NULL, NULL, NULL)
    WHERE
        live_at_ns::BIGINT IS NULL
        OR (
            time_ns <= live_at_ns::BIGINT
            AND (freed_ns = -1 OR freed_ns > live_at_ns::BIGINT)
            AND process_id NOT IN (
                SELECT process_id
                FROM _ended_processes
                -- What is live at the end is so at the end of each process.
                WHERE end_ns < live_at_ns::BIGINT AND live_at_ns::BIGINT <= (SELECT max(end_ns) FROM _raw_processes)
            )
        )
    GROUP BY stack_id
),
counted AS ( -- for each stack, itself and all of its callers
    SELECT stack_id, bytes, variance, allocations, samples, bytes AS self_bytes, variance AS self_variance
    FROM per_stack
    UNION ALL
    SELECT s.parent_id, c.bytes, c.variance, c.allocations, c.samples, 0, 0
    FROM counted AS c
    JOIN _raw_stacks AS s ON s.stack_id = c.stack_id
    WHERE s.parent_id <> 0
),
nodes AS (
    SELECT
        stack_id,
        sum(bytes) AS bytes,
        sum(variance) AS variance,
        sum(self_bytes) AS self_bytes,
        sum(self_variance) AS self_variance,
        sum(allocations) AS allocations,
        sum(samples)::BIGINT AS samples
    FROM counted
    GROUP BY stack_id
)
SELECT
    -- The stack that ends in the function (`stacks`); NULL: no Python code was running.
    nullif(n.stack_id, 0) AS stack_id,
    -- Stack of the caller; NULL: there is none.
    nullif(s.parent_id, 0) AS parent_id,
    -- How many frames the stack has; 1: the outermost.
    coalesce(s.depth, 1) AS depth,
    -- The function.
    coalesce(f.function, '<unknown>') AS function,
    -- Its source file.
    coalesce(f.file, '<unknown>') AS file,
    -- Line that was being executed.
    coalesce(f.line, 0) AS line,
    -- Bytes that it and all that it called allocated (an estimate while sampling).
    n.bytes,
    -- Half width of the 95 % interval around `bytes`: 0 at `sample_rate=1.0`.
    _bytes_error(n.bytes, n.variance, u.unseen_bytes) AS bytes_error,
    -- Of `bytes`, those that it allocated itself.
    n.self_bytes,
    -- Half width of the 95 % interval around `self_bytes`.
    _bytes_error(n.self_bytes, n.self_variance, u.unseen_bytes) AS self_bytes_error,
    -- Number of those allocations (an estimate while sampling).
    n.allocations,
    -- Recorded rows from which the figures come.
    n.samples
FROM nodes AS n
LEFT JOIN _raw_stacks AS s ON s.stack_id = n.stack_id
LEFT JOIN _raw_frames AS f ON f.frame_id = s.frame_id
CROSS JOIN _sampling AS u
ORDER BY n.bytes DESC, depth, file, line, function, n.stack_id;

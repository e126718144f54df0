-- What was live at a moment: one row for each allocation site (chosen as in `hotspots()`), the greatest first.
-- Counted are allocations made since the start of the trace and not yet freed. Of several processes, those that
-- ended before have nothing live.
--
-- Parameters:
--   t: the moment, in nanoseconds since the start of the trace.
CREATE MACRO live_at(t) AS TABLE
WITH
gone AS (
    SELECT process_id FROM _ended_processes WHERE end_ns < t
),
per_stack AS (
    SELECT
        stack_id,
        sum(size * weight) AS bytes,
        sum(size::DOUBLE * size * weight * (weight - 1)) AS variance,
        sum(weight) AS allocations,
        sum(weight * (weight - 1)) AS allocations_variance,
        count(*) AS samples,
        min(time_ns) AS oldest_ns
    FROM _raw_allocations
    WHERE allocator <= 4 AND time_ns <= t AND (freed_ns = -1 OR freed_ns > t)
        AND process_id NOT IN (SELECT process_id FROM gone)
    GROUP BY stack_id
),
named AS (
    SELECT
        p.*,
        coalesce(f.function, '<unknown>') AS function,
        coalesce(f.file, '<unknown>') AS file,
        coalesce(f.line, 0) AS line
    FROM per_stack AS p
    LEFT JOIN _raw_stack_sites AS s ON s.stack_id = p.stack_id
    LEFT JOIN _raw_frames AS f ON f.frame_id = s.program_frame_id
)
SELECT
    -- Function of the site.
    function,
    -- Source file of the site.
    file,
    -- Line of the site.
    line,
    -- Bytes from there that were live at the moment (an estimate while sampling).
    sum(bytes) AS bytes,
    -- Half width of the 95 % interval around `bytes`: 0 at `sample_rate=1.0`.
    _bytes_error(sum(bytes), sum(variance), any_value(unseen_bytes)) AS bytes_error,
    -- Number of those allocations (an estimate while sampling).
    sum(allocations) AS allocations,
    -- Half width of the 95 % interval around `allocations`.
    _allocations_error(sum(allocations_variance), any_value(unseen_allocations)) AS allocations_error,
    -- Recorded rows from which the figures come.
    sum(samples)::BIGINT AS samples,
    -- Whether `bytes` rests on too few samples for its interval to be relied on: `bytes_error` is more than 62 % of it.
    _rests_on_few(sum(bytes), _bytes_error(sum(bytes), sum(variance), any_value(unseen_bytes))) AS too_few_samples,
    -- When the oldest of them was made, in nanoseconds since the start of the trace.
    min(oldest_ns) AS oldest_ns
FROM named, _sampling
GROUP BY function, file, line
ORDER BY bytes DESC, file, line, function;

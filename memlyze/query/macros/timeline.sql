-- How memory moved: the recording cut into slices of equal length, in order.
-- Over several processes, their figures are summed; of the memory clock, what they had together at a moment. Where what is older was dropped, to keep within
-- `max_trace_bytes`, the first slice begins where it is all there, with what was live then.
--
-- Parameters:
--   buckets: how many slices.
CREATE MACRO timeline(buckets := 100) AS TABLE
WITH
ends AS (
    SELECT 1 + greatest(
        coalesce((SELECT max(greatest(time_ns, freed_ns)) FROM _raw_allocations), 0),
        coalesce((SELECT max(time_ns) FROM _raw_memory), 0),
        coalesce((SELECT max(end_ns) FROM _raw_processes), 0)
    ) AS end_ns,
    coalesce((SELECT min(kept_from_ns) FROM _raw_processes), 0) AS first_ns
),
widths AS (
    SELECT
        first_ns,
        end_ns,
        CASE
            WHEN buckets >= 1 THEN greatest((end_ns - first_ns + buckets - 1) // buckets, 1)::BIGINT
            ELSE error('timeline: buckets is the number of slices, 1 or more')::BIGINT
        END AS width_ns
    FROM ends
),
slices AS (
    SELECT
        i AS slice,
        w.first_ns + i * w.width_ns AS start_ns,
        least(w.first_ns + (i + 1) * w.width_ns, w.end_ns) AS end_ns
    FROM range(greatest(buckets, 1)) AS r (i), widths AS w
    WHERE w.first_ns + i * w.width_ns < w.end_ns
),
births AS ( -- by moment, of which there are few: a spike within a slice is to be seen
    SELECT
        greatest(time_ns, w.first_ns) AS time_ns,
        sum(size * weight) AS bytes,
        sum(size::DOUBLE * size * weight * (weight - 1)) AS variance,
        sum(weight) AS allocations
    FROM _raw_allocations, widths AS w
    WHERE allocator <= 4
    GROUP BY ALL
),
deaths AS (
    SELECT
        greatest(freed_ns, w.first_ns) AS time_ns,
        sum(size * weight) AS bytes,
        sum(size::DOUBLE * size * weight * (weight - 1)) AS variance,
        sum(weight) AS frees
    FROM _raw_allocations, widths AS w
    WHERE allocator <= 4 AND freed_ns <> -1
    GROUP BY ALL
),
remains AS ( -- with a process goes what it had, while others go on
    SELECT greatest(p.end_ns, a.time_ns, w.first_ns) AS time_ns, sum(a.size * a.weight) AS bytes
    FROM _ended_processes AS p
    JOIN _raw_allocations AS a USING (process_id)
    CROSS JOIN widths AS w
    WHERE a.allocator <= 4 AND a.freed_ns = -1
    GROUP BY ALL
),
made AS (
    SELECT
        (time_ns - w.first_ns) // w.width_ns AS slice,
        sum(bytes) AS bytes,
        sum(variance) AS variance,
        sum(allocations) AS allocations
    FROM births, widths AS w
    GROUP BY ALL
),
freed AS (
    SELECT
        (time_ns - w.first_ns) // w.width_ns AS slice,
        sum(bytes) AS bytes,
        sum(variance) AS variance,
        sum(frees) AS frees
    FROM deaths, widths AS w
    GROUP BY ALL
),
changes AS (
    SELECT time_ns, sum(bytes) AS bytes
    FROM (
        SELECT time_ns, bytes FROM births
        UNION ALL
        SELECT time_ns, -bytes FROM deaths
        UNION ALL
        SELECT time_ns, -bytes FROM remains
    ) AS c
    GROUP BY time_ns
),
levels AS (
    SELECT
        (time_ns - w.first_ns) // w.width_ns AS slice,
        time_ns,
        sum(bytes) OVER (ORDER BY time_ns) AS live_bytes
    FROM changes, widths AS w
),
tops AS (
    SELECT slice, max(live_bytes) AS greatest_bytes, arg_max(live_bytes, time_ns) AS last_bytes
    FROM levels
    GROUP BY slice
),
ticks AS (
    SELECT process_id, time_ns, nullif(rss, 0) AS rss, nullif(program_rss, -1) AS program_rss, heap_live
    FROM _raw_memory
),
ticked AS ( -- by how much each reading differs from the last known one of its process, which holds until then
    SELECT
        time_ns,
        true AS is_tick,
        rss - coalesce(lag(rss IGNORE NULLS) OVER of_process, 0) AS rss,
        program_rss - coalesce(lag(program_rss IGNORE NULLS) OVER of_process, 0) AS program_rss,
        heap_live - lag(heap_live, 1, 0) OVER of_process AS heap_live
    FROM ticks
    WINDOW of_process AS (PARTITION BY process_id ORDER BY time_ns)
    UNION ALL
    SELECT
        greatest(any_value(p.end_ns), max(t.time_ns)),
        false,
        -arg_max(t.rss, t.time_ns),
        -arg_max(t.program_rss, t.time_ns),
        -arg_max(t.heap_live, t.time_ns)
    FROM _ended_processes AS p
    JOIN ticks AS t USING (process_id)
    GROUP BY process_id
),
together AS (
    SELECT
        time_ns,
        is_tick,
        sum(rss) OVER (ORDER BY time_ns) AS rss,
        sum(program_rss) OVER (ORDER BY time_ns) AS program_rss,
        sum(heap_live) OVER (ORDER BY time_ns) AS heap_live
    FROM ticked
),
clock AS (
    SELECT
        (greatest(time_ns, w.first_ns) - w.first_ns) // w.width_ns AS slice,
        max(rss)::BIGINT AS rss,
        max(program_rss)::BIGINT AS program_rss,
        max(heap_live)::BIGINT AS heap_live
    FROM together, widths AS w
    WHERE is_tick
    GROUP BY slice
),
collections AS (
    SELECT
        (greatest(time_ns, w.first_ns) - w.first_ns) // w.width_ns AS slice,
        count(*) AS runs,
        sum(duration_ns)::BIGINT AS duration_ns
    FROM _raw_gc, widths AS w
    GROUP BY ALL
)
SELECT
    -- Start of the slice, in nanoseconds since the start of the trace.
    s.start_ns::BIGINT AS start_ns,
    -- End of the slice, not included.
    s.end_ns::BIGINT AS end_ns,
    -- Bytes allocated in the slice (an estimate while sampling).
    coalesce(m.bytes, 0) AS allocated_bytes,
    -- Half width of the 95 % interval around `allocated_bytes`: 0 at `sample_rate=1.0`.
    _bytes_error(m.bytes, m.variance, u.unseen_bytes) AS allocated_bytes_error,
    -- Bytes freed in the slice, among those allocated since the start of the trace.
    coalesce(f.bytes, 0) AS freed_bytes,
    -- Half width of the 95 % interval around `freed_bytes`.
    _bytes_error(f.bytes, f.variance, u.unseen_bytes) AS freed_bytes_error,
    -- Bytes live at the end of the slice, among those allocated since the start of the trace.
    coalesce(last_value(l.last_bytes IGNORE NULLS) OVER (ORDER BY s.slice), 0) AS live_bytes,
    -- The most that was live at any moment of the slice.
    greatest(
        coalesce(l.greatest_bytes, 0),
        coalesce(last_value(l.last_bytes IGNORE NULLS) OVER (ORDER BY s.slice ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)
    ) AS peak_live_bytes,
    -- Number of allocations in the slice (an estimate while sampling).
    coalesce(m.allocations, 0) AS allocations,
    -- Number of frees in the slice (an estimate while sampling).
    coalesce(f.frees, 0) AS frees,
    -- Greatest resident memory in the slice, in bytes, with the recorder's own; NULL: none is known by then, or the memory clock did not tick in it.
    c.rss,
    -- Greatest resident memory of the program in the slice, without the recorder's own; NULL likewise.
    c.program_rss,
    -- Greatest estimate of the live heap by the memory clock in the slice; NULL likewise.
    c.heap_live,
    -- Runs of the garbage collector that began in the slice.
    coalesce(g.runs, 0) AS gc_runs,
    -- How long they took together, in nanoseconds.
    coalesce(g.duration_ns, 0) AS gc_duration_ns
FROM slices AS s
LEFT JOIN made AS m ON m.slice = s.slice
LEFT JOIN freed AS f ON f.slice = s.slice
LEFT JOIN tops AS l ON l.slice = s.slice
LEFT JOIN clock AS c ON c.slice = s.slice
LEFT JOIN collections AS g ON g.slice = s.slice
CROSS JOIN _sampling AS u
ORDER BY s.slice;

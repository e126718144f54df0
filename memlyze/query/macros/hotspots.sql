-- Where memory is allocated: one row for each allocation site, the greatest first.
-- A site is a line of the program itself: of each call stack, the innermost frame that belongs neither to
-- the standard library nor to an installed package. Where a stack has none, as in an installed command
-- such as pytest, it is the innermost frame of an installed package, or else the innermost frame.
-- The `inner_` columns say where below that line most of the bytes were allocated in fact.
--
-- Parameters:
--   site: 'program' (as above), or 'innermost' to take the innermost frame, whosever code it is.
--   from_ns: count allocations made at or after this time (nanoseconds since the start of the trace).
--   to_ns: count allocations made before this time.
CREATE MACRO hotspots(site := 'program', from_ns := 0, to_ns := 9223372036854775807) AS TABLE
WITH
per_stack AS (
    SELECT
        stack_id,
        sum(size * weight) AS bytes,
        sum(size::DOUBLE * size * weight * (weight - 1)) AS variance,
        sum(weight) AS allocations,
        sum(weight * (weight - 1)) AS allocations_variance,
        sum(size * weight) FILTER (WHERE freed_ns = -1) AS live_bytes,
        sum(size::DOUBLE * size * weight * (weight - 1)) FILTER (WHERE freed_ns = -1) AS live_variance,
        sum(size * weight) FILTER (WHERE freed_ns = -1 AND allocator = 4) AS live_mapped_bytes,
        sum(size::DOUBLE * size * weight * (weight - 1)) FILTER (WHERE freed_ns = -1 AND allocator = 4)
            AS live_mapped_variance,
        count(*) AS samples
    FROM _raw_allocations
    WHERE allocator <= 4 AND time_ns >= from_ns AND time_ns < to_ns
    GROUP BY stack_id
),
per_pair AS (
    SELECT
        CASE site
            WHEN 'program' THEN s.program_frame_id
            WHEN 'innermost' THEN s.innermost_frame_id
            ELSE error('hotspots: site is program or innermost')::BIGINT
        END AS frame_id,
        s.innermost_frame_id,
        sum(p.bytes) AS bytes,
        sum(p.variance) AS variance,
        sum(p.allocations) AS allocations,
        sum(p.allocations_variance) AS allocations_variance,
        sum(p.live_bytes) AS live_bytes,
        sum(p.live_variance) AS live_variance,
        sum(p.live_mapped_bytes) AS live_mapped_bytes,
        sum(p.live_mapped_variance) AS live_mapped_variance,
        sum(p.samples) AS samples
    FROM per_stack AS p
    LEFT JOIN _raw_stack_sites AS s ON s.stack_id = p.stack_id
    GROUP BY ALL
),
named AS (
    SELECT
        p.*,
        coalesce(f.function, '<unknown>') AS function,
        coalesce(f.file, '<unknown>') AS file,
        coalesce(f.line, 0) AS line,
        coalesce(f.origin, 'runtime') AS origin,
        i.function AS inner_function,
        i.file AS inner_file,
        i.line AS inner_line
    FROM per_pair AS p
    LEFT JOIN _raw_frames AS f ON f.frame_id = p.frame_id
    LEFT JOIN _raw_frames AS i ON i.frame_id = p.innermost_frame_id
)
SELECT
    -- Function of the site.
    function,
    -- Source file of the site.
    file,
    -- Line of the site.
    line,
    -- Bytes allocated there during the whole recording (an estimate while sampling).
    sum(bytes) AS bytes,
    -- Half width of the 95 % interval around `bytes`: 0 at `sample_rate=1.0`.
    _bytes_error(sum(bytes), sum(variance), any_value(unseen_bytes)) AS bytes_error,
    -- Of `bytes`, those still not freed when recording ended.
    coalesce(sum(live_bytes), 0) AS live_bytes,
    -- Half width of the 95 % interval around `live_bytes`.
    _bytes_error(sum(live_bytes), sum(live_variance), any_value(unseen_bytes)) AS live_bytes_error,
    -- Of `live_bytes`, mapped memory (`mmap`): reserved as a whole, and resident only where it was written to.
    coalesce(sum(live_mapped_bytes), 0) AS live_mapped_bytes,
    -- Half width of the 95 % interval around `live_mapped_bytes`.
    _bytes_error(sum(live_mapped_bytes), sum(live_mapped_variance), any_value(unseen_bytes)) AS live_mapped_bytes_error,
    -- Number of allocations made there (an estimate while sampling).
    sum(allocations) AS allocations,
    -- Half width of the 95 % interval around `allocations`.
    _allocations_error(sum(allocations_variance), any_value(unseen_allocations)) AS allocations_error,
    -- Recorded rows from which the figures come.
    sum(samples)::BIGINT AS samples,
    -- Whether `bytes` rests on too few samples for its interval to be relied on: `bytes_error` is more than 62 % of it.
    _rests_on_few(sum(bytes), _bytes_error(sum(bytes), sum(variance), any_value(unseen_bytes))) AS too_few_samples,
    -- Whose code the site is, as in `frames`.
    origin,
    -- Function of the innermost frame that more of the bytes come from than from any other.
    arg_max(inner_function, bytes) AS inner_function,
    -- Source file of that frame.
    arg_max(inner_file, bytes) AS inner_file,
    -- Line of that frame.
    arg_max(inner_line, bytes) AS inner_line,
    -- The site as one text, `file:line function`; of one that is not known, `<unknown>`.
    CASE WHEN line > 0 THEN concat(file, ':', line, ' ', function) ELSE function END AS site
FROM named, _sampling
GROUP BY function, file, line, origin
ORDER BY bytes DESC, file, line, function;

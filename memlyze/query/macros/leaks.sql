-- What grows and what stays: one row for each allocation site that ever had 16 KiB live, those that
-- need attention first. Sites are judged for each process by itself, or for all that are alike together. `docs/leaks.md` says how.
--
-- Parameters:
--   site: 'line' (a line of the program, chosen as in `hotspots()`), 'function' (the function that it is in) or 'stack' (a whole call stack).
CREATE MACRO leaks(site := 'line') AS TABLE
WITH
chosen AS (
    SELECT *
    FROM query_table(
        CASE site
            WHEN 'line' THEN '_raw_leaks_by_line'
            WHEN 'function' THEN '_raw_leaks_by_function'
            WHEN 'stack' THEN '_raw_leaks_by_stack'
            ELSE error('leaks: site is line, function or stack')::VARCHAR
        END
    )
)
SELECT
    -- Function of the site.
    function,
    -- Source file of the site; `<several files>` where it is lines of several files that only together grow, in one container.
    file,
    -- Line of the site; 0 where sites are functions, or it is many lines that only together grow: of a function, or of a
    -- file, or of several (`<several functions>`).
    line,
    -- What became of its memory: `growing` (without bound, as far as was seen), `bounded` (a cache or
    -- queue: what comes in drives out what was there), `one_time` (it grew once and stays),
    -- `warming_up` (it grows, and ever slower or not for long enough), `freed_late` (it grew, and was
    -- freed in one go, at shutdown above all), `sawtooth` (it rises and falls back, as what waits for
    -- the collector does) or `too_few_samples`. It is told from sizes and times alone: `memlyze leaks` also asks the
    -- checkpoint who holds what grows, and takes back `growing` for an `lru_cache` that is not full yet, free lists and garbage.
    verdict,
    -- Whether it is `freed_late`, near the end of the program, and passed all tests of growth up to then: a leak, if the
    -- program is meant to run on.
    grew_until_freed,
    -- How sure the verdict is, from 0 to 1.
    confidence,
    -- Chance that growth such as this is an accident, corrected for all the sites that were tested.
    p_value,
    -- Bytes live when recording ended (an estimate while sampling).
    live_bytes,
    -- Half width of the 95 % interval around `live_bytes`: 0 at `sample_rate=1.0`.
    live_bytes_error,
    -- Most bytes that were live at once.
    peak_bytes,
    -- Half width of the 95 % interval around `peak_bytes`.
    peak_bytes_error,
    -- How fast the live bytes grow: over the last two thirds of the time between `growing_since_ns` and
    -- `judged_until_ns`.
    growth_bytes_per_second,
    -- Half width of the 95 % interval around `growth_bytes_per_second`, from sampling alone.
    growth_error,
    -- How much of the site's bytes a window of `window_name` leaves behind, on average of all of these windows; NULL: what
    -- stays was not made in windows.
    growth_bytes_per_window,
    -- Half width of the 95 % interval around `growth_bytes_per_window`, from sampling alone.
    growth_per_window_error,
    -- Name of the windows in which most of what stays was made, after the method of requests, or the kind of what has none
    -- (`websocket /feed`); NULL: in none.
    window_name,
    -- When the site was first seen to allocate, in nanoseconds since the start of the trace.
    first_ns,
    -- Since when what stays has been growing.
    growing_since_ns,
    -- Up to when it was judged: before what was freed in one go, and before the program's last activity.
    judged_until_ns,
    -- When what stays was seen to grow for the last time.
    last_growth_ns,
    -- Share of the bytes allocated that were live then, from 0 to 1.
    survival,
    -- The same by cohort of birth, as JSON: a list of `start_ns`, `allocated` and `surviving` bytes.
    cohorts,
    -- Live bytes over the life of the process, as JSON: a list of 60.
    curve,
    -- Of what was freed (and had lived for a while), the share that runs of the garbage collector freed.
    collected_share,
    -- Recorded allocations of the site.
    samples,
    -- Recorded allocations of the site that were live when recording ended.
    live_samples,
    -- Call stack that most of what stays comes from (`stacks`, `stack_frames`); NULL: none was known.
    nullif(stack_id, 0) AS stack_id,
    -- Where the site is many lines that only together grow (`line` is 0), or has not all call stacks of its place: those that it consists of, as JSON; NULL otherwise.
    stack_ids,
    -- Whose code the site is, as in `frames`.
    origin,
    -- Process of the site (`processes`); of several that are judged as one, that which has most of it.
    process_id,
    -- The processes in which something of it stays, that which has most of it first, as JSON. Processes that were started by
    -- the same one with the same command line are judged as one: what there is of a site in all of them is added up.
    process_ids
FROM chosen
ORDER BY place;

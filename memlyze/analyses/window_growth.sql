-- What windows leave behind for good: for each route, the mean of what its windows still held at the end, over those between
-- the first tenth and the half, and by itself over those of the last half. The first tenth is left out, since first windows
-- fill caches. The last half alone would not do, since what a bounded cache or a slow task holds is not given back yet; but
-- what is left behind for good is so there, too, and not where the part before it was still filling a cache.
WITH
numbered AS (
    SELECT
        name, kind, method, live_bytes,
        row_number() OVER (PARTITION BY name, kind, method, process_id ORDER BY end_ns, window_id) AS place,
        count(*) OVER (PARTITION BY name, kind, method, process_id) AS total
    FROM windows
    WHERE end_ns IS NOT NULL
),
parted AS (
    SELECT name, kind, method, live_bytes, place > ceil(total * 0.5) AS is_late
    FROM numbered
    WHERE place > total * 0.1
)
SELECT
    name,
    kind,
    method,
    _window_label(kind, method, name) AS label,
    is_late,
    count(*) AS windows,
    avg(live_bytes) AS bytes,
    1.96 * sqrt(coalesce(var_samp(live_bytes), 0) / count(*)) AS error,
    count(*) FILTER (WHERE live_bytes > 0) AS leaving
FROM parted
GROUP BY name, kind, method, is_late
ORDER BY is_late;

-- What windows leave behind for good: for each route, the mean of what its windows still held at the end, over those between
-- the first tenth and the half. The first tenth is left out, since first windows fill caches; the second half, since
-- what a bounded cache or a slow task holds is not given back yet.
WITH
numbered AS (
    SELECT
        name, kind, method, live_bytes,
        row_number() OVER (PARTITION BY name, kind, method, process_id ORDER BY end_ns, window_id) AS place,
        count(*) OVER (PARTITION BY name, kind, method, process_id) AS total
    FROM windows
    WHERE end_ns IS NOT NULL
)
SELECT
    name,
    kind,
    method,
    count(*) AS windows,
    avg(live_bytes) AS bytes,
    1.96 * sqrt(coalesce(var_samp(live_bytes), 0) / count(*)) AS error,
    count(*) FILTER (WHERE live_bytes > 0) AS leaving
FROM numbered
WHERE place > total * 0.1 AND place <= ceil(total * 0.5)
GROUP BY name, kind, method;

-- What each window held when it held most, of the windows that allocated. What happened at one reading of the clock (a
-- millisecond, as a rule) is netted: a block that came and went within it counts for itself alone.
CREATE VIEW _window_peaks AS
WITH
moves AS (
    SELECT window_id, time_ns AS at_ns, bytes, variance FROM _window_blocks
    UNION ALL
    SELECT window_id, freed_ns AS at_ns, -bytes AS bytes, -variance AS variance FROM _window_blocks
),
ticks AS (
    SELECT window_id, at_ns, sum(bytes) AS bytes, sum(variance) AS variance
    FROM moves
    WHERE at_ns <> 9223372036854775807
    GROUP BY window_id, at_ns
),
held AS (
    SELECT
        window_id,
        at_ns,
        sum(bytes) OVER earlier AS bytes,
        sum(variance) OVER earlier AS variance
    FROM ticks
    WINDOW earlier AS (PARTITION BY window_id ORDER BY at_ns ROWS UNBOUNDED PRECEDING)
),
peaks AS (
    SELECT
        window_id,
        max(bytes) AS bytes,
        arg_max(variance, bytes) AS variance
    FROM held
    GROUP BY window_id
)
SELECT
    p.window_id,
    greatest(p.bytes, l.size) AS bytes,
    CASE WHEN p.bytes >= l.size THEN greatest(p.variance, 0) ELSE 0 END AS variance
FROM peaks AS p
JOIN (SELECT window_id, max(size) AS size FROM _window_blocks GROUP BY window_id) AS l USING (window_id);

-- How figures of this trace are estimated: one row. `unseen_` is what there may be, with a probability of 5 %, where nothing
-- was recorded: 3 over the rate at which allocations are recorded. Of bytes that is the most for blocks of about the
-- sample interval, of allocations for the small objects that most are: 48 bytes. Where all is recorded, it is 0. An interval
-- that changed counts as the widest that it ever was: only those that came into force have a row. `closest_interval_bytes`
-- is what it was at its closest.
CREATE VIEW _sampling AS
WITH
told AS (
    SELECT
        process_id,
        max(try_cast(value AS DOUBLE)) FILTER (WHERE key = 'sample_rate') AS rate,
        max(CASE WHEN contains(value, 'adaptive') THEN 65536 ELSE try_cast(value AS DOUBLE) END)
            FILTER (WHERE key = 'sample_interval') AS interval_bytes
    FROM _raw_metadata
    GROUP BY process_id
),
in_force AS (
    SELECT process_id, min(interval_bytes) AS closest_bytes, max(interval_bytes) AS widest_bytes
    FROM _raw_samplings
    GROUP BY process_id
),
rates AS ( -- what the options say counts where the rows were lost
    SELECT
        rate,
        coalesce(nullif(widest_bytes, 0), interval_bytes) AS interval_bytes,
        coalesce(nullif(closest_bytes, 0), interval_bytes) AS closest_bytes
    FROM told LEFT JOIN in_force USING (process_id)
),
kept AS ( -- `hazard` is -ln of the probability that an allocation is not recorded, but for its size
    SELECT
        coalesce(rate >= 1, false) AS is_exact,
        greatest(coalesce(interval_bytes, 1), 1) AS interval_bytes,
        greatest(coalesce(closest_bytes, 1), 1) AS closest_bytes,
        greatest(coalesce(rate, 0), 0) AS rate,
        CASE WHEN rate < 1 THEN -ln(1 - greatest(rate, 0)) ELSE 0 END AS hazard
    FROM rates
)
SELECT
    coalesce(bool_and(is_exact), false) AS is_exact,
    coalesce(max(interval_bytes) FILTER (WHERE NOT is_exact), 0) AS interval_bytes,
    coalesce(max(greatest((3 - hazard) * interval_bytes, 144 / (hazard + 48 / interval_bytes))) FILTER (WHERE NOT is_exact), 0)
        AS unseen_bytes,
    coalesce(max(3 / (hazard + 48 / interval_bytes)) FILTER (WHERE NOT is_exact), 0) AS unseen_allocations,
    coalesce(min(closest_bytes) FILTER (WHERE NOT is_exact), 0) AS closest_interval_bytes,
    coalesce(min(rate), 0) AS rate
FROM kept;

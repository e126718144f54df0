-- How figures of this trace are estimated: one row. `unseen_` is what there may be, with a probability of 5 %, where nothing
-- was recorded: 3 over the rate at which allocations are recorded. Of bytes that is the most for blocks of about the
-- sample interval, of allocations for the small objects that most are: 48 bytes. Where all is recorded, it is 0.
CREATE VIEW _sampling AS
WITH
rates AS (
    SELECT
        process_id,
        max(try_cast(value AS DOUBLE)) FILTER (WHERE key = 'sample_rate') AS rate,
        max(try_cast(value AS DOUBLE)) FILTER (WHERE key = 'sample_interval') AS interval_bytes
    FROM _raw_metadata
    GROUP BY process_id
),
kept AS ( -- `hazard` is -ln of the probability that an allocation is not recorded, but for its size
    SELECT
        coalesce(rate >= 1, false) AS is_exact,
        greatest(coalesce(interval_bytes, 1), 1) AS interval_bytes,
        CASE WHEN rate < 1 THEN -ln(1 - greatest(rate, 0)) ELSE 0 END AS hazard
    FROM rates
)
SELECT
    coalesce(bool_and(is_exact), false) AS is_exact,
    coalesce(max(interval_bytes) FILTER (WHERE NOT is_exact), 0) AS interval_bytes,
    coalesce(max(greatest((3 - hazard) * interval_bytes, 144 / (hazard + 48 / interval_bytes))) FILTER (WHERE NOT is_exact), 0)
        AS unseen_bytes,
    coalesce(max(3 / (hazard + 48 / interval_bytes)) FILTER (WHERE NOT is_exact), 0) AS unseen_allocations
FROM kept;

-- What the garbage collector did; one row.
SELECT
    count(*) AS runs,
    coalesce(sum(duration_ns), 0)::BIGINT AS duration_ns,
    coalesce(sum(collected), 0)::BIGINT AS collected
FROM gc;

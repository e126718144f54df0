-- How long allocations live: one row for each class of lifetimes, the shortest first.
CREATE MACRO lifetimes() AS TABLE
WITH
classed AS (
    SELECT
        CASE
            WHEN freed_ns = -1 THEN 7
            WHEN freed_ns - time_ns < 1000000 THEN 0
            WHEN freed_ns - time_ns < 10000000 THEN 1
            WHEN freed_ns - time_ns < 100000000 THEN 2
            WHEN freed_ns - time_ns < 1000000000 THEN 3
            WHEN freed_ns - time_ns < 10000000000 THEN 4
            WHEN freed_ns - time_ns < 100000000000 THEN 5
            ELSE 6
        END AS class,
        sum(size * weight) AS bytes,
        sum(size::DOUBLE * size * weight * (weight - 1)) AS variance,
        sum(weight) AS allocations,
        sum(weight * (weight - 1)) AS allocations_variance,
        count(*) AS samples
    FROM _raw_allocations
    WHERE allocator <= 4
    GROUP BY class
),
classes AS (
    SELECT *
    FROM (VALUES
        (0, 'under 1 ms', 0, 1000000),
        (1, '1 to 10 ms', 1000000, 10000000),
        (2, '10 to 100 ms', 10000000, 100000000),
        (3, '100 ms to 1 s', 100000000, 1000000000),
        (4, '1 to 10 s', 1000000000, 10000000000),
        (5, '10 to 100 s', 10000000000, 100000000000),
        (6, 'over 100 s', 100000000000, NULL),
        (7, 'still live', NULL, NULL)
    ) AS v (class, lifetime, from_ns, to_ns)
)
SELECT
    -- The class in words; `still live` are those not freed when recording ended.
    v.lifetime,
    -- Shortest lifetime of the class, in nanoseconds; NULL: still live.
    v.from_ns::BIGINT AS from_ns,
    -- Lifetimes of the class are shorter than this, in nanoseconds; NULL: no bound.
    v.to_ns::BIGINT AS to_ns,
    -- Bytes allocated (an estimate while sampling).
    coalesce(c.bytes, 0) AS bytes,
    -- Half width of the 95 % interval around `bytes`: 0 at `sample_rate=1.0`.
    _bytes_error(c.bytes, c.variance, u.unseen_bytes) AS bytes_error,
    -- Number of allocations (an estimate while sampling).
    coalesce(c.allocations, 0) AS allocations,
    -- Half width of the 95 % interval around `allocations`.
    _allocations_error(c.allocations_variance, u.unseen_allocations) AS allocations_error,
    -- Recorded rows from which the figures come.
    coalesce(c.samples, 0) AS samples
FROM classes AS v
LEFT JOIN classed AS c ON c.class = v.class
CROSS JOIN _sampling AS u
ORDER BY v.class;

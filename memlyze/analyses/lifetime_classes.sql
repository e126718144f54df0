-- Allocations by class of size and lifetime; one row for each pair that has any. Sizes are classed by powers of two,
-- lifetimes by powers of ten from a millisecond on; class -1 of lifetimes: still live.
SELECT
    CASE WHEN size <= 16 THEN 0 ELSE ceil(log2(size))::BIGINT - 4 END AS size_class,
    CASE
        WHEN freed_ns = -1 THEN -1
        WHEN freed_ns - time_ns < 1000000 THEN 0
        ELSE floor(log10((freed_ns - time_ns) / 1000000.0))::BIGINT + 1
    END AS lifetime_class,
    sum(bytes)::DOUBLE AS bytes,
    sum(weight)::DOUBLE AS allocations,
    count(*) AS samples
FROM _selected($from_ns, $to_ns, $process_ids, $thread_ids, $window_ids)
GROUP BY ALL;

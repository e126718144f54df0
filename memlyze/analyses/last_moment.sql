-- The last moment of which anything is known; one row.
SELECT greatest(
    coalesce((SELECT max(greatest(time_ns, freed_ns)) FROM _raw_allocations), 0),
    coalesce((SELECT max(time_ns) FROM memory), 0),
    coalesce((SELECT max(end_ns) FROM processes), 0)
) AS last_ns;

-- How the figures of the trace are estimated; one row.
SELECT is_exact, interval_bytes, unseen_bytes, unseen_allocations, closest_interval_bytes, rate FROM _sampling;

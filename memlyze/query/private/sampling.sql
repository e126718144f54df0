-- How figures of this trace are estimated: one row, from `query/sampling.py`.
CREATE VIEW _sampling AS
SELECT is_exact, interval_bytes, unseen_bytes, unseen_allocations, closest_interval_bytes, rate
FROM _raw_sampling;

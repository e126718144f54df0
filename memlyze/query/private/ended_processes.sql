-- The processes that ended while others went on, and when. Of one that was killed nobody wrote that: it ended at its last
-- sign of life, unless that is so late that it may still run, and was read a little before the others.
CREATE VIEW _ended_processes AS
SELECT process_id, end_ns
FROM _process_ends
WHERE is_over;

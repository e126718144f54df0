-- When each process was last seen: the end of its recording or, of one that was killed, the last tick of its memory clock.
CREATE VIEW _process_ends AS
SELECT process_id, end_ns, is_over
FROM _raw_process_ends;

-- How each process was started and how it ended; NULL where that is not known.
SELECT process_id, started_by, ended_by FROM processes;

-- How each process ended; NULL where that is not known.
SELECT process_id, ended_by FROM processes;

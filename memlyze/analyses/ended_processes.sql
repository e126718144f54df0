-- The processes that ended while others went on, and when.
SELECT process_id, end_ns FROM _ended_processes;

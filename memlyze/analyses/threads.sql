-- All threads; one row for each, in the order in which they were met.
SELECT thread_id, process_id, os_thread_id, name, start_ns, end_ns
FROM threads
ORDER BY thread_id;

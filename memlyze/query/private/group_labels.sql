-- What threads, processes or windows are called; windows of a name are one.
CREATE MACRO _group_labels(of_kind) AS TABLE
SELECT
    thread_id AS group_id,
    CASE WHEN name = '' THEN 'thread ' || os_thread_id ELSE name END
    || CASE WHEN (SELECT count(*) FROM _raw_processes) > 1 THEN ' (process ' || process_id || ')' ELSE '' END AS label
FROM _raw_threads
WHERE of_kind = 'thread'
UNION ALL
SELECT process_id, 'process ' || process_id || ': ' || command_line
FROM _raw_processes
WHERE of_kind = 'process'
UNION ALL
-- A name that is empty would be a row that is called nothing, and that nobody can choose.
SELECT window_id, CASE WHEN name = '' THEN _window_label(kind, method, name) ELSE name END
FROM _raw_windows
WHERE of_kind = 'window'
UNION ALL
-- Groups are told apart by what they are called, and a program may call its windows so, too.
SELECT 0, CASE WHEN 'no window' IN (SELECT name FROM _raw_windows) THEN 'outside of windows' ELSE 'no window' END
WHERE of_kind = 'window';

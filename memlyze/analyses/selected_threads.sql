-- The threads that have this name or this number.
SELECT thread_id AS id
FROM threads
WHERE thread_id = $number OR name = $name;

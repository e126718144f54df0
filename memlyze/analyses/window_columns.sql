-- What each window took; one row for each, in order of their numbers.
SELECT
    window_id,
    coalesce(parent_id, 0) AS parent_id,
    kind,
    name,
    start_ns,
    coalesce(duration_ns, -1) AS duration_ns,
    coalesce(thread_id, 0) AS thread_id,
    process_id,
    allocated_bytes::DOUBLE AS allocated_bytes,
    allocated_bytes_error::DOUBLE AS allocated_bytes_error,
    retained_bytes::DOUBLE AS retained_bytes,
    retained_bytes_error::DOUBLE AS retained_bytes_error,
    live_bytes::DOUBLE AS live_bytes,
    samples
FROM windows
ORDER BY window_id;

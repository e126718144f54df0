-- One window; no row where there is none with this number.
SELECT
    window_id, parent_id, kind, name, start_ns, end_ns, thread_id, process_id, attributes,
    allocated_bytes, allocated_bytes_error, own_allocated_bytes, retained_bytes, retained_bytes_error,
    live_bytes, allocations, samples
FROM windows
WHERE window_id = $window_id;

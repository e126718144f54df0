-- The mappings of the process at one snapshot: one row for each mapped file, and one for all mappings
-- of another kind together. Reserved is not resident.
CREATE VIEW resident_mappings AS
SELECT
    -- When the snapshot was taken, in nanoseconds since the start of the trace.
    time_ns,
    -- What the mappings are for: `pymalloc`, `malloc`, `code` (programs and libraries) or a category
    -- of `rss_explained`.
    CASE category
        WHEN 'python_objects' THEN 'pymalloc'
        WHEN 'pymalloc_free' THEN 'pymalloc'
        WHEN 'malloc_live' THEN 'malloc'
        WHEN 'malloc_free' THEN 'malloc'
        WHEN 'library_data' THEN 'code'
        ELSE category
    END AS kind,
    -- Path of the mapped file; NULL: memory of no file, or of files beyond the first 512.
    nullif(path, '') AS path,
    -- How many mappings they are.
    sum(mapping_count)::BIGINT AS mapping_count,
    -- Bytes of addresses that they take.
    sum(reserved_bytes)::BIGINT AS reserved_bytes,
    -- Bytes of them in physical memory.
    sum(resident_bytes)::BIGINT AS resident_bytes,
    -- Of a program or library, resident bytes that are no longer shared with the file: variables.
    coalesce(sum(resident_bytes) FILTER (WHERE category = 'library_data'), 0)::BIGINT
        AS copied_bytes,
    -- Process whose mappings they are (`processes`).
    process_id
FROM _raw_resident
GROUP BY process_id, time_ns, kind, path
HAVING sum(mapping_count) > 0;

-- One source file that call stacks go through, as it was when a function of it was first met; those
-- of the standard library are left out.
CREATE VIEW sources AS
SELECT
    -- Path of the file, as in `frames`.
    file,
    -- Bytes of its text; NULL: it was not read.
    CASE WHEN left_out = '' THEN size END AS size,
    -- CRC-32 of its text: whether a file of that name is still the one that ran; NULL: it was not read.
    CASE WHEN left_out = '' THEN crc32 END AS crc32,
    -- When it was last changed, in nanoseconds since 1970; NULL: unknown.
    nullif(modified_unix_ns, 0) AS modified_unix_ns,
    -- Its text, where it was recorded with `include_source`; NULL otherwise.
    CASE WHEN left_out = '' AND has_text = 1 THEN text END AS text,
    -- Why it was not read, in words; NULL: it was.
    nullif(left_out, '') AS left_out,
    -- Process that ran it (`processes`).
    process_id
FROM _raw_sources;

-- Whether there is a function of a file with these patterns, or NULL for any: one row, or none.
SELECT frame_id
FROM frames
WHERE
    ($function::VARCHAR IS NULL OR function GLOB $function OR function GLOB ('*.' || $function))
    AND ($file::VARCHAR IS NULL OR file GLOB $file OR file GLOB ('*/' || $file))
LIMIT 1;

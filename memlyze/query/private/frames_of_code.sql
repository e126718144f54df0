-- The frames that are of a function and of a file by these patterns, or by one of them where the other is NULL.
CREATE MACRO _frames_of_code(of_function, of_file) AS TABLE
SELECT frame_id
FROM _raw_frames
WHERE
    (of_function::VARCHAR IS NULL OR function GLOB of_function OR function GLOB ('*.' || of_function))
    AND (of_file::VARCHAR IS NULL OR file GLOB of_file OR file GLOB ('*/' || of_file));

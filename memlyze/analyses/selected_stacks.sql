-- The stacks on which a function of a file stands, anywhere: with these patterns, or NULL for any.
SELECT DISTINCT s.stack_id
FROM stack_frames AS s
JOIN (
    SELECT frame_id
    FROM frames
    WHERE
        ($function::VARCHAR IS NULL OR function GLOB $function OR function GLOB ('*.' || $function))
        AND ($file::VARCHAR IS NULL OR file GLOB $file OR file GLOB ('*/' || $file))
) AS f ON f.frame_id = s.frame_id;

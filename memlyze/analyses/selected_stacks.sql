-- The stacks on which a function of a file stands, anywhere: with these patterns, or NULL for any.
SELECT DISTINCT s.stack_id
FROM stack_frames AS s
JOIN _frames_of_code($function, $file) AS f ON f.frame_id = s.frame_id;

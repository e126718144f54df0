-- Whether there is a function of a file with these patterns, or NULL for any: one row, or none.
SELECT frame_id FROM _frames_of_code($function, $file) LIMIT 1;

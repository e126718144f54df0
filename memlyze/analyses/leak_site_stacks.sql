-- The place in the program that each call stack stands for.
SELECT s.stack_id, f.function, f.file, f.line
FROM _raw_stack_sites AS s
JOIN _raw_frames AS f ON f.frame_id = s.program_frame_id;

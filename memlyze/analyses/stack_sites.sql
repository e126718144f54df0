-- The frames that a stack counts for, one row for each stack: its innermost one, and that of the program's own code.
SELECT stack_id, innermost_frame_id, program_frame_id
FROM _raw_stack_sites
ORDER BY stack_id;

-- The frame of each stack that `hotspots()` calls its site, in the order of the stacks.
SELECT program_frame_id FROM _raw_stack_sites ORDER BY stack_id;

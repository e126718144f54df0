-- The call stacks spelled out: one row for each frame of each stack, innermost frame first.
CREATE VIEW stack_frames AS
SELECT
    -- The stack (`stacks`).
    s.stack_id,
    -- Distance from the innermost frame, which has 0.
    s.depth,
    -- The frame at that place (`frames`).
    s.frame_id,
    -- Function of the frame.
    f.function,
    -- Source file of the frame.
    f.file,
    -- Line of the frame.
    f.line,
    -- Whose code it is, as in `frames`.
    f.origin,
    -- Process that the stack belongs to (`processes`).
    s.process_id
FROM _raw_stack_frames AS s
JOIN _raw_frames AS f ON f.frame_id = s.frame_id;

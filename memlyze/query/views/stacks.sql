-- One call stack, as a node of a tree: its innermost frame, and the stack of its caller.
CREATE VIEW stacks AS
SELECT
    -- Number of the stack, unique among the opened traces.
    stack_id,
    -- Stack of the caller; NULL: this is an outermost frame.
    nullif(parent_id, 0) AS parent_id,
    -- Innermost frame of the stack (`frames`).
    frame_id,
    -- How many frames the stack has; 1: only the outermost.
    depth,
    -- Process that the stack belongs to (`processes`).
    process_id
FROM _raw_stacks;

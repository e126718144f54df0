-- The frames of some stacks, innermost first.
SELECT stack_id, function, file, line, origin
FROM stack_frames
WHERE list_contains($stack_ids, stack_id)
ORDER BY stack_id, depth;

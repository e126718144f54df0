-- The windows that have this name or this number, and those inside them.
WITH RECURSIVE
chosen AS (
    SELECT window_id, parent_id FROM _raw_windows WHERE window_id = $number OR name = $name
    UNION
    SELECT w.window_id, w.parent_id FROM _raw_windows AS w JOIN chosen AS c ON w.parent_id = c.window_id
)
SELECT window_id AS id FROM chosen;

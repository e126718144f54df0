-- The windows that have this name, alone or as they are listed (`GET /search`), or this number, and those inside them.
WITH RECURSIVE
chosen AS (
    SELECT window_id, parent_id
    FROM _raw_windows
    WHERE window_id = $number OR name = $name OR _window_label(kind, method, name) = $name
    UNION
    SELECT w.window_id, w.parent_id FROM _raw_windows AS w JOIN chosen AS c ON w.parent_id = c.window_id
)
SELECT window_id AS id FROM chosen;

-- Who holds an object: the shortest chain of references to it from a root, the root first. At most the 500
-- references next to the object.
--
-- Parameters:
--   object: number of the object, as in `objects`.
CREATE MACRO path_to_root(object) AS TABLE
WITH RECURSIVE
chain AS (
    SELECT r.*, 0 AS steps
    FROM _raw_object_tree AS r
    WHERE r.object_id = object
    UNION ALL
    SELECT r.*, c.steps + 1
    FROM chain AS c
    JOIN _raw_object_tree AS r ON r.object_id = c.holder_id
    WHERE c.steps < 500
),
texts AS (
    SELECT object_id, text
    FROM _raw_object_texts
    WHERE object_id IN (SELECT key_id FROM chain UNION ALL SELECT object_id FROM chain)
),
spelled AS (
    SELECT
        c.*,
        CASE
            WHEN c.holder_id != 0 THEN _object_how(c.how, c.number, n.name, k.text)
            WHEN c.root = -2 THEN 'held from C'
            WHEN c.root = -3 THEN 'held by nobody: the collector has not come by'
            WHEN c.root = -4 THEN 'not known: a part of the checkpoint is damaged'
            ELSE s.holder
        END AS holding
    FROM chain AS c
    LEFT JOIN _raw_object_names AS n ON c.how IN (1, 3, 5) AND n.name_id = c.number
    LEFT JOIN texts AS k ON k.object_id = c.key_id
    LEFT JOIN _named_roots AS s ON s.root = c.root
)
SELECT
    -- Which object of the chain, from 0 (held by the root) on.
    (max(c.steps) OVER () - c.steps)::BIGINT AS step,
    -- How the object before refers to it, as in `object_references`; of the first one, what the root is: `module app`,
    -- `local batch of main (app.py:12)`, `held from C`; or that it is not known, where the checkpoint is damaged.
    c.holding AS how,
    -- Its type, with the module.
    t.type,
    -- What it is called, where it is a module, class, function or coroutine.
    x.text AS name,
    -- How many items it has; NULL: it is no container, string or array.
    nullif(o.length, -1) AS length,
    -- Bytes that would be freed with it; NULL: not known.
    nullif(c.retained, -1) AS retained,
    -- Number of the object (`objects`).
    c.object_id
FROM spelled AS c
JOIN _raw_objects AS o ON o.object_id = c.object_id
LEFT JOIN _named_types AS t ON t.type_id = o.type_id
LEFT JOIN texts AS x ON x.object_id = c.object_id
ORDER BY step;

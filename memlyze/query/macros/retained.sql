-- What each object of the checkpoints keeps in memory: the bytes that would be freed if it alone were gone.
-- The greatest first. What is held by C alone, or by nobody any more, counts as held by a root of its own.
CREATE MACRO retained() AS TABLE
SELECT
    -- Number of the object (`objects`).
    o.object_id,
    -- Its type, with the module.
    t.type,
    -- Bytes that would be freed with it, its own among them; NULL: not known, as a part of the checkpoint is damaged.
    nullif(r.retained, -1) AS retained,
    -- Bytes that it takes itself.
    o.size,
    -- The object that it would go with (its immediate dominator); NULL: none, it is held in several ways or by a root,
    -- or not known.
    nullif(r.dominator_id, 0) AS dominator_id,
    -- References on the shortest way from a root; NULL: not known.
    nullif(r.distance, -1) AS distance,
    -- What the object is called, where it is a module, class, function or coroutine.
    x.text AS name,
    -- Checkpoint that it is of (`checkpoints`).
    o.checkpoint_id,
    -- Process that it is of (`processes`).
    o.process_id
FROM _raw_object_tree AS r
JOIN _raw_objects AS o ON o.object_id = r.object_id
LEFT JOIN _named_types AS t ON t.type_id = o.type_id
LEFT JOIN _raw_object_texts AS x ON x.object_id = o.object_id
ORDER BY retained DESC NULLS LAST, o.object_id;

-- One object of the program at a checkpoint: all that the collector tracks, and all that these refer to,
-- but for what is there once and for all, such as None and small numbers. Empty without a checkpoint.
CREATE VIEW objects AS
SELECT
    -- Number of the object, unique among the opened traces. The same object has another one at each checkpoint.
    o.object_id,
    -- Its type, with the module: `app.Session`, `dict`.
    t.type,
    -- Bytes that it takes itself: with what the collector keeps before it, and with its own buffer (the items of a
    -- list, the table of a dict, the data of an array), without what it refers to.
    o.size,
    -- How many items it has; NULL: it is no container, string or array.
    nullif(o.length, -1) AS length,
    -- The recorded allocation that it is (`allocations`); NULL: none was recorded.
    nullif(o.allocation_id, 0) AS allocation_id,
    -- The recorded allocation of its buffer; NULL: it has none, or none was recorded.
    nullif(o.buffer_allocation_id, 0) AS buffer_allocation_id,
    -- References to it that were not found: from C, from the stack of the interpreter, from objects that tell nobody.
    -- 0 where the object is never freed and does not count.
    o.unseen_references,
    -- What the object is called, where it is a module, class, function, coroutine, or the key of a mapping.
    x.text AS name,
    -- Where it is in memory.
    o.address,
    -- Checkpoint that it is of (`checkpoints`).
    o.checkpoint_id,
    -- Process that it is of (`processes`).
    o.process_id
FROM _raw_objects AS o
LEFT JOIN _named_types AS t ON t.type_id = o.type_id
LEFT JOIN _raw_object_texts AS x ON x.object_id = o.object_id;

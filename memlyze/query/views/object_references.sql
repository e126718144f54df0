-- One reference from an object to another, at a checkpoint. An instance's reference to its class is not among
-- them: `objects.type` says it.
CREATE VIEW object_references AS
SELECT
    -- The object that refers (`objects`).
    r.from_id,
    -- The object that it refers to (`objects`).
    r.to_id,
    -- How, as one would write it: `.history` (an attribute), `['u17']` (the value of a key), `[3]` (an item), `local x`
    -- (a variable of a suspended function), `key` (of a mapping), `member` (of a set), `other` (in C, without a name).
    _object_how(r.how, r.number, n.name, k.text) AS how,
    -- The object that is the key of a value; NULL: it is not a value, or its key is not in `objects`.
    nullif(r.key_id, 0) AS key_id
FROM _raw_object_references AS r
LEFT JOIN _raw_object_names AS n ON r.how IN (1, 3, 5) AND n.name_id = r.number
LEFT JOIN _raw_object_texts AS k ON k.object_id = r.key_id;

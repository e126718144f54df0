-- What the trace says about itself: one row for each key. `docs/format-spec.md` lists the keys.
CREATE VIEW metadata AS
SELECT
    -- Name of the entry, such as `sample_rate`.
    key,
    -- Its value: text as it is, anything else as JSON.
    value,
    -- Process whose trace says so (`processes`).
    process_id
FROM _raw_metadata;

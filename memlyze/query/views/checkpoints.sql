-- One checkpoint: a moment at which every object of the process was recorded, with what it refers to.
-- There is one at the end of a recording, unless it was left out or the process was killed before,
-- one for each call of `memlyze.checkpoint()`, and those of `checkpoint_signal` and
-- `checkpoint_interval_s`.
CREATE VIEW checkpoints AS
SELECT
    -- Number of the checkpoint, unique among the opened traces.
    checkpoint_id,
    -- When it was taken, in nanoseconds since the start of the trace.
    time_ns,
    -- Why: `stop`, `exit`, `_exit` (ends of the recording), `checkpoint` (a call), `signal`, `interval`.
    reason,
    -- How long the program stood still for it, in nanoseconds.
    pause_ns,
    -- Objects in it.
    object_count,
    -- References between them, those to types left out.
    reference_count,
    -- Memory that the recorder took for it, in bytes, until it was written.
    memory_bytes,
    -- Process that it is of (`processes`).
    process_id
FROM _raw_checkpoints;

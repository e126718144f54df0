-- One position in the source: a line of a function, as it appears in call stacks.
CREATE VIEW frames AS
SELECT
    -- Number of the frame, unique among the opened traces.
    frame_id,
    -- Qualified name of the function where the interpreter knows it (CPython 3.11 and later), else its plain name.
    function,
    -- Path of the source file, as the interpreter has it.
    file,
    -- Line number, from 1; 0: unknown.
    line,
    -- Dotted name of the module, derived from the file and `sys.path`; NULL: unknown.
    module,
    -- `python` or `native`.
    language,
    -- Whose code it is: `program`, `library` (installed packages other than those of a web application with a middleware), `standard library`, or `runtime` (frozen and native code, launchers of installed commands).
    origin,
    -- Process that the frame belongs to (`processes`).
    process_id
FROM _raw_frames;

# cython: language_level=3, binding=False, embedsignature=True
"""The recorder, as Python sees it: a literal wrapper around the C core.

`memlyze.tracer` gives it manners.
"""

import errno
import threading
from _contextvars import ContextVar

from libc.stdint cimport int64_t, uint32_t, uint64_t, uintptr_t
from cpython.long cimport PyLong_FromVoidPtr
from cpython.ref cimport Py_DECREF, PyObject

cdef extern from "core/recorder.h" nogil:
    ctypedef struct ml_options:
        const char *output_file
        bint overwrite
        const char *header_metadata_json
        double interval_bytes
        double least_interval_bytes
        double rate
        int64_t surcharge_bytes
        uint32_t max_stack_depth
        uint32_t memory_interval_ms
        bint drop_when_full
        uint64_t max_trace_bytes
        uint64_t seed
        const char *working_directory
        bint include_source
    ctypedef struct ml_live_table:
        pass
    ctypedef struct ml_recorder:
        int64_t start_monotonic_ns
        ml_live_table live
    ml_recorder ml_recording
    uint64_t ml_session
    int ml_recorder_start(const ml_options *options, char *error, size_t error_bytes)
    int ml_recorder_stop(const char *reason, char *error, size_t error_bytes)
    int64_t ml_monotonic_ns()
    int64_t ml_recorder_step_clock()
    void ml_live_table_expect_stale(ml_live_table *table)
    ctypedef struct ml_code_table:
        pass
    ml_code_table ml_codes
    void ml_code_renew_epoch(ml_code_table *table)

cdef extern from "Python.h":
    const unsigned long PY_VERSION_HEX
    ctypedef struct PyInterpreterState:
        pass
    ctypedef struct PyThreadState:
        PyInterpreterState *interp
    PyThreadState *PyThreadState_Get()
    PyInterpreterState *PyInterpreterState_Main()
    int Py_AddPendingCall(int (*function)(void *) noexcept, void *argument)
    PyObject *PyEval_GetFrame()
    int PyContextVar_Get(object variable, PyObject *default_, PyObject **value) except -1
    object PyContextVar_Set(object variable, object value)
    int PyTraceMalloc_Untrack(unsigned int domain, uintptr_t address)

cdef extern from "core/thread_state.h" nogil:
    void ml_thread_set_name(uint64_t os_thread_id, const char *name)

cdef extern from "core/trace_metadata.h" nogil:
    void ml_metadata_tell(const char *key, const char *json)

cdef extern from "core/writer.h" nogil:
    bint ml_writer_is_deleted()

cdef extern from "core/helper_thread.h" nogil:
    void ml_helper_pause()
    void ml_helper_resume()
    bint ml_helper_is_paused()

cdef extern from "cpython/present_window.h":
    void ml_window_set_variable(PyObject *variable)
    void ml_window_changed()
    void ml_window_set_first(unsigned int window_id)

cdef extern from "core/side_rows.h" nogil:
    void ml_side_rows_add_gc(int64_t start_ns, int64_t duration_ns, int generation,
                             int64_t collected, int64_t uncollectable, uint32_t thread_id,
                             uint32_t window_id)
    ctypedef struct ml_window_row:
        uint32_t window_id
        uint32_t parent_id
        uint32_t thread_id
        const char *kind
        const char *name
        const char *attributes_json
        int64_t start_ns
        int64_t end_ns
        const char *method
        uint32_t status
        int64_t first_byte_after_ns
    void ml_side_rows_add_window(const ml_window_row *row)

cdef extern from "cpython/allocator_hooks.h":
    int ml_hooks_install()
    void ml_hooks_settle()
    unsigned int ml_hooks_thread_id()
    void ml_hooks_pause_thread()
    void ml_hooks_resume_thread()

cdef extern from "cpython/anchor.h":
    void ml_make_frame_objects()

cdef extern from "launch/signal_wait.h" nogil:
    ctypedef struct ml_received_signal:
        int number
        int code
        int process_id
    bint ml_wait_for_signal(uint64_t signals, int64_t timeout_ns, ml_received_signal *received)

cdef extern from "cpython/compat.h":
    void ml_enter_untraced()
    void ml_leave_untraced()

cdef extern from "cpython/checkpoint.h":
    ctypedef enum ml_checkpoint_outcome:
        ML_CHECKPOINT_TAKEN
        ML_CHECKPOINT_TOO_MANY_OBJECTS
        ML_CHECKPOINT_NO_MEMORY
    ctypedef struct ml_checkpoint:
        ml_checkpoint_outcome outcome
        uint64_t objects
        uint64_t references
        int64_t pause_ns
    ml_checkpoint ml_checkpoint_take(const char *reason, uint64_t most_objects)
    void ml_checkpoint_at_exit(uint64_t most_objects)
    void ml_checkpoint_before_cleanup()
    bint ml_checkpoint_is_last_taken()
    void ml_checkpoint_forget()
    void ml_checkpoint_know_class(void *some_class)

cdef extern from "core/malloc_figures.h" nogil:
    void ml_malloc_figures_find()

cdef extern from "cpython/runtime_layout.h":
    void ml_runtime_describe()

cdef extern from "cpython/native_memory.h" nogil:
    void ml_native_memory_prepare()
    const char *ml_native_memory_install()

cdef extern from "native/native_hooks.h" nogil:
    void ml_native_settle()

cdef extern from "native/invisible_allocators.h" nogil:
    ctypedef struct ml_invisible_allocator:
        const char *name
        char file[4096]
    size_t ml_find_invisible_allocators(const void *except_, ml_invisible_allocator *found,
                                        size_t room)

cdef extern from "cpython/code_deaths.h":
    void ml_code_deaths_watch()

cdef extern from "cpython/launch_hooks.h":
    int ml_launch_hooks_install() except -1
    bint ml_launch_hooks_is_starting()
    bint ml_launch_hooks_follow(const char *record, const char *startup_folder, const char *shim)

cdef uint32_t next_window_id = 1
cdef uint32_t first_window_id = 1  # of this recording
cdef int64_t collection_start_ns = 0
cdef int hooks_lost = 0
cdef int64_t checkpoint_interval_ns = 0
cdef int64_t next_checkpoint_ns = 0
cdef uint64_t checkpoint_session = 0  # that both are of
cdef uint64_t most_at_interval = 0
cdef int64_t checkpoint_asked_ns = 0  # when the main thread was asked for one; 0: it was not
cdef enum:
    LEAST_TIME_PER_PAUSE = 50
    PATIENCE_NS = 1000000000
cdef ml_invisible_allocator invisible[16]

# The number of the present window, 0 for none. In the context, so that it follows a task through an
# event loop, and other tasks in between have theirs. Kept for good: hooks read it.
cdef object window_variable = ContextVar("memlyze_window", default=0)
present = window_variable
ml_window_set_variable(<PyObject *>window_variable)


cdef int64_t now_ns():
    return ml_monotonic_ns() - ml_recording.start_monotonic_ns


def start(bytes output_file not None, bint overwrite, bytes header_metadata_json not None,
          double interval_bytes, double least_interval_bytes, double rate,
          int64_t surcharge_bytes, uint32_t max_stack_depth, uint32_t memory_interval_ms,
          bint drop_when_full, uint64_t seed, bint native, uint64_t max_trace_bytes,
          bytes working_directory not None, bint include_source):
    """Start recording; with `native`, what is had from the C library too. Relative names of source
    files are meant in `working_directory`; with `include_source` the trace has their text. The
    interval is `interval_bytes` or, where `least_interval_bytes` is not 0, between the two as the
    program's pace allows.

    Returns None, or why native memory cannot be seen. Raises OSError when the file cannot be made,
    MemoryError without memory.
    """
    global first_window_id, hooks_lost, collection_start_ns
    cdef ml_options options
    cdef char error[5000]
    options.output_file = output_file
    options.overwrite = overwrite
    options.header_metadata_json = header_metadata_json
    options.interval_bytes = interval_bytes
    options.least_interval_bytes = least_interval_bytes
    options.rate = rate
    options.surcharge_bytes = surcharge_bytes
    options.max_stack_depth = max_stack_depth
    options.memory_interval_ms = memory_interval_ms
    options.drop_when_full = drop_when_full
    options.seed = seed
    options.max_trace_bytes = max_trace_bytes
    options.working_directory = working_directory
    options.include_source = include_source
    hooks_lost = 0
    ml_checkpoint_forget()
    collection_start_ns = 0  # a finalizer may have forked: that collection is the parent's
    first_window_id = next_window_id  # a window may be open from one recording to the next
    ml_window_set_first(first_window_id)
    ml_runtime_describe()
    ml_code_deaths_watch()
    with nogil:
        ml_malloc_figures_find()
    ml_launch_hooks_install()  # imports modules, which are not the program's
    cdef int failure = ml_recorder_start(&options, error, sizeof(error))
    if failure < 0:
        raise MemoryError((<bytes>error).decode("utf-8", "replace"))
    if failure:
        raise OSError(failure, (<bytes>error).decode("utf-8", "replace"))
    cdef const char *why_not = NULL
    if native:
        ml_native_memory_prepare()
        with nogil:
            why_not = ml_native_memory_install()
    ml_hooks_install()
    return None if why_not == NULL else why_not.decode()


def stop(bytes reason not None):
    """Stop recording and finish the file; False: somebody has deleted it in the meantime.

    Raises OSError when not everything could be written.
    """
    cdef char error[5000]
    cdef const char *why = reason
    cdef int failure
    with nogil:
        failure = ml_recorder_stop(why, error, sizeof(error))
    ml_hooks_settle()
    ml_native_settle()
    if failure:
        raise OSError(failure, (<bytes>error).decode("utf-8", "replace"))
    return not ml_writer_is_deleted()


# Texts that outlive the call.
cdef dict checkpoint_reasons = {"stop": b"stop", "exit": b"exit", "checkpoint": b"checkpoint",
                                "signal": b"signal"}


def take_checkpoint(str reason not None, uint64_t most_objects):
    """Take the heap graph, and leave its writing to the helper thread.

    Returns (why not, objects, references, nanoseconds); why not is None when it was taken,
    otherwise "too many objects" or "no memory". While recording. Raises KeyError for a reason that
    the format does not have.
    """
    cdef bytes text = checkpoint_reasons[reason]
    cdef ml_checkpoint taken = ml_checkpoint_take(text, most_objects)
    why_not = None
    if taken.outcome == ML_CHECKPOINT_TOO_MANY_OBJECTS:
        why_not = "too many objects"
    elif taken.outcome == ML_CHECKPOINT_NO_MEMORY:
        why_not = "no memory"
    return why_not, taken.objects, taken.references, taken.pause_ns


def take_checkpoints_from(int64_t interval_ns, uint64_t most_objects):
    """Have `checkpoint_callback` take the first one when a recording is so old, and none of more
    objects.
    """
    global checkpoint_interval_ns, checkpoint_session, most_at_interval
    checkpoint_interval_ns = interval_ns
    most_at_interval = most_objects
    checkpoint_session = 0


def checkpoint_callback(phase, info):
    """For `gc.callbacks`: a checkpoint where one is due. When the collector has run its lists are
    whole, and garbage that it found is gone.

    Until CPython 3.11 it may run in the middle of whatever allocates: there the main thread takes
    it between two instructions, unless it comes to none for a second.

    The times between two go up with the age of the recording, so that there are some dozen in a
    day, and with how long the last one took, which is to be a small share of all time.
    """
    global next_checkpoint_ns, checkpoint_session, checkpoint_asked_ns
    if not ml_session or phase != "stop":
        return
    if checkpoint_session != ml_session:  # that of a child, perhaps, which begins anew
        checkpoint_session = ml_session
        next_checkpoint_ns = checkpoint_interval_ns
        checkpoint_asked_ns = 0
    cdef int64_t age_ns = now_ns()
    if age_ns < next_checkpoint_ns:
        return
    if PY_VERSION_HEX < 0x030c0000:
        if checkpoint_asked_ns == 0:
            if Py_AddPendingCall(take_due_checkpoint, NULL) == 0:
                checkpoint_asked_ns = age_ns
            return
        if age_ns - checkpoint_asked_ns < PATIENCE_NS:
            return
    take_due_checkpoint(NULL)


cdef int take_due_checkpoint(void *unused) noexcept:
    global next_checkpoint_ns, checkpoint_asked_ns
    cdef ml_checkpoint taken
    cdef int64_t age_ns
    checkpoint_asked_ns = 0
    if ml_session and checkpoint_session == ml_session and now_ns() >= next_checkpoint_ns:
        taken = ml_checkpoint_take(b"interval", most_at_interval)
        age_ns = now_ns()
        next_checkpoint_ns = age_ns + max(age_ns // 2, LEAST_TIME_PER_PAUSE * taken.pause_ns)
    return 0


def checkpoint_before_cleanup():
    """Take the last one, where a recording goes on; for `atexit`, which calls it without a frame in
    Python: a signal's handler would run in that, and what it raises would be lost to the program.
    """
    ml_checkpoint_before_cleanup()


def has_last_checkpoint():
    """Whether that was done in this recording, and not long before its end."""
    return ml_checkpoint_is_last_taken()


def know_class(type some_class not None):
    """A class written in Python, any one; before the first checkpoint."""
    ml_checkpoint_know_class(<void *>some_class)


def checkpoint_at_exit(uint64_t most_objects):
    """Whether one is taken when the process ends by `os._exit`, and of how many objects at most; 0:
    none.
    """
    ml_checkpoint_at_exit(most_objects)


def is_recording():
    """True while allocations are recorded in this process."""
    return ml_session != 0


def trace_time_ns():
    """Nanoseconds since the start of the trace; what is recorded from now on is not before it."""
    return ml_recorder_step_clock()


cpdef set_present(number):
    """The window that the calling code runs in from now on, in its context; 0: none.

    Also where `reset` would do: that takes the variable out of the context, which allocates, and a
    hook that looks it up in that moment makes CPython cache, unreferenced, what is taken out.
    """
    PyContextVar_Set(window_variable, number)
    ml_window_changed()


cdef object present_value():
    """What the window variable holds."""
    cdef PyObject *value = NULL
    PyContextVar_Get(window_variable, NULL, &value)
    present = <object>value
    Py_DECREF(present)
    return present


cdef uint32_t present_window_id():
    """The number of the window that the calling code runs in; 0: none of this recording."""
    window_id = present_value()
    return window_id if window_id >= first_window_id else 0


cpdef uint32_t new_window_id():
    """The number for a new window."""
    global next_window_id
    cdef uint32_t window_id = next_window_id
    next_window_id += 1
    return window_id


cpdef add_window(uint32_t window_id, uint32_t parent_id, bytes kind, bytes name,
                 int64_t start_ns, int64_t end_ns, bytes attributes_json, bytes method=b"",
                 uint32_t status=0, int64_t first_byte_after_ns=-1):
    """A row of `windows`: `end_ns` is -1 when the window opens; the last three are of requests, 0
    or -1 where they are not known.
    """
    cdef ml_window_row row
    if not ml_session or window_id < first_window_id:
        return
    row.window_id = window_id
    row.parent_id = parent_id if parent_id >= first_window_id else 0
    row.thread_id = ml_hooks_thread_id()
    row.kind = kind
    row.name = name
    row.attributes_json = attributes_json
    row.start_ns = start_ns
    row.end_ns = end_ns
    row.method = method
    row.status = status
    row.first_byte_after_ns = first_byte_after_ns
    ml_side_rows_add_window(&row)


include "request_windows.pxi"
include "asgi_requests.pxi"
include "wsgi_requests.pxi"


def is_tracemalloc_tracing():
    """Whether tracemalloc runs, without importing it."""
    return PyTraceMalloc_Untrack(0, 0) != -2  # nothing is there; -2: it is not running


def set_thread_name(uint64_t os_thread_id, bytes name not None):
    """The name of a thread, before or after its first allocation."""
    ml_thread_set_name(os_thread_id, name)


# The frame that called os.fork, for comparison alone. CPython 3.13, and only it, counts the threads
# of the process, to warn of them, when the handlers after the fork have run already: there the
# helper thread begins once that call has returned. These functions are C and have no frame.
cdef PyObject *forking_frame = NULL
cdef bint counts_threads_late = PY_VERSION_HEX >> 16 == 0x030d


def before_fork():
    """There is no helper thread from now on, until `after_fork_in_parent`."""
    global forking_frame
    ml_helper_pause()
    forking_frame = PyEval_GetFrame()


def after_fork_in_parent():
    """The helper thread works again, now or in a moment."""
    if not ml_helper_is_paused():
        return
    # Another than the main thread makes for a process of several anyway; the main one may be in a
    # long call then.
    if (counts_threads_late and threading.get_ident() == threading.main_thread().ident and
            Py_AddPendingCall(resume_later, NULL) == 0):
        return
    ml_helper_resume()


cdef int resume_later(void *unused) noexcept:
    cdef PyObject *present = PyEval_GetFrame()
    if present != NULL and present != forking_frame:
        frame = (<object>present).f_back
        while frame is not None:
            if <PyObject *>frame == forking_frame:  # a handler of the program's is running
                if Py_AddPendingCall(resume_later, NULL) == 0:
                    return 0
                break
            frame = frame.f_back
    ml_helper_resume()
    return 0


def settle_hooks():
    """In a forked child that is not recorded: the hooks pass everything through in the fewest
    steps.
    """
    ml_hooks_settle()
    ml_native_settle()


def follow_launches(bytes record, bytes startup_folder, bytes shim):
    """The Pythons that this process starts record themselves, with what `memlyze.handover` has
    written. Raises OSError where that is too long.
    """
    if not ml_launch_hooks_follow(record, startup_folder, shim):
        raise OSError(errno.ENAMETOOLONG, "the path of the trace is too long")


def is_launching():
    """Whether this forked child is on its way to another program."""
    return ml_launch_hooks_is_starting()


def follow_no_launches():
    """The Pythons that this process starts do not record themselves any more."""
    ml_launch_hooks_follow(NULL, NULL, NULL)


def add_metadata(bytes key not None, bytes json not None):
    """A row of `metadata`; the value is JSON text."""
    ml_metadata_tell(key, json)


def invisible_allocators():
    """(name, file) of each allocator built into what is loaded, the interpreter excepted."""
    cdef size_t count
    with nogil:
        count = ml_find_invisible_allocators(<const void *>PyEval_GetFrame, invisible, 16)
    return [(invisible[i].name.decode(), <bytes>invisible[i].file) for i in range(count)]


def is_in_main_interpreter():
    """Whether it is the one in whose end a recording can be finished."""
    return PyThreadState_Get().interp == PyInterpreterState_Main()


def call_unrecorded(function, first, second=None):
    """Call `function(first)`, or `function(first, second)` where there is a second, and record
    nothing of this thread meanwhile: what that allocates is not the program's. Nests.

    Not two calls around what is not recorded: between such a call and the `try` that is to make
    up for it, a signal's handler may raise.
    """
    ml_hooks_pause_thread()
    try:
        return function(first) if second is None else function(first, second)
    finally:
        ml_hooks_resume_thread()


def call_untraced(function):
    """Call `function()` without the functions that the program has given to `sys.settrace` and
    `sys.setprofile`: that is not its code.
    """
    ml_enter_untraced()
    try:
        return function()
    finally:
        ml_leave_untraced()


def ensure_hooks():
    """Put the hooks in again where another tool has removed them.

    Returns how often that was needed so far.
    """
    global hooks_lost
    cdef int lost
    if ml_session:
        lost = ml_hooks_install()
        if lost:
            hooks_lost += lost
            ml_live_table_expect_stale(&ml_recording.live)
            ml_code_renew_epoch(&ml_codes)
    return hooks_lost


def gc_callback(phase, info):
    """For `gc.callbacks`: a row of `gc` for each collector run."""
    global collection_start_ns
    if not ml_session:
        return
    ml_hooks_pause_thread()
    try:
        if phase == "start":
            collection_start_ns = now_ns()
        elif collection_start_ns:
            ml_side_rows_add_gc(collection_start_ns, now_ns() - collection_start_ns,
                                info["generation"], info["collected"], info["uncollectable"],
                                ml_hooks_thread_id(), present_window_id())
            collection_start_ns = 0
            ensure_hooks()
            ml_make_frame_objects()
    finally:
        ml_hooks_resume_thread()


def wait_for_signal(signals, double timeout_s):
    """The first of some blocked signals that comes in that time, as (number, code, the process that
    sent it); a code above 0 is the kernel's. None: none came.
    """
    cdef uint64_t numbers = 0
    cdef int64_t timeout_ns = <int64_t>(timeout_s * 1e9)
    cdef ml_received_signal received
    cdef bint has_come
    for number in signals:
        numbers |= <uint64_t>1 << (number - 1)
    with nogil:
        has_come = ml_wait_for_signal(numbers, timeout_ns, &received)
    return (received.number, received.code, received.process_id) if has_come else None

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
        bint goes_by_pace
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
cdef ml_invisible_allocator invisible[16]

# The number of the present window, 0 for none. In the context, so that it follows a task through an
# event loop, and other tasks in between have theirs. Kept for good: hooks read it.
cdef object window_variable = ContextVar("memlyze_window", default=0)
present = window_variable
ml_window_set_variable(<PyObject *>window_variable)


cdef int64_t now_ns():
    return ml_monotonic_ns() - ml_recording.start_monotonic_ns


def start(bytes output_file not None, bint overwrite, bytes header_metadata_json not None,
          double interval_bytes, bint goes_by_pace, double rate,
          int64_t surcharge_bytes, uint32_t max_stack_depth, uint32_t memory_interval_ms,
          bint drop_when_full, uint64_t seed, bint native, uint64_t max_trace_bytes,
          bytes working_directory not None, bint include_source):
    """Start recording; with `native`, what is had from the C library too. Relative names of source
    files are meant in `working_directory`; with `include_source` the trace has their text. The
    interval is `interval_bytes` or, with `goes_by_pace`, as close as the program's pace allows.

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
    options.goes_by_pace = goes_by_pace
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


include "checkpoints.pxi"
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

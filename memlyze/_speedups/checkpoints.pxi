# Part of `_tracer.pyx`: checkpoints of the heap graph, and when they are taken.

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

cdef int64_t checkpoint_interval_ns = 0
cdef int64_t next_checkpoint_ns = 0
cdef uint64_t checkpoint_session = 0  # that both are of
cdef uint64_t most_at_interval = 0
cdef int64_t checkpoint_asked_ns = 0  # when the main thread was asked for one; 0: it was not
cdef enum:
    LEAST_TIME_PER_PAUSE = 50
    PATIENCE_NS = 1000000000

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

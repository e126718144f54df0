# cython: language_level=3, boundscheck=False, wraparound=False
"""Sums over allocations, by call stack, and their lives: a literal wrapper of `core/event_sums.h`
and `core/allocation_lives.h`.

Columns are numpy's and the caller's; the GIL is released.
"""
from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t
from libc.string cimport memcpy, memset

import numpy

cdef extern from "event_sums.h" nogil:
    enum:
        ML_CHUNK_ROWS
    ctypedef struct ml_int_column:
        const int32_t *narrow
        const int64_t *wide
    ctypedef struct ml_allocation_columns:
        size_t count
        const int64_t *time_ns
        const int64_t *freed_ns
        const double *weight
        const uint8_t *allocator
        ml_int_column size
        ml_int_column stack_id
        ml_int_column thread_id
        ml_int_column window_id
        ml_int_column process_id
    ctypedef struct ml_chunk_times:
        int64_t *first_ns
        int64_t *last_ns
        int64_t *gone_ns
    ctypedef struct ml_id_set:
        const int64_t *ids
        size_t count
    ctypedef struct ml_event_question:
        int64_t from_ns
        int64_t to_ns
        ml_id_set processes
        ml_id_set threads
        ml_id_set windows
        ml_id_set ended
        int64_t moment_ns
        int64_t temporary_ns
        const double *made_between
        double temporary_allocations
        unsigned told_apart
        unsigned wanted
        bint is_by_stack
        ml_int_column groups
    ctypedef struct ml_event_sum:
        pass
    ctypedef struct ml_event_sums:
        ml_event_sum *sums
        size_t count
    void ml_find_chunk_times(const ml_allocation_columns *columns, ml_chunk_times *times)
    bint ml_sum_events(const ml_allocation_columns *columns, const ml_chunk_times *times,
                       const ml_event_question *question, ml_event_sums *sums)
    void ml_free_event_sums(ml_event_sums *sums)

cdef extern from "allocation_lives.h" nogil:
    ctypedef struct ml_cells:
        int64_t start_ns
        double cells_per_ns
        int16_t cells
        int16_t cells_per_cohort
    ctypedef struct ml_requests:
        const int32_t *number_of_window
        int64_t windows
        const int64_t *start_ns
        const int64_t *end_ns
        int64_t count
    ctypedef struct ml_lives:
        int64_t *activity
        double *stack_bytes
        int64_t *stack_samples
        int64_t *stack_first_ns
        int64_t stacks
        int64_t *row
        int16_t *born
        int16_t *died
        size_t count
    bint ml_sort_lives(const ml_allocation_columns *columns, const ml_cells *cells,
                       const ml_requests *requests, ml_lives *lives)

CHUNK_ROWS = ML_CHUNK_ROWS

_SUM = numpy.dtype(
    [
        ("stack_id", numpy.int64),
        ("group_id", numpy.int64),
        ("classes", numpy.int64),
        ("samples", numpy.int64),
        ("bytes", numpy.float64),
        ("variance", numpy.float64),
        ("allocations", numpy.float64),
        ("allocations_variance", numpy.float64),
        ("lifetimes_ns", numpy.float64),
        ("largest", numpy.float64),
    ]
)


cdef const int64_t *_wide(column, size_t count) except? NULL:
    cdef const int64_t[::1] view = column
    if <size_t>view.shape[0] != count:
        raise ValueError("the columns differ in length")
    return &view[0] if count else NULL


cdef ml_int_column _integers(column, size_t count) except *:
    """Either width; None: 0 everywhere."""
    cdef ml_int_column found
    cdef const int32_t[::1] narrow
    found.narrow = NULL
    found.wide = NULL
    if column is None or count == 0:
        return found
    if column.dtype == numpy.int32:
        narrow = column
        if <size_t>narrow.shape[0] != count:
            raise ValueError("the columns differ in length")
        found.narrow = &narrow[0]
    else:
        found.wide = _wide(column, count)
    return found


cdef ml_allocation_columns _allocations(columns) except *:
    cdef ml_allocation_columns found
    cdef const uint8_t[::1] allocator = columns["allocator"]
    cdef const double[::1] weight
    memset(&found, 0, sizeof(found))
    found.count = allocator.shape[0]
    if found.count == 0:
        return found
    found.allocator = &allocator[0]
    found.time_ns = _wide(columns["time_ns"], found.count)
    found.freed_ns = _wide(columns["freed_ns"], found.count)
    if columns.get("weight") is not None:
        weight = columns["weight"]
        if <size_t>weight.shape[0] != found.count:
            raise ValueError("the columns differ in length")
        found.weight = &weight[0]
    found.size = _integers(columns["size"], found.count)
    found.stack_id = _integers(columns["stack_id"], found.count)
    found.thread_id = _integers(columns["thread_id"], found.count)
    found.window_id = _integers(columns["window_id"], found.count)
    found.process_id = _integers(columns.get("process_id"), found.count)
    return found


cdef ml_chunk_times _times(times, size_t count) except *:
    cdef ml_chunk_times found
    cdef size_t chunks = (count + ML_CHUNK_ROWS - 1) // ML_CHUNK_ROWS
    found.first_ns = <int64_t *>_wide(times["first_ns"], chunks)
    found.last_ns = <int64_t *>_wide(times["last_ns"], chunks)
    found.gone_ns = <int64_t *>_wide(times["gone_ns"], chunks)
    return found


cdef int64_t _NOTHING = 0


cdef ml_id_set _ids(ids) except *:
    """None: all. An array of int64 otherwise, in order."""
    cdef ml_id_set found
    cdef const int64_t[::1] view
    found.ids = NULL
    found.count = 0
    if ids is not None:
        view = ids
        found.count = view.shape[0]
        found.ids = &view[0] if found.count else &_NOTHING
    return found


def chunk_times(columns):
    """The times of the chunks of the table `allocations`, for `sum_events`."""
    cdef ml_allocation_columns allocations = _allocations(columns)
    cdef size_t chunks = (allocations.count + ML_CHUNK_ROWS - 1) // ML_CHUNK_ROWS
    made = {name: numpy.empty(chunks, numpy.int64) for name in ("first_ns", "last_ns", "gone_ns")}
    cdef ml_chunk_times times = _times(made, allocations.count)
    with nogil:
        ml_find_chunk_times(&allocations, &times)
    return made


def sum_events(
    columns,
    times,
    *,
    from_ns,
    to_ns,
    moment_ns,
    temporary_ns,
    told_apart,
    wanted,
    made_between=None,
    temporary_allocations=0,
    by_stack=True,
    groups=None,
    process_ids=None,
    thread_ids=None,
    window_ids=None,
    ended_ids=None,
):
    """Columns of `ml_event_sum`, in the order in which the rows were met first.

    `columns` are those of the table `allocations`, `times` their `chunk_times`, ids arrays of int64
    in order or None. With `made_between`, a column of the table `frees`, `temporary_allocations`
    stands for `temporary_ns`. Raises ValueError where columns do not fit together, MemoryError
    without memory.
    """
    cdef ml_allocation_columns allocations = _allocations(columns)
    cdef ml_chunk_times bounds = _times(times, allocations.count)
    cdef ml_event_question question
    cdef ml_event_sums sums
    cdef bint has_memory
    cdef size_t address
    cdef const double[::1] between
    question.from_ns, question.to_ns = from_ns, to_ns
    question.moment_ns, question.temporary_ns = moment_ns, temporary_ns
    question.told_apart, question.wanted = told_apart, wanted
    question.processes, question.threads = _ids(process_ids), _ids(thread_ids)
    question.windows, question.ended = _ids(window_ids), _ids(ended_ids)
    question.temporary_allocations = temporary_allocations
    question.made_between = NULL
    if made_between is not None and allocations.count:
        between = made_between
        if <size_t>between.shape[0] != allocations.count:
            raise ValueError("the columns differ in length")
        question.made_between = &between[0]
    question.is_by_stack = by_stack
    question.groups = _integers(groups, allocations.count)
    memset(&sums, 0, sizeof(sums))
    try:
        with nogil:
            has_memory = ml_sum_events(&allocations, &bounds, &question, &sums)
        if not has_memory:
            raise MemoryError("out of memory for sums over the allocations of a trace")
        rows = numpy.empty(sums.count, _SUM)
        if sums.count:
            address = rows.ctypes.data
            memcpy(<void *>address, sums.sums, sums.count * sizeof(ml_event_sum))
    finally:
        ml_free_event_sums(&sums)
    return {name: numpy.ascontiguousarray(rows[name]) for name in _SUM.names}


def sort_lives(
    columns, *, start_ns, cells_per_ns, cells, cells_per_cohort, stacks,
    number_of_window=None, request_start_ns=None, request_end_ns=None,
):
    """Columns of `ml_lives` by name.

    `columns` are those of the table `allocations`, `stacks` is one more than the greatest number of
    a stack in them. Where time is counted by requests, the others are those of `ml_requests`.
    Raises ValueError where a stack is not below `stacks`, or columns do not fit together.
    """
    cdef ml_allocation_columns allocations = _allocations(columns)
    cdef ml_cells cut = ml_cells(start_ns, cells_per_ns, cells, cells_per_cohort)
    cdef ml_requests counted
    cdef const ml_requests *requests = NULL
    cdef const int32_t[::1] numbers
    cdef ml_lives lives
    cdef bint is_sound
    if number_of_window is not None:
        numbers = number_of_window
        counted.windows, counted.count = numbers.shape[0], len(request_start_ns)
        if numbers.base.max(initial=-1) >= counted.count:
            raise ValueError("a window has the number of a request that there is not")
        counted.number_of_window = &numbers[0] if counted.windows else NULL
        counted.start_ns = _wide(request_start_ns, counted.count)
        counted.end_ns = _wide(request_end_ns, counted.count)
        requests = &counted
    cohorts = cells // cells_per_cohort
    cdef int64_t[::1] activity = numpy.zeros(cells, numpy.int64)
    cdef double[:, ::1] stack_bytes = numpy.zeros((stacks, cohorts))
    cdef int64_t[:, ::1] stack_samples = numpy.zeros((stacks, cohorts), numpy.int64)
    cdef int64_t[::1] stack_first_ns = numpy.full(stacks, numpy.iinfo(numpy.int64).max)
    # Memory that is not written to is not used.
    cdef int64_t[::1] row = numpy.empty(allocations.count + 1, numpy.int64)
    cdef int16_t[::1] born = numpy.empty(allocations.count + 1, numpy.int16)
    cdef int16_t[::1] died = numpy.empty(allocations.count + 1, numpy.int16)
    lives.activity, lives.stacks, lives.count = &activity[0], stacks, 0
    lives.stack_bytes, lives.stack_samples = &stack_bytes[0, 0], &stack_samples[0, 0]
    lives.stack_first_ns = &stack_first_ns[0]
    lives.row, lives.born, lives.died = &row[0], &born[0], &died[0]
    with nogil:
        is_sound = ml_sort_lives(&allocations, &cut, requests, &lives)
    if not is_sound:
        raise ValueError("a stack is not among those that there are")
    return {
        "activity": activity.base,
        "stack_bytes": stack_bytes.base,
        "stack_samples": stack_samples.base,
        "stack_first_ns": stack_first_ns.base,
        "row": row.base[:lives.count].copy(),
        "born": born.base[:lives.count].copy(),
        "died": died.base[:lives.count].copy(),
    }

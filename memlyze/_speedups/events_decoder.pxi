# Part of `_decoder.pyx`: allocations and their frees.

cdef ml_allocation_columns allocation_columns(tuple columns) except *:
    """Where the columns are, which must be of one length."""
    cdef int64_t[::1] allocation_id = columns[0]
    cdef int64_t[::1] time_ns = columns[1]
    cdef int64_t[::1] freed_ns = columns[2]
    cdef int32_t[::1] size = columns[3]
    cdef double[::1] weight = columns[4]
    cdef uint8_t[::1] allocator = columns[5]
    cdef int32_t[::1] stack_id = columns[6]
    cdef int32_t[::1] thread_id = columns[7]
    cdef int32_t[::1] window_id = columns[8]
    cdef double[::1] made_between = columns[9]
    cdef ml_allocation_columns to
    cdef size_t capacity = allocation_id.shape[0]
    if not (
        capacity == len(time_ns) == len(freed_ns) == len(size) == len(allocator)
        == len(stack_id) == len(thread_id) == len(window_id)
    ) or (weight is not None and len(weight) != capacity) or (
        made_between is not None and len(made_between) != capacity
    ):
        raise ValueError("the columns differ in length")
    to.capacity = capacity
    to.weight = NULL
    to.made_between = NULL
    if capacity:
        to.allocation_id = &allocation_id[0]
        to.time_ns = &time_ns[0]
        to.freed_ns = &freed_ns[0]
        to.size = &size[0]
        to.allocator = &allocator[0]
        to.stack_id = &stack_id[0]
        to.thread_id = &thread_id[0]
        to.window_id = &window_id[0]
        if weight is not None:
            to.weight = &weight[0]
        if made_between is not None:
            to.made_between = &made_between[0]
    return to


cdef class EventsDecoder:
    """Decodes `events` blocks into columns that the caller gives and this object keeps alive.

    These are allocation_id, time_ns, freed_ns, size, weight, allocator, stack_id, thread_id,
    window_id and made_between, in this order.
    All have the same length, the capacity in rows; `window_id` must be zeros. `weight` may
    be None, where every weight is 1, and `made_between`, where nobody asks for it. `samplings` are
    (ids, intervals, surcharges), as arrays in the order of the ids.
    """

    cdef ml_events events
    cdef ml_sampling *samplings
    cdef BlockOpener opener
    cdef object columns

    def __cinit__(self, *columns, samplings):
        cdef ml_allocation_columns to = allocation_columns(columns)
        cdef ml_error error
        cdef size_t k
        self.columns = columns
        ids, intervals, surcharges = samplings
        self.samplings = <ml_sampling *>calloc(len(ids) + 1, sizeof(ml_sampling))
        if self.samplings == NULL:
            raise MemoryError("out of memory while decoding a trace")
        for k in range(len(ids)):
            self.samplings[k] = ml_sampling(ids[k], intervals[k], surcharges[k])
        self.opener = BlockOpener()
        check(ml_events_init(&self.events, &to, self.samplings, len(ids), &error), &error)

    def __dealloc__(self):
        ml_events_free(&self.events)
        free(self.samplings)

    def add(self, bytes block not None):
        """Decode one block. Raises CorruptBlockError, and then nothing of the block is in the
        columns.
        """
        cdef ml_status status
        self.opener.open(block)
        with nogil:
            status = ml_events_add(&self.events, &self.opener.payload, &self.opener.error)
        check(status, &self.opener.error)

    def add_carried(self, bytes block not None):
        """Decode one `carried` block, after all blocks of events: allocations that none of them
        gave are added. Raises CorruptBlockError.
        """
        cdef ml_status status
        self.opener.open(block)
        with nogil:
            status = ml_events_add_carried(&self.events, &self.opener.payload, &self.opener.error)
        check(status, &self.opener.error)

    def finish(self):
        """Resolve the frees that stood before their allocation. After the last block that there is;
        more may be added later, unless `made_between` is filled.
        """
        with nogil:
            ml_events_finish(&self.events)

    def move_to(self, *columns):
        """Go on in other columns of at least as many rows as are filled, which have these already.

        They are given in the order of the constructor, and None where those there were None.
        """
        cdef ml_allocation_columns to = allocation_columns(columns)
        if to.capacity < self.events.rows or (
            [column is None for column in columns] != [column is None for column in self.columns]
        ):
            raise ValueError("the columns do not hold what there is")
        ml_events_move(&self.events, &to)
        self.columns = columns

    @property
    def rows(self):
        """How many rows of the columns are filled."""
        return self.events.rows

    @property
    def frees(self):
        """How many frees were matched with their allocation."""
        return self.events.frees

    @property
    def frees_unmatched(self):
        """How many frees are of allocations that the file does not have."""
        return self.events.frees_unmatched

    @property
    def frees_repeated(self):
        """How many frees are of allocations that were freed before."""
        return self.events.frees_repeated

    @property
    def weights_guessed(self):
        """How many allocations were made under a sampling that the file does not have."""
        return self.events.weights_guessed

    def large_sizes(self):
        """Rows whose size does not fit the size column, and their sizes."""
        cdef size_t k
        return [
            (self.events.large[k].row, self.events.large[k].size)
            for k in range(self.events.large_count)
        ]

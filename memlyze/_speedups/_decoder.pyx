# cython: language_level=3, boundscheck=False, wraparound=False
"""The fast trace decoder: a literal wrapper of `core/decoder_*.h`.

Blocks are passed as bytes, header and payload. Memory for columns is numpy's and the caller's; what
the C side allocates dies with the object that wraps it. The GIL is released while a block is
decoded.
"""
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free

import numpy

cdef extern from "checksum.h" nogil:
    uint32_t ml_crc32(const void *data, size_t size)

cdef extern from "decoder_payload.h" nogil:
    ctypedef enum ml_status:
        ML_OK
        ML_CORRUPT
        ML_NO_MEMORY
    ctypedef enum ml_encoding:
        ML_U8
        ML_BYTES
        ML_F64
    ctypedef struct ml_error:
        char text[160]
    ctypedef struct ml_column:
        const uint8_t *data
    ctypedef struct ml_payload:
        uint32_t row_count
        uint8_t block_type
        ml_column *columns
    ctypedef struct ml_scratch:
        uint8_t *raw
    ctypedef struct ml_text:
        const uint8_t *data
        uint32_t bytes
    enum: ML_COLUMN_LIMIT
    enum: ML_BLOCK_MAX_BYTES
    void ml_scratch_free(ml_scratch *scratch)
    ml_status ml_decompress(ml_scratch *scratch, const uint8_t *stored, size_t stored_bytes,
                            size_t raw_bytes, ml_error *error)
    ml_status ml_payload_open(ml_payload *payload, ml_scratch *scratch, const uint8_t *block,
                              size_t block_bytes, ml_error *error)
    size_t ml_column_values(const ml_column *column)
    ml_status ml_column_check(const ml_payload *payload, unsigned number, ml_encoding kind,
                              size_t values, ml_error *error)
    ml_status ml_column_integers(const ml_payload *payload, unsigned number, size_t values,
                                 int64_t low, int64_t high, int64_t *out, ml_error *error)
    ml_status ml_column_doubles(const ml_payload *payload, unsigned number, size_t values,
                                double *out, ml_error *error)
    ml_status ml_column_texts(const ml_payload *payload, unsigned number, size_t values,
                              ml_text *out, ml_error *error)

cdef extern from "decoder_weights.h" nogil:
    ctypedef struct ml_sampling:
        int64_t sampling_id
        double interval_bytes
        double surcharge_bytes

cdef extern from "decoder_events.h" nogil:
    ctypedef struct ml_allocation_columns:
        int64_t *allocation_id
        int64_t *time_ns
        int64_t *freed_ns
        int32_t *size
        double *weight
        uint8_t *allocator
        int32_t *stack_id
        int32_t *thread_id
        int32_t *window_id
        double *made_between
        uint64_t capacity
    ctypedef struct ml_large_size:
        uint64_t row
        int64_t size
    ctypedef struct ml_events:
        uint64_t rows
        uint64_t frees
        uint64_t frees_unmatched
        uint64_t frees_repeated
        uint64_t weights_guessed
        ml_large_size *large
        size_t large_count
    ml_status ml_events_init(ml_events *events, const ml_allocation_columns *columns,
                             const ml_sampling *samplings, size_t sampling_count, ml_error *error)
    void ml_events_free(ml_events *events)
    ml_status ml_events_add(ml_events *events, const ml_payload *payload, ml_error *error)
    ml_status ml_events_add_carried(ml_events *events, const ml_payload *payload, ml_error *error)
    void ml_events_finish(ml_events *events)
    void ml_events_move(ml_events *events, const ml_allocation_columns *columns)

cdef extern from "decoder_stacks.h" nogil:
    ctypedef struct ml_string:
        uint64_t start
        uint32_t length
    ctypedef struct ml_strings:
        ml_string *strings
        uint32_t count
        uint8_t *bytes
    ctypedef struct ml_frame:
        uint32_t function
        uint32_t file
        int32_t line
        uint8_t language
    ctypedef struct ml_stack:
        uint32_t parent_id
        uint32_t frame
        uint32_t depth
    ctypedef struct ml_stacks:
        ml_strings texts
        ml_frame *frames
        uint32_t frame_count
        ml_stack *stacks
        uint32_t stack_count
        uint64_t lost
    void ml_stacks_free(ml_stacks *stacks)
    ml_status ml_stacks_add_codes(ml_stacks *stacks, const ml_payload *payload, ml_error *error)
    ml_status ml_stacks_add_stacks(ml_stacks *stacks, const ml_payload *payload, ml_error *error)
    uint64_t ml_stacks_remap(const ml_stacks *stacks, int32_t *ids, size_t count)
    uint64_t ml_stacks_spelled_rows(const ml_stacks *stacks)
    void ml_stacks_spell_out(const ml_stacks *stacks, int32_t *stack_id, int32_t *depth,
                             int32_t *frame_id)


class CorruptBlockError(ValueError):
    """A block breaks the format. The message goes on after "a block is unreadable: "."""


cdef int check(ml_status status, ml_error *error) except -1:
    """Raise what a C function reports."""
    if status == ML_CORRUPT:
        raise CorruptBlockError(error.text.decode("ascii", "replace"))
    if status == ML_NO_MEMORY:
        raise MemoryError("out of memory while decoding a trace")
    return 0


def crc32(const uint8_t[::1] data not None):
    """The checksum of the format, the same as `zlib.crc32`."""
    return ml_crc32(&data[0] if data.shape[0] else NULL, data.shape[0])


def decompress(bytes frame not None, size_t raw_bytes):
    """The content of one zstd frame, which must be all of `frame` and hold exactly `raw_bytes`."""
    cdef BlockOpener opener = BlockOpener()
    if raw_bytes > ML_BLOCK_MAX_BYTES:
        raise CorruptBlockError("its payload would take more than 16 MiB")
    return opener.decompress(frame, raw_bytes)


cdef class BlockOpener:
    """Owns the scratch memory that blocks are decompressed into, one after the other."""

    cdef ml_scratch scratch
    cdef ml_payload payload
    cdef ml_error error

    def __dealloc__(self):
        ml_scratch_free(&self.scratch)

    cdef decompress(self, bytes frame, size_t raw_bytes):
        check(
            ml_decompress(&self.scratch, <const uint8_t *><const char *>frame, len(frame),
                          raw_bytes, &self.error),
            &self.error,
        )
        return PyBytes_FromStringAndSize(<const char *>self.scratch.raw, raw_bytes)

    cdef int open(self, bytes block) except -1:
        cdef const uint8_t *data = <const uint8_t *><const char *>block
        cdef size_t size = len(block)
        cdef ml_status status
        with nogil:
            status = ml_payload_open(&self.payload, &self.scratch, data, size, &self.error)
        return check(status, &self.error)


def decode_columns(bytes block not None, columns):
    """Decode a block of one row a value.

    `columns` has for each column, in the order of their numbers, a tuple of encoding, least and
    greatest value, and the value of all rows where the block lacks the column (None: it must not).
    Integers come as int64 arrays, doubles as float64 arrays, texts as lists of
    bytes. Raises CorruptBlockError.
    """
    cdef BlockOpener opener = BlockOpener()
    cdef size_t rows
    cdef unsigned number
    opener.open(block)
    rows = opener.payload.row_count
    decoded = []
    for number, (encoding, low, high, absent) in enumerate(columns):
        if number >= ML_COLUMN_LIMIT:
            raise ValueError("no block type has that many columns")
        if opener.payload.columns[number].data == NULL and absent is not None:
            decoded.append(repeated(encoding, absent, rows))
        elif encoding == ML_BYTES:
            decoded.append(read_texts(opener, number, rows))
        elif encoding == ML_F64:
            decoded.append(read_doubles(opener, number, rows))
        else:
            decoded.append(read_integers(opener, number, rows, low, high))
    return decoded


def repeated(encoding, value, size_t rows):
    """A column of equal values: a list of bytes, or an array."""
    if encoding == ML_BYTES:
        return [value] * rows
    return numpy.full(rows, value, numpy.float64 if encoding == ML_F64 else numpy.int64)


def check_block(bytes block not None):
    """Raise CorruptBlockError where a block's checksums, payload or directory of columns are not
    right.
    """
    cdef BlockOpener opener = BlockOpener()
    opener.open(block)


def count_values(bytes block not None, unsigned number):
    """How many values column `number` of a block holds, which must be integers. Raises
    CorruptBlockError.
    """
    cdef BlockOpener opener = BlockOpener()
    opener.open(block)
    if number >= ML_COLUMN_LIMIT:
        raise ValueError("no block type has that many columns")
    check(ml_column_check(&opener.payload, number, ML_U8, 0, &opener.error), &opener.error)
    return ml_column_values(&opener.payload.columns[number])


cdef read_integers(BlockOpener opener, unsigned number, size_t rows, int64_t low, int64_t high):
    cdef ml_error *error = &opener.error
    cdef int64_t[::1] out
    check(ml_column_check(&opener.payload, number, ML_U8, rows, error), error)
    array = numpy.empty(rows, dtype=numpy.int64)
    out = array
    check(
        ml_column_integers(&opener.payload, number, rows, low, high, &out[0] if rows else NULL,
                           error),
        error,
    )
    return array


cdef read_doubles(BlockOpener opener, unsigned number, size_t rows):
    cdef ml_error *error = &opener.error
    cdef double[::1] out
    check(ml_column_check(&opener.payload, number, ML_F64, rows, error), error)
    array = numpy.empty(rows, dtype=numpy.float64)
    out = array
    check(ml_column_doubles(&opener.payload, number, rows, &out[0] if rows else NULL, error), error)
    return array


cdef read_texts(BlockOpener opener, unsigned number, size_t rows):
    cdef ml_error *error = &opener.error
    cdef ml_text *texts
    cdef size_t row
    check(ml_column_check(&opener.payload, number, ML_BYTES, rows, error), error)
    texts = <ml_text *>calloc(rows + 1, sizeof(ml_text))
    if texts == NULL:
        raise MemoryError("out of memory while decoding a trace")
    try:
        check(ml_column_texts(&opener.payload, number, rows, texts, error), error)
        return [
            PyBytes_FromStringAndSize(<const char *>texts[row].data, texts[row].bytes)
            for row in range(rows)
        ]
    finally:
        free(texts)


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


cdef class StacksDecoder:
    """Decodes `codes` blocks, then `stacks` blocks, and merges what is equal."""

    cdef ml_stacks stacks
    cdef BlockOpener opener

    def __cinit__(self):
        self.opener = BlockOpener()

    def __dealloc__(self):
        ml_stacks_free(&self.stacks)

    def add_codes(self, bytes block not None):
        """Decode one `codes` block. Raises CorruptBlockError."""
        cdef ml_status status
        self.opener.open(block)
        with nogil:
            status = ml_stacks_add_codes(&self.stacks, &self.opener.payload, &self.opener.error)
        check(status, &self.opener.error)

    def add_stacks(self, bytes block not None):
        """Decode one `stacks` block, after all `codes` blocks. Raises CorruptBlockError."""
        cdef ml_status status
        self.opener.open(block)
        with nogil:
            status = ml_stacks_add_stacks(&self.stacks, &self.opener.payload, &self.opener.error)
        check(status, &self.opener.error)

    @property
    def lost(self):
        """How many functions and callers of stacks the file does not have."""
        return self.stacks.lost

    def remap(self, int32_t[::1] stack_ids not None):
        """Replace ids of the file by merged ids, in place. Returns how many are not in the file;
        they become 0.
        """
        cdef size_t count = stack_ids.shape[0]
        cdef uint64_t unknown
        if count == 0:
            return 0
        with nogil:
            unknown = ml_stacks_remap(&self.stacks, &stack_ids[0], count)
        return unknown

    def texts(self):
        """The functions' and files' names, as bytes, in the order of their numbers."""
        cdef ml_strings *texts = &self.stacks.texts
        cdef uint32_t k
        return [
            PyBytes_FromStringAndSize(
                <const char *>texts.bytes + texts.strings[k].start, texts.strings[k].length
            )
            for k in range(texts.count)
        ]

    def frames(self):
        """(number of the function's name, number of the file's name, line, language) of frame 1 and
        on, as arrays.
        """
        cdef uint32_t count = self.stacks.frame_count
        cdef uint32_t k
        cdef int32_t[::1] function, file, line
        cdef uint8_t[::1] language
        arrays = [numpy.empty(count, dtype=numpy.int32) for _ in range(3)]
        arrays.append(numpy.empty(count, dtype=numpy.uint8))
        function, file, line, language = arrays
        for k in range(count):
            function[k] = self.stacks.frames[k].function
            file[k] = self.stacks.frames[k].file
            line[k] = self.stacks.frames[k].line
            language[k] = self.stacks.frames[k].language
        return tuple(arrays)

    def stacks_table(self):
        """(parent_id, frame_id, depth) of stack 1 and on, as arrays."""
        cdef uint32_t count = self.stacks.stack_count
        cdef uint32_t k
        cdef int32_t[::1] parent_id, frame_id, depth
        arrays = [numpy.empty(count, dtype=numpy.int32) for _ in range(3)]
        parent_id, frame_id, depth = arrays
        for k in range(count):
            parent_id[k] = self.stacks.stacks[k].parent_id
            frame_id[k] = self.stacks.stacks[k].frame + 1
            depth[k] = self.stacks.stacks[k].depth
        return tuple(arrays)

    @property
    def spelled_rows(self):
        """How many rows `spell_out` writes."""
        return ml_stacks_spelled_rows(&self.stacks)

    def spell_out(
        self, int32_t[::1] stack_id not None, int32_t[::1] depth not None,
        int32_t[::1] frame_id not None
    ):
        """Write all stacks, leaf first (depth 0), into columns of `spelled_rows` rows."""
        cdef uint64_t rows = self.spelled_rows
        if not rows == len(stack_id) == len(depth) == len(frame_id):
            raise ValueError("the columns differ in length from the rows to write")
        if rows:
            with nogil:
                ml_stacks_spell_out(&self.stacks, &stack_id[0], &depth[0], &frame_id[0])

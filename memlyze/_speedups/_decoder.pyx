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


include "events_decoder.pxi"
include "stacks_decoder.pxi"

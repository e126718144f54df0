/* Rows in the making, column by column, as a block of the trace wants them (docs/format-spec.md).
 */
#ifndef MEMLYZE_COLUMNS_H
#define MEMLYZE_COLUMNS_H

#include "buffer.h"

#define ML_MAX_COLUMNS 11

enum {
    ML_BLOCK_EVENTS = 1,
    ML_BLOCK_CODES = 2,
    ML_BLOCK_STACKS = 3,
    ML_BLOCK_THREADS = 4,
    ML_BLOCK_MEMORY = 5,
    ML_BLOCK_GC = 6,
    ML_BLOCK_WINDOWS = 7,
    ML_BLOCK_METADATA = 8,
    ML_BLOCK_INDEX = 9,
    ML_BLOCK_SAMPLINGS = 10,
    ML_BLOCK_RESIDENT = 11,
    ML_BLOCK_CHECKPOINTS = 12,
    ML_BLOCK_OBJECT_TYPES = 13,
    ML_BLOCK_OBJECTS = 14,
    ML_BLOCK_OBJECT_REFERENCES = 15,
    ML_BLOCK_OBJECT_NAMES = 16,
    ML_BLOCK_OBJECT_TEXTS = 17,
    ML_BLOCK_OBJECT_ROOTS = 18,
    ML_BLOCK_CARRIED = 19,
    ML_BLOCK_SOURCES = 20,
};

enum {
    ML_ENCODING_U8 = 0,
    ML_ENCODING_UVARINT = 1,
    ML_ENCODING_SVARINT = 2,
    ML_ENCODING_DELTA = 3,
    ML_ENCODING_BYTES = 4,
    ML_ENCODING_F64 = 5,
};

typedef struct {
    uint8_t block_type;
    uint8_t column_count;
    uint8_t encodings[ML_MAX_COLUMNS];
    ml_buffer columns[ML_MAX_COLUMNS];
    int64_t previous[ML_MAX_COLUMNS]; /* of delta columns */
    uint32_t rows;
    int64_t first_time_ns, last_time_ns; /* of the rows that have a time; first > last: none has */
} ml_columns;

/* `encodings`: one letter a column: b u8, u uvarint, s svarint, d delta, t bytes (text), f f64. */
void ml_columns_init(ml_columns *columns, uint8_t block_type, const char *encodings);
void ml_columns_free(ml_columns *columns);
/* Ready for the next block; memory is kept. */
void ml_columns_clear(ml_columns *columns);
/* Bytes of all columns. */
size_t ml_columns_bytes(const ml_columns *columns);

/* Room for one more row; `text_bytes` is the length of all its texts together. False: no memory. */
bool ml_columns_reserve_row(ml_columns *columns, size_t text_bytes);

ML_INLINE void ml_columns_put(ml_columns *columns, int column, int64_t value)
{
    ml_buffer *buffer = &columns->columns[column];
    switch (columns->encodings[column]) {
    case ML_ENCODING_U8:
        ml_put_byte(buffer, (uint8_t)value);
        break;
    case ML_ENCODING_UVARINT:
        ml_put_uvarint(buffer, (uint64_t)value);
        break;
    case ML_ENCODING_SVARINT:
        ml_put_svarint(buffer, value);
        break;
    default:
        ml_put_svarint(buffer, (int64_t)((uint64_t)value - (uint64_t)columns->previous[column]));
        columns->previous[column] = value;
    }
}

void ml_columns_put_text(ml_columns *columns, int column, const void *text, size_t bytes);
void ml_columns_put_double(ml_columns *columns, int column, double value);

ML_INLINE void ml_columns_cover_time(ml_columns *columns, int64_t first_ns, int64_t last_ns)
{
    if (first_ns < columns->first_time_ns)
        columns->first_time_ns = first_ns;
    if (last_ns > columns->last_time_ns)
        columns->last_time_ns = last_ns;
}

#endif

/* A block of a trace, taken apart into columns.
 *
 * Everything here treats its input as hostile: lengths are checked before they are used, and a
 * block is either decoded as the format says or refused with a sentence. Nothing in the decoder
 * calls Python. */
#ifndef MEMLYZE_DECODER_PAYLOAD_H
#define MEMLYZE_DECODER_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum ml_status {
    ML_OK = 0,
    ML_CORRUPT,   /* the input breaks the format; the error's text says where */
    ML_NO_MEMORY, /* an allocation failed */
} ml_status;

/* Filled by whoever returns something else than ML_OK. */
typedef struct ml_error {
    char text[160];
} ml_error;

ml_status ml_corrupt(ml_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
ml_status ml_no_memory(ml_error *error);

enum {
    ML_BLOCK_HEADER_BYTES = 48,
    ML_BLOCK_MAX_BYTES = 16 << 20, /* of a payload, as stored and as decompressed */
    ML_COLUMN_LIMIT = 16,          /* column numbers that some block type uses are below */
    ML_PADDING_BYTES = 16,         /* readable bytes after a raw payload */
};

typedef enum ml_encoding {
    ML_U8 = 0,
    ML_UVARINT,
    ML_SVARINT,
    ML_DELTA,
    ML_BYTES,
    ML_F64,
} ml_encoding;

typedef struct ml_column {
    const uint8_t *data; /* NULL: not there */
    uint32_t bytes;
    uint8_t encoding;
    bool repeated;
} ml_column;

/* The columns point into the scratch memory they were decompressed to. */
typedef struct ml_payload {
    uint32_t row_count;
    uint8_t block_type;
    ml_column columns[ML_COLUMN_LIMIT];
} ml_payload;

/* Memory that one reader uses for all its blocks, one after the other. Start with zeros. */
typedef struct ml_scratch {
    uint8_t *raw;
    size_t capacity;
    void *zstd;
} ml_scratch;

void ml_scratch_free(ml_scratch *scratch);

/* Decompress one zstd frame, which must be all of `stored` and give exactly raw_bytes, followed by
 * padding. */
ml_status ml_decompress(ml_scratch *scratch, const uint8_t *stored, size_t stored_bytes,
                        size_t raw_bytes, ml_error *error);

/* Check and take apart a whole block (header and payload). It stays valid until the scratch is used
 * again. */
ml_status ml_payload_open(ml_payload *payload, ml_scratch *scratch, const uint8_t *block,
                          size_t block_bytes, ml_error *error);

/* How many values a column of integers holds. */
size_t ml_column_values(const ml_column *column);

/* Whether the column is there, once, with an encoding of the wanted kind, and long enough for so
 * many values: to be called before memory for them is allocated. `kind` is ML_U8 for any integers,
 * ML_BYTES or ML_F64. */
ml_status ml_column_check(const ml_payload *payload, unsigned number, ml_encoding kind,
                          size_t values, ml_error *error);

/* Decode a column that was checked. Integers must lie within [low, high]. */
ml_status ml_column_integers(const ml_payload *payload, unsigned number, size_t values, int64_t low,
                             int64_t high, int64_t *out, ml_error *error);
ml_status ml_column_doubles(const ml_payload *payload, unsigned number, size_t values, double *out,
                            ml_error *error);

typedef struct ml_text {
    const uint8_t *data;
    uint32_t bytes;
} ml_text;

ml_status ml_column_texts(const ml_payload *payload, unsigned number, size_t values, ml_text *out,
                          ml_error *error);

#endif

/* Reading of variable-length integers, inlined into the loops that spend their time here.
 *
 * A cursor never passes its end: what would read further marks it as failed and gives 0, so that a
 * loop checks once, after its last value, instead of at each. */
#ifndef MEMLYZE_DECODER_VARINT_H
#define MEMLYZE_DECODER_VARINT_H

#include "decoder_payload.h"

typedef struct ml_cursor {
    const uint8_t *at;
    const uint8_t *end;
    uint64_t previous; /* of the delta encoding */
    bool failed;
} ml_cursor;

static inline ml_cursor ml_cursor_start(const ml_column *column)
{
    return (ml_cursor){column->data, column->data + column->bytes, 0, false};
}

/* Whether all values were there and nothing is left over. */
static inline bool ml_cursor_finished(const ml_cursor *cursor)
{
    return !cursor->failed && cursor->at == cursor->end;
}

static inline uint64_t ml_next_u8(ml_cursor *cursor)
{
    if (__builtin_expect(cursor->at == cursor->end, 0)) {
        cursor->failed = true;
        return 0;
    }
    return *cursor->at++;
}

/* Not inlined: values of three bytes and more, and the end of the column. */
uint64_t ml_next_long_uvarint(ml_cursor *cursor);

static inline uint64_t ml_next_uvarint(ml_cursor *cursor)
{
    const uint8_t *at = cursor->at;
    if (__builtin_expect(cursor->end - at >= 2, 1)) {
        if (at[0] < 0x80) {
            cursor->at = at + 1;
            return at[0];
        }
        if (at[1] < 0x80) {
            cursor->at = at + 2;
            return (uint64_t)(at[0] & 0x7f) | (uint64_t)at[1] << 7;
        }
    }
    return ml_next_long_uvarint(cursor);
}

static inline uint64_t ml_next_svarint(ml_cursor *cursor)
{
    uint64_t value = ml_next_uvarint(cursor);
    return (value >> 1) ^ (0 - (value & 1));
}

static inline uint64_t ml_next_delta(ml_cursor *cursor)
{
    return cursor->previous += ml_next_svarint(cursor);
}

/* The next value in any integer encoding; where the encoding is a constant, the switch costs
 * nothing. */
static inline uint64_t ml_next(ml_cursor *cursor, ml_encoding encoding)
{
    switch (encoding) {
    case ML_U8:
        return ml_next_u8(cursor);
    case ML_UVARINT:
        return ml_next_uvarint(cursor);
    case ML_SVARINT:
        return ml_next_svarint(cursor);
    default:
        return ml_next_delta(cursor);
    }
}

#endif

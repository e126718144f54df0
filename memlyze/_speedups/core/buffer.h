/* A growing run of bytes in memory of our own, and the variable-length integers of the trace
 * format. */
#ifndef MEMLYZE_BUFFER_H
#define MEMLYZE_BUFFER_H

#include "platform.h"
#include <string.h>

typedef struct {
    uint8_t *data;
    size_t size;
    size_t capacity;
} ml_buffer;

/* Makes room for `more` bytes. False: no memory; the buffer is as it was. */
ML_INLINE bool ml_buffer_reserve(ml_buffer *buffer, size_t more)
{
    if (ML_LIKELY(buffer->capacity - buffer->size >= more))
        return true;
    size_t capacity = buffer->capacity ? buffer->capacity * 2 : 4096;
    while (capacity - buffer->size < more)
        capacity *= 2;
    uint8_t *data = ml_map(capacity);
    if (!data)
        return false;
    if (buffer->size)
        memcpy(data, buffer->data, buffer->size);
    ml_unmap(buffer->data, buffer->capacity);
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

ML_INLINE void ml_buffer_free(ml_buffer *buffer)
{
    ml_unmap(buffer->data, buffer->capacity);
    memset(buffer, 0, sizeof *buffer);
}

ML_INLINE bool ml_buffer_append(ml_buffer *buffer, const void *data, size_t size)
{
    if (!ml_buffer_reserve(buffer, size))
        return false;
    if (size)
        memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
    return true;
}

/* The put functions below need room that was reserved: ten bytes for an integer. */
#define ML_VARINT_MAX_BYTES 10

ML_INLINE void ml_put_byte(ml_buffer *buffer, uint8_t value)
{
    buffer->data[buffer->size++] = value;
}

/* These two return where the next byte goes. */
ML_INLINE uint8_t *ml_uvarint_at(uint8_t *out, uint64_t value)
{
    while (ML_UNLIKELY(value >= 0x80)) {
        *out++ = (uint8_t)value | 0x80;
        value >>= 7;
    }
    *out++ = (uint8_t)value;
    return out;
}

ML_INLINE uint8_t *ml_svarint_at(uint8_t *out, int64_t value)
{
    return ml_uvarint_at(out, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

ML_INLINE void ml_put_uvarint(ml_buffer *buffer, uint64_t value)
{
    buffer->size = (size_t)(ml_uvarint_at(buffer->data + buffer->size, value) - buffer->data);
}

ML_INLINE void ml_put_svarint(ml_buffer *buffer, int64_t value)
{
    ml_put_uvarint(buffer, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

ML_INLINE void ml_put_u32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

ML_INLINE void ml_put_u64(uint8_t *at, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

#endif

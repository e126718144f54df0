/* A growing row of items of one size that never move: what was put in is not copied when more
 * comes, so that a pause does not pay for growth. */
#ifndef MEMLYZE_CHUNKS_H
#define MEMLYZE_CHUNKS_H

#include "platform.h"

#define ML_MAX_CHUNKS ((size_t)1 << 16)

typedef struct {
    uint8_t **chunks; /* a table that is touched as far as it is used */
    size_t item_bytes;
    uint32_t bits; /* a chunk has two to the power of this items */
    uint64_t count;
} ml_chunks;

/* Of 65536 items a chunk: 2^32 in all. */
#define ML_CHUNK_BITS 16

ML_INLINE uint64_t ml_chunk_bytes(const ml_chunks *items)
{
    return ((uint64_t)1 << items->bits) * items->item_bytes;
}

/* Makes a place for one more. NULL: no memory. */
ML_INLINE void *ml_chunks_add(ml_chunks *items)
{
    const uint64_t chunk = items->count >> items->bits;
    const uint64_t place = items->count & (((uint64_t)1 << items->bits) - 1);
    if (ML_UNLIKELY(place == 0)) {
        if (!items->chunks && !(items->chunks = ml_map(ML_MAX_CHUNKS * sizeof *items->chunks)))
            return NULL;
        if (chunk == ML_MAX_CHUNKS || !(items->chunks[chunk] = ml_map(ml_chunk_bytes(items))))
            return NULL;
    }
    items->count++;
    return items->chunks[chunk] + place * items->item_bytes;
}

ML_INLINE void *ml_chunks_at(const ml_chunks *items, uint64_t number)
{
    return items->chunks[number >> items->bits] +
           (number & (((uint64_t)1 << items->bits) - 1)) * items->item_bytes;
}

ML_INLINE uint64_t ml_chunks_bytes(const ml_chunks *items)
{
    return ((items->count + ((uint64_t)1 << items->bits) - 1) >> items->bits) *
           ml_chunk_bytes(items);
}

ML_INLINE void ml_chunks_free(ml_chunks *items)
{
    if (!items->chunks)
        return;
    for (uint64_t chunk = 0; chunk < ML_MAX_CHUNKS && items->chunks[chunk]; chunk++)
        ml_unmap(items->chunks[chunk], ml_chunk_bytes(items));
    ml_unmap(items->chunks, ML_MAX_CHUNKS * sizeof *items->chunks);
    items->chunks = NULL;
    items->count = 0;
}

#endif

/* pymalloc divides its arenas into pools of 4 or 16 KiB (since 3.10), each of one size class, with
 * a header whose fields have been the same since before 3.8. Hardly any other memory passes for
 * one: it says where in the pool its last block may begin, which follows from the size class. So
 * the pools of a process are found, and their blocks in use counted, by looking at its memory from
 * outside, whenever they were made, with no hook around the arenas and no lock.
 *
 * A header that changes while it is read makes for a block more or less, or for one pool that is
 * not recognised. */
#include "runtime_layout.h"

#include "compat.h"

#include <stdint.h>

#include "../core/anonymous_memory.h"

typedef struct {
    uint64_t blocks_in_use; /* 32 bits and padding, in a union with a pointer */
    uintptr_t free_block, next_pool, previous_pool;
    uint32_t arena_index, size_class;
    uint32_t next_offset, greatest_next_offset;
} pool_header;

#define POOL_BYTES (PY_VERSION_HEX >= 0x030a0000 ? 16384 : 4096)
#define ALIGNMENT 16
#define GREATEST_BLOCK_BYTES 512
#define PAGE_BYTES 4096
#define FIRST_CHUNK_BYTES 16384
#define GREATEST_CHUNK_BYTES (1 << 26)

/* Bytes of the blocks in use; -1: this is no pool. */
static int64_t live_bytes(const void *head)
{
    const pool_header *pool = head;
    if (pool->size_class >= GREATEST_BLOCK_BYTES / ALIGNMENT)
        return -1;
    const uint32_t block_bytes = (pool->size_class + 1) * ALIGNMENT;
    const uint32_t blocks = (uint32_t)(POOL_BYTES - sizeof *pool) / block_bytes;
    const uint32_t in_use = (uint32_t)pool->blocks_in_use;
    if (pool->greatest_next_offset != POOL_BYTES - block_bytes || in_use > blocks ||
        pool->next_offset < sizeof *pool || pool->next_offset > POOL_BYTES ||
        (pool->next_offset - sizeof *pool) % block_bytes != 0)
        return -1;
    return (int64_t)in_use * block_bytes;
}

/* Since 3.11 frames lie in chunks that each thread has of its own. */
static size_t frame_chunk_bytes(const void *head)
{
#if PY_VERSION_HEX >= 0x030b0000
    const struct {
        uintptr_t previous;
        size_t bytes, top; /* words in use, once there is a next one */
    } *chunk = head;
    const size_t bytes = chunk->bytes;
    if (bytes >= FIRST_CHUNK_BYTES && bytes <= GREATEST_CHUNK_BYTES && (bytes & (bytes - 1)) == 0 &&
        chunk->previous % PAGE_BYTES == 0 && chunk->top < bytes / sizeof(void *))
        return bytes;
#else
    (void)head;
#endif
    return 0;
}

void ml_runtime_describe(void)
{
    ml_runtime =
        (ml_runtime_layout){POOL_BYTES, sizeof(pool_header), live_bytes, frame_chunk_bytes};
}

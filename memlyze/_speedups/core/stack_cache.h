/* The last call stack of a thread, and what it knows of the stack table: so that capturing a stack
 * that has hardly changed costs one comparison a frame, and no lock.
 *
 * `frames[0]` is the outermost frame. An entry holds the frame's address, a key for its position
 * (code and instruction together), and the id of the stack that ends with it. `depth_hint` leads
 * from a frame's address to its last index. */
#ifndef MEMLYZE_STACK_CACHE_H
#define MEMLYZE_STACK_CACHE_H

#include "platform.h"

typedef struct {
    const void *frame;
    uint64_t position;
    uint32_t stack_id;
} ml_cached_frame;

typedef struct {
    uint64_t position;
    uint32_t parent_id;
    uint32_t stack_id; /* 0: empty */
} ml_known_child;

#define ML_DEPTH_HINTS 1024
#define ML_KNOWN_CHILDREN_EXACT 8192
#define ML_KNOWN_CHILDREN_SAMPLED 128

typedef struct {
    ml_cached_frame *frames;
    const void **scratch; /* as long as `frames` */
    uint32_t depth;       /* entries that are valid, those above the last captured frame included */
    uint32_t capacity;    /* max_stack_depth */
    bool truncated;       /* frames[0] is not the outermost one */
    uint64_t epoch;       /* of the stack table, when this was last true */
    uint16_t *depth_hint;
    ml_known_child *children;
    uint32_t children_mask;
} ml_stack_cache;

ML_INLINE uint32_t ml_depth_hint_index(const void *frame)
{
    return (uint32_t)(((uint64_t)(uintptr_t)frame * 0x9e3779b97f4a7c15ull) >> 54);
}

ML_INLINE ml_known_child *ml_known_child_slot(const ml_stack_cache *cache, uint32_t parent_id,
                                              uint64_t position)
{
    uint64_t hash = (position ^ (uint64_t)parent_id << 40) * 0x9e3779b97f4a7c15ull;
    return &cache->children[(hash >> 40) & cache->children_mask];
}

#endif

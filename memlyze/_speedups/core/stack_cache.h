/* The last call stack of a thread, and the numbers of the stacks that it has met: so that capturing
 * a stack that has hardly changed costs one comparison a frame, and no lock.
 *
 * `frames[0]` is the outermost frame. An entry holds the frame's address and a key for its position
 * (code and instruction together); beside it stands the number of the stack that ends with it
 * (ring.h). `depth_hint` leads from a frame's address to its last index. */
#ifndef MEMLYZE_STACK_CACHE_H
#define MEMLYZE_STACK_CACHE_H

#include "platform.h"

typedef struct {
    const void *frame;
    uint64_t position;
} ml_cached_frame;

typedef struct {
    uint64_t position;
    uint32_t parent;
    uint32_t stack; /* 0: empty */
} ml_known_child;

typedef struct {
    const void *code; /* address of a code object, NULL: empty */
    uint32_t code_id;
} ml_known_code;

#define ML_NO_ANCHOR UINT32_MAX

#define ML_DEPTH_HINTS 1024
#define ML_KNOWN_CODES 256
#define ML_KNOWN_CHILDREN_EXACT 8192
#define ML_KNOWN_CHILDREN_SAMPLED 128

typedef struct {
    ml_cached_frame *frames;
    uint32_t *stacks;     /* beside `frames` */
    const void **scratch; /* as long as `frames` */
    uint32_t depth;       /* entries that are valid, those above the last captured frame included */
    uint32_t capacity;    /* max_stack_depth */
    uint32_t base;        /* the stack beneath frames[0]: 0, or "<truncated>" where that is not the
                             outermost frame */
    uint32_t numbers;     /* of stacks, in use; and how many there may be */
    uint32_t max_numbers;
    uint64_t epoch;         /* of the code table, when this was last true */
    uint64_t seen_to_epoch; /* the same; 0: the next capture is to look for an anchor */
    /* The anchor: a frame that is known not to have ended, so that those beneath it are as they
     * were. anchor.h says how that is known. */
    uint32_t anchor_depth;               /* its index; ML_NO_ANCHOR: there is none */
    _Atomic(uintptr_t) anchor_block;     /* its free tells that the frame has ended; 0: it has */
    int64_t next_look_ns;                /* for an anchor, a better one or one at all */
    int64_t next_wish_ns, wish_pause_ns; /* for frames to choose it from */
    bool wants_frame_objects;
    uint16_t *depth_hint;
    ml_known_child *known_children; /* by a hash of parent and position */
    uint32_t known_children_mask;
    ml_known_code *known_codes; /* by a hash of the address */
} ml_stack_cache;

ML_INLINE void ml_drop_anchor(ml_stack_cache *cache)
{
    cache->anchor_depth = ML_NO_ANCHOR;
    atomic_store_explicit(&cache->anchor_block, 0, memory_order_relaxed);
    cache->next_look_ns = INT64_MIN;
}

ML_INLINE uint32_t ml_depth_hint_index(const void *frame)
{
    return (uint32_t)(((uint64_t)(uintptr_t)frame * 0x9e3779b97f4a7c15ull) >> 54);
}

ML_INLINE ml_known_child *ml_known_child_slot(const ml_stack_cache *cache, uint32_t parent,
                                              uint64_t position)
{
    const uint64_t hash = (position ^ (uint64_t)parent << 40) * 0x9e3779b97f4a7c15ull;
    return &cache->known_children[(hash >> 40) & cache->known_children_mask];
}

ML_INLINE ml_known_code *ml_known_code_slot(const ml_stack_cache *cache, const void *code)
{
    return &cache->known_codes[(((uint64_t)(uintptr_t)code >> 4) * 0x9e3779b97f4a7c15ull) >> 56];
}

#endif

/* The call stack of a thread that runs Python, captured by comparing it with the last one of the
 * same thread: frame addresses and positions, from the innermost frame outwards. Where nothing has
 * moved that is one pass and no look-up. Frames are read raw: nothing is referenced, materialised
 * or run.
 */
#ifndef MEMLYZE_CAPTURE_H
#define MEMLYZE_CAPTURE_H

#include "compat.h"
#include "frames.h"

#include "../core/recorder.h"

/* Anything but a stack that is as it was, or differs from the last one in the position of its
 * innermost frame alone. */
uint32_t ml_capture_slowly(ml_thread *thread, const ml_frame *top);
/* The code table's epoch is another one, so what the thread remembers may not be so; or it is time
 * to look for an anchor. */
uint32_t ml_capture_attentively(ml_thread *thread, const ml_frame *top, uint64_t epoch);

/* Up to 3.11 the "current" state is a global: make sure that it is not another thread's, whatever
 * the caller of an allocator did. */
ML_INLINE bool ml_is_state_of(const PyThreadState *python, const ml_thread *thread)
{
    return ML_LIKELY(python && python->thread_id == (unsigned long)thread->native_handle);
}

/* With or without the GIL: the calling thread's own state, whose frames nobody else moves; NULL of
 * a native thread that has none. */
ML_INLINE PyThreadState *ml_own_python_thread(const ml_thread *thread)
{
    PyThreadState *python = PyGILState_GetThisThreadState();
    return ml_is_state_of(python, thread) ? python : NULL;
}

static inline const ml_known_child *ml_known_child_of(const ml_stack_cache *cache, uint32_t parent,
                                                      uint64_t position)
{
    const ml_known_child *known = ml_known_child_slot(cache, parent, position);
    return ML_LIKELY(known->position == position && known->parent == parent && known->stack) ? known
                                                                                             : NULL;
}

static inline uint32_t ml_base_stack(const ml_stack_cache *cache, uint32_t depth)
{
    return depth ? cache->stacks[depth - 1] : cache->base;
}

/* One step outwards: whether the caller of `*frame` is the one that was remembered, where it was.
 * Goes on from the remembered address, not from the loaded one that has turned out equal (the
 * compiler must not see that they are): the processor then need not wait for each frame to know
 * where the next one is. */
ML_INLINE bool ml_caller_unchanged(const ml_cached_frame *cached, const ml_frame **frame)
{
    const ml_frame *expected = cached->frame;
    if (ML_UNLIKELY(ml_frame_previous(*frame) != expected))
        return false;
    __asm__("" : "+r"(expected));
    if (ML_UNLIKELY(ml_frame_position(expected) != cached->position))
        return false;
    *frame = expected;
    return true;
}

/* Compares the callers of frames[depth] with the live ones, innermost first, beginning with the
 * caller of `*frame`, as far as the anchor. True: all as they were. Otherwise the caller of
 * `*frame` is the first live frame that may differ, NULL when the live stack ends there. */
ML_INLINE bool ml_callers_unchanged(const ml_stack_cache *cache, uint32_t depth,
                                    const ml_frame **frame)
{
    const bool is_anchored = depth >= cache->anchor_depth;
    const ml_cached_frame *cached = &cache->frames[depth];
    const ml_cached_frame *const last = &cache->frames[is_anchored ? cache->anchor_depth : 0];
    for (; cached - last >= 4; cached -= 4)
        if (!ml_caller_unchanged(&cached[-1], frame) || !ml_caller_unchanged(&cached[-2], frame) ||
            !ml_caller_unchanged(&cached[-3], frame) || !ml_caller_unchanged(&cached[-4], frame))
            return false;
    for (; cached != last; cached--)
        if (!ml_caller_unchanged(&cached[-1], frame))
            return false;
    if (is_anchored)
        return ML_LIKELY(ml_frame_object_block(*frame) ==
                         atomic_load_explicit(&cache->anchor_block, memory_order_relaxed));
    return ML_LIKELY(ml_frame_previous(*frame) == NULL) ? cache->base == 0 : cache->base != 0;
}

/* The thread's number for its present stack, 0 when there is no Python frame. Stacks that are new
 * to the thread are put into its ring; where there is no room for that: ML_STACK_DROPPED. `python`
 * is the calling thread's own state. */
ML_INLINE uint32_t ml_capture_stack(ml_thread *thread, PyThreadState *python)
{
    ml_stack_cache *cache = &thread->stacks;
    const ml_frame *const top = ml_frame_top(python), *frame = top;
    if (ML_UNLIKELY(!top))
        return 0;
    const uint64_t epoch = atomic_load_explicit(&ml_codes.epoch, memory_order_acquire);
    if (ML_UNLIKELY(cache->seen_to_epoch != epoch))
        return ml_capture_attentively(thread, top, epoch);
    const uint32_t hint = cache->depth_hint[ml_depth_hint_index(top)];
    ml_cached_frame *cached = &cache->frames[hint];
    if (ML_UNLIKELY(hint >= cache->depth || cached->frame != top ||
                    !ml_callers_unchanged(cache, hint, &frame)))
        return ml_capture_slowly(thread, top);
    const uint64_t position = ml_frame_position(top);
    if (cached->position == position)
        return cache->stacks[hint];
    /* A known position is one of a frame that is complete. */
    const ml_known_child *known = ml_known_child_of(cache, ml_base_stack(cache, hint), position);
    if (ML_UNLIKELY(!known))
        return ml_capture_slowly(thread, top);
    cached->position = position;
    cache->depth = hint + 1; /* what was above was called from elsewhere */
    return cache->stacks[hint] = known->stack;
}

#endif

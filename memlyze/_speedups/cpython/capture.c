/* Captures a stack by comparing it with the last one of the same thread: frame addresses and
 * positions, from the innermost frame outwards. Where nothing has moved that is one pass and no
 * look-up; where something has, only what differs is descended in the stack table. Frames are read
 * raw: nothing is referenced, materialised or run. */
#define Py_BUILD_CORE 1
#include <Python.h>
#include <stdbool.h>
#if PY_VERSION_HEX >= 0x030e0000
#include "frame_314.h"
#elif PY_VERSION_HEX >= 0x030d0000
#include "frame_313.h"
#elif PY_VERSION_HEX >= 0x030c0000
#include "frame_312.h"
#elif PY_VERSION_HEX >= 0x030b0000
#include "frame_311.h"
#else
#include "frame_38.h"
#endif
#undef Py_BUILD_CORE

#include "capture.h"
#include "code_copy.h"

#include "../core/recorder.h"

static void forget(ml_stack_cache *cache, uint64_t epoch)
{
    cache->depth = 0;
    cache->truncated = false;
    memset(cache->children, 0, ((size_t)cache->children_mask + 1) * sizeof(ml_known_child));
    cache->epoch = epoch;
}

static ML_NOINLINE uint32_t look_up_child(uint32_t parent_id, const ml_frame *frame)
{
    PyCodeObject *code = ml_frame_code(frame);
    const uint32_t instruction = ml_frame_instruction(frame, code);
    bool is_new = false;
    ml_lock(&ml_stacks.lock);
    uint32_t code_id = ml_code_find(&ml_stacks, (uintptr_t)code);
    if (ML_UNLIKELY(code_id == 0)) {
        code_id = ml_copy_code(&ml_stacks, code);
        is_new = true;
    }
    uint32_t stack_id =
        code_id ? ml_stack_child(&ml_stacks, parent_id, code_id, instruction) : parent_id;
    ml_unlock(&ml_stacks.lock);
    if (ML_UNLIKELY(is_new)) /* its free will tell us when it dies */
        ml_live_table_mark_code(&ml_recording.live, (uintptr_t)code);
    return stack_id;
}

static inline uint32_t child(ml_stack_cache *cache, uint32_t parent_id, const ml_frame *frame,
                             uint64_t position)
{
    ml_known_child *known = ml_known_child_slot(cache, parent_id, position);
    if (ML_LIKELY(known->position == position && known->parent_id == parent_id && known->stack_id))
        return known->stack_id;
    uint32_t stack_id = look_up_child(parent_id, frame);
    *known = (ml_known_child){position, parent_id, stack_id};
    return stack_id;
}

static inline void enter(ml_stack_cache *cache, uint32_t depth, const ml_frame *frame,
                         uint64_t position, uint32_t stack_id)
{
    cache->frames[depth] = (ml_cached_frame){frame, position, stack_id};
    cache->depth_hint[ml_depth_hint_index(frame)] = (uint16_t)depth;
}

/* A frame that is not complete may also lie further out: a collection that its prologue set off
 * runs finalizers. */
static inline uint32_t step(ml_stack_cache *cache, uint32_t parent_id, const ml_frame *frame,
                            uint64_t position)
{
    return ML_UNLIKELY(ml_frame_is_incomplete(frame)) ? parent_id
                                                      : child(cache, parent_id, frame, position);
}

static inline uint32_t base_stack_id(const ml_stack_cache *cache, uint32_t depth)
{
    if (depth)
        return cache->frames[depth - 1].stack_id;
    return cache->truncated ? ml_stacks.truncated_stack_id : 0;
}

/* The stack is deeper than the cache. Three quarters of what fits are kept, beneath the stack
 * "<truncated>": the next captures have a quarter to move in before this is needed again. When the
 * stack has shrunk to less than half of what fits, it is captured anew: the outer frames of the
 * cache are given no hint, so that they are not found as the innermost. */
static ML_NOINLINE uint32_t capture_innermost(ml_stack_cache *cache, const ml_frame *top)
{
    const uint32_t keep = cache->capacity - (cache->capacity + 3) / 4;
    const ml_frame *frame = top;
    uint32_t count = 0;
    for (; frame && count < keep; frame = ml_frame_previous(frame))
        cache->scratch[count++] = frame;
    cache->truncated = frame != NULL;
    atomic_fetch_add_explicit(&ml_stacks.truncated, cache->truncated, memory_order_relaxed);
    uint32_t stack_id = base_stack_id(cache, 0);
    for (uint32_t depth = 0; depth < count; depth++) {
        frame = cache->scratch[count - 1 - depth];
        const uint64_t position = ml_frame_position(frame);
        stack_id = step(cache, stack_id, frame, position);
        enter(cache, depth, frame, position, stack_id);
        if (cache->truncated && depth + 1 < cache->capacity / 2)
            cache->depth_hint[ml_depth_hint_index(frame)] = UINT16_MAX;
    }
    cache->depth = count;
    return stack_id;
}

/* Compares the callers of frames[depth] with the live ones, innermost first, beginning with the
 * caller of `frame`. True: all as they were. Otherwise `*mismatch` is the first live frame that
 * differs, NULL when the live stack ends there. */
static inline bool callers_unchanged(const ml_stack_cache *cache, uint32_t depth,
                                     const ml_frame *frame, const ml_frame **mismatch)
{
    const ml_cached_frame *frames = cache->frames;
    const ml_frame *below = ml_frame_previous(frame);
    for (const ml_cached_frame *cached = &frames[depth]; cached-- != frames;) {
        const ml_frame *expected = cached->frame;
        if (ML_UNLIKELY(below != expected)) {
            *mismatch = below;
            return false;
        }
        /* Go on from the remembered address, not from the loaded one that has turned out equal (the
         * compiler must not see that they are): the processor then need not wait for each frame to
         * know where the next one is. */
        __asm__("" : "+r"(expected));
        if (ML_UNLIKELY(ml_frame_position(expected) != cached->position)) {
            *mismatch = below;
            return false;
        }
        below = ml_frame_previous(expected);
    }
    *mismatch = below;
    return (below != NULL) == cache->truncated;
}

/* Anything but a new position in a frame whose callers are as they were. */
static ML_NOINLINE uint32_t capture_slowly(ml_stack_cache *cache, const ml_frame *top)
{
    const ml_cached_frame *frames = cache->frames;
    const void **scratch = cache->scratch;
    uint32_t above =
        0; /* frames in scratch, innermost first: those over frames[base] and the one for it */
    uint32_t base = 0;
    bool known = false;
    for (const ml_frame *frame = top; frame && !known;) {
        const uint32_t hint = cache->depth_hint[ml_depth_hint_index(frame)];
        const ml_frame *end;
        if (hint < cache->depth && frames[hint].frame == frame) {
            known = callers_unchanged(cache, hint, frame, &end);
            if (known) {
                base = hint;
                end = ml_frame_previous(frame);
            }
        } else {
            end = ml_frame_previous(frame);
        }
        for (; frame != end; frame = ml_frame_previous(frame)) {
            if (ML_UNLIKELY(above >= cache->capacity))
                return capture_innermost(cache, top);
            scratch[above++] = frame;
        }
    }
    if (!known) {
        cache->truncated = false;
        cache->depth = 0;
    }
    uint32_t stack_id = base_stack_id(cache, base), depth = base;
    bool unchanged = true;
    while (above > 0) {
        const ml_frame *frame = scratch[--above];
        const uint64_t position = ml_frame_position(frame);
        if (unchanged && depth < cache->depth && frames[depth].frame == frame &&
            frames[depth].position == position) {
            stack_id = frames[depth++].stack_id;
            continue;
        }
        if (ML_UNLIKELY(depth >= cache->capacity))
            return capture_innermost(cache, top);
        unchanged = false;
        stack_id = step(cache, stack_id, frame, position);
        enter(cache, depth++, frame, position, stack_id);
        cache->depth = depth; /* what was above belonged to another caller */
    }
    return stack_id;
}

uint32_t ml_capture_stack(ml_thread *thread, PyThreadState *python)
{
    ml_stack_cache *cache = &thread->stacks;
    const ml_frame *top = ml_frame_top(python), *mismatch;
    if (!top)
        return 0;
    const uint64_t epoch = atomic_load_explicit(&ml_stacks.epoch, memory_order_acquire);
    if (ML_UNLIKELY(cache->epoch != epoch))
        forget(cache, epoch);
    for (;;) {
        const uint32_t hint = cache->depth_hint[ml_depth_hint_index(top)];
        ml_cached_frame *cached = &cache->frames[hint];
        const bool same_frame = hint < cache->depth && cached->frame == top;
        const uint64_t position = ml_frame_position(top);
        if (same_frame && cached->position == position) {
            if (ML_LIKELY(callers_unchanged(cache, hint, top, &mismatch)))
                return cached->stack_id;
            return capture_slowly(cache, top);
        }
        if (ML_UNLIKELY(ml_frame_is_incomplete(top))) {
            top = ml_frame_previous(top);
            if (!top)
                return 0;
            continue;
        }
        if (same_frame && callers_unchanged(cache, hint, top, &mismatch)) {
            cached->position = position;
            cached->stack_id = child(cache, base_stack_id(cache, hint), top, position);
            cache->depth = hint + 1; /* what was above was called from elsewhere */
            return cached->stack_id;
        }
        return capture_slowly(cache, top);
    }
}

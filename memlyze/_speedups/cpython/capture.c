/* What is left of a capture when something has moved: only what differs is looked up, and told. */
#include "anchor.h"
#include "capture.h"
#include "code_copy.h"

#include "../core/recorder.h"

/* ---- stacks and their numbers
 * -------------------------------------------------------------------- */

static void forget_children(ml_stack_cache *cache)
{
    cache->depth = cache->base = 0;
    ml_drop_anchor(cache);
    memset(cache->known_children, 0,
           ((size_t)cache->known_children_mask + 1) * sizeof(ml_known_child));
}

static void forget_stacks(ml_stack_cache *cache, uint64_t epoch)
{
    forget_children(cache);
    memset(cache->known_codes, 0, ML_KNOWN_CODES * sizeof(ml_known_code));
    cache->epoch = epoch;
}

static ML_NOINLINE uint32_t look_up_code(ml_known_code *known, const PyCodeObject *code)
{
    ml_lock(&ml_codes.lock);
    uint32_t code_id = ml_code_find(&ml_codes, (uintptr_t)code);
    if (ML_UNLIKELY(code_id == 0))
        code_id = ml_copy_code(&ml_codes, code);
    ml_unlock(&ml_codes.lock);
    if (ML_LIKELY(code_id != 0))
        *known = (ml_known_code){code, code_id};
    return code_id;
}

/* The room in the ring must have been seen to. */
static uint32_t tell_child(ml_thread *thread, uint32_t parent, uint64_t code_id,
                           uint64_t instruction)
{
    uint64_t head = ml_ring_head(&thread->ring);
    const uint64_t word = (uint64_t)parent << 3 | ML_WORD_STACK;
    if (ML_LIKELY(code_id < ML_STACK_WIDE && instruction < (uint64_t)1 << 24)) {
        ml_ring_put(&thread->ring, &head, word | code_id << 19 | instruction << 40);
    } else {
        ml_ring_put(&thread->ring, &head, word | ML_STACK_WIDE << 19);
        ml_ring_put(&thread->ring, &head, code_id << 32 | instruction);
    }
    ml_ring_publish(&thread->ring, head);
    return ++thread->stacks.numbers;
}

/* A frame that is not complete may also lie further out: a collection that its prologue set off
 * runs finalizers. It is not shown. */
static inline uint32_t child(ml_thread *thread, uint32_t parent, const ml_frame *frame,
                             uint64_t position)
{
    ml_stack_cache *cache = &thread->stacks;
    if (ML_UNLIKELY(ml_frame_is_incomplete(frame)))
        return parent;
    const ml_known_child *known = ml_known_child_of(cache, parent, position);
    if (ML_LIKELY(known != NULL))
        return known->stack;
    const PyCodeObject *code = ml_frame_code(frame);
    ml_known_code *known_code = ml_known_code_slot(cache, code);
    const uint32_t code_id =
        ML_LIKELY(known_code->code == code) ? known_code->code_id : look_up_code(known_code, code);
    if (ML_UNLIKELY(code_id == 0)) /* no memory */
        return parent;
    const uint32_t stack = tell_child(thread, parent, code_id, ml_frame_instruction(frame, code));
    *ml_known_child_slot(cache, parent, position) = (ml_known_child){position, parent, stack};
    return stack;
}

static inline void enter(ml_stack_cache *cache, uint32_t depth, const ml_frame *frame,
                         uint64_t position, uint32_t stack)
{
    cache->frames[depth] = (ml_cached_frame){frame, position};
    cache->stacks[depth] = stack;
    cache->depth_hint[ml_depth_hint_index(frame)] = (uint16_t)depth;
}

/* Makes sure that so many stacks can be told and numbered. Numbers begin anew when they are used
 * up: then nothing is known any more, and `*anew` is set. False: no room in the ring. */
static bool make_ready_to_tell(ml_thread *thread, uint32_t stacks, bool *anew)
{
    ml_stack_cache *cache = &thread->stacks;
    if (!ml_recorder_has_room(thread, (stacks + 1) * ML_WORDS_PER_STACK, false))
        return false;
    *anew = cache->numbers + stacks >= cache->max_numbers;
    if (ML_UNLIKELY(*anew)) {
        tell_child(thread, 0, 0, 0);
        forget_children(cache);
        cache->numbers = 0;
    }
    return true;
}

/* ---- capture
 * ------------------------------------------------------------------------------------- */

/* The stack is deeper than the cache. Three quarters of what fits are kept, beneath the stack
 * "<truncated>": the next captures have a quarter to move in before this is needed again. When the
 * stack has shrunk to less than half of what fits, it is captured anew: the outer frames of the
 * cache are given no hint, so that they are not found as the innermost. */
static ML_NOINLINE uint32_t capture_innermost(ml_thread *thread, const ml_frame *top)
{
    ml_stack_cache *cache = &thread->stacks;
    const uint32_t keep = cache->capacity - (cache->capacity + 3) / 4;
    const ml_frame *frame = top;
    uint32_t count = 0;
    bool anew;
    for (; frame && count < keep; frame = ml_frame_previous(frame))
        cache->scratch[count++] = frame;
    cache->depth = 0;
    ml_drop_anchor(cache);
    if (!make_ready_to_tell(thread, count + 1, &anew))
        return ML_STACK_DROPPED;
    cache->base = 0;
    if (frame) {
        atomic_fetch_add_explicit(&ml_recording.stacks_truncated, 1, memory_order_relaxed);
        cache->base = tell_child(thread, 0, ML_CODE_TRUNCATED, 0);
    }
    uint32_t stack = cache->base;
    for (uint32_t depth = 0; depth < count; depth++) {
        frame = cache->scratch[count - 1 - depth];
        const uint64_t position = ml_frame_position(frame);
        stack = child(thread, stack, frame, position);
        enter(cache, depth, frame, position, stack);
        if (cache->base && depth + 1 < cache->capacity / 2)
            cache->depth_hint[ml_depth_hint_index(frame)] = UINT16_MAX;
    }
    cache->depth = count;
    return stack;
}

/* Anything but a new position in a frame whose callers are as they were. */
uint32_t ml_capture_slowly(ml_thread *thread, const ml_frame *top)
{
    ml_stack_cache *cache = &thread->stacks;
    const ml_cached_frame *frames = cache->frames;
    const void **scratch = cache->scratch;
    /* Frames in scratch, innermost first: those over frames[base] and the one for it. */
    uint32_t above = 0;
    uint32_t base = 0;
    bool known = false, anew;
    /* Not yet there: what the program is doing is its caller's. */
    while (ml_frame_is_incomplete(top)) {
        top = ml_frame_previous(top);
        if (!top)
            return 0;
    }
    for (const ml_frame *frame = top; frame && !known;) {
        const uint32_t hint = cache->depth_hint[ml_depth_hint_index(frame)];
        const ml_frame *last = frame; /* of those that are not as they were */
        if (hint < cache->depth && frames[hint].frame == frame) {
            known = ml_callers_unchanged(cache, hint, &last);
            if (known) {
                base = hint;
                last = frame;
            }
        }
        for (const ml_frame *end = ml_frame_previous(last); frame != end;
             frame = ml_frame_previous(frame)) {
            if (ML_UNLIKELY(above >= cache->capacity))
                return capture_innermost(thread, top);
            scratch[above++] = frame;
        }
    }
    if (!known)
        cache->depth = cache->base = 0;
    if (cache->anchor_depth != ML_NO_ANCHOR && (!known || base < cache->anchor_depth))
        ml_drop_anchor(cache); /* it has ended, or is another stack's */
    if (!make_ready_to_tell(thread, above, &anew))
        return ML_STACK_DROPPED;
    if (ML_UNLIKELY(anew))
        return ml_capture_slowly(thread, top);
    uint32_t depth = base, stack = ml_base_stack(cache, base);
    bool unchanged = true;
    while (above > 0) {
        const ml_frame *frame = scratch[--above];
        const uint64_t position = ml_frame_position(frame);
        if (unchanged && depth < cache->depth && frames[depth].frame == frame &&
            frames[depth].position == position) {
            stack = cache->stacks[depth++];
            continue;
        }
        if (ML_UNLIKELY(depth >= cache->capacity))
            return capture_innermost(thread, top);
        unchanged = false;
        stack = child(thread, stack, frame, position);
        enter(cache, depth++, frame, position, stack);
        cache->depth = depth; /* what was above belonged to another caller */
    }
    return stack;
}

uint32_t ml_capture_attentively(ml_thread *thread, const ml_frame *top, uint64_t epoch)
{
    ml_stack_cache *cache = &thread->stacks;
    if (cache->epoch != epoch)
        forget_stacks(cache, epoch);
    cache->seen_to_epoch = epoch;
    const uint32_t stack = ml_capture_slowly(thread, top);
    if (thread->last_time_ns >= cache->next_look_ns)
        ml_look_for_anchor(thread, top);
    return stack;
}

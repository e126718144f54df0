/* What is recorded when a block is had from malloc and its kin, and when it is given back.
 *
 * As in the hooks of a language's own allocators, a thread counts as "inside" while the real
 * function runs: an allocator may map memory to serve a block, and one function of the family may
 * be made of others. What a language's allocator has from malloc is had inside its hook, and is
 * counted there. */
#include "malloc_hooks.h"

#include "calling_thread.h"
#include "real_functions.h"

#include <errno.h>

/* Without the shim some frees are not seen, by pointers to `free` that a library got before. */
static bool misses_frees;

/* ---- what is recorded
 * ---------------------------------------------------------------------------------- */

/* Something was recorded at this address, and its free was not seen. */
static ML_NOINLINE void close_stale(ml_thread *thread, void *block)
{
    ml_live stale;
    if (!ml_live_table_take(&ml_recording.live, (uintptr_t)block, &stale))
        return;
    if (stale.allocation_id)
        atomic_fetch_add_explicit(&ml_recording.stale_closed, 1, memory_order_relaxed);
    ml_record_taken(thread, (uintptr_t)block, stale);
}

/* Inside, of a block that was had. A program may look at errno after a call that succeeded. */
ML_INLINE void record(ml_thread *thread, void *block, size_t size)
{
    const int error = errno;
    if (ML_UNLIKELY(misses_frees) && ml_live_table_may_hold((uintptr_t)block))
        close_stale(thread, block);
    uint64_t *entry = ml_live_table_new_entry(&ml_recording.live, (uintptr_t)block, size);
    if (!entry)
        ml_live_table_prefetch(&ml_recording.live, (uintptr_t)block);
    const uint32_t stack = ml_native_stack(thread);
    if (ML_LIKELY(stack != ML_STACK_DROPPED))
        ml_record_allocation(thread, (uintptr_t)block, size, entry, ML_ALLOCATOR_MALLOC, stack);
    errno = error;
}

static ML_NOINLINE void record_sample(ml_thread *thread, void *block, size_t size)
{
    record(thread, block, size);
    ml_recorder_refill(thread);
}

ML_INLINE void record_when_due(ml_thread *thread, void *block, size_t size)
{
    if (ml_recorder_is_due(thread, size))
        record_sample(thread, block, size);
}

/* By a thread without a state: it gets one only when there is something to tell. */
static void record_free_of_stranger(void *block)
{
    ml_live live;
    if (atomic_load_explicit(&ml_session, memory_order_relaxed) == 0 ||
        !ml_live_table_take(&ml_recording.live, (uintptr_t)block, &live))
        return;
    ml_thread *thread = ml_thread_join_late();
    if (thread) {
        ml_record_taken(thread, (uintptr_t)block, live);
    } else if (live.allocation_id) {
        atomic_fetch_add_explicit(&ml_recording.frees_dropped, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&ml_recording.dropped_for_memory, 1, memory_order_relaxed);
    }
}

/* Before the memory is given back: afterwards it may be another thread's. */
static ML_NOINLINE void record_free_slowly(void *block, uint64_t entry)
{
    const int error = errno;
    if (ml_current_thread == &ml_no_thread) {
        if (block)
            record_free_of_stranger(block);
    } else {
        ml_thread *thread = ml_thread_if_recording();
        if (!thread)
            thread = ml_paused_thread();
        if (thread && block)
            ml_record_free_slowly(thread, (uintptr_t)block, entry);
    }
    errno = error;
}

ML_INLINE void record_free(void *block)
{
    if (ML_LIKELY(!ml_live_table_may_hold((uintptr_t)block)) ||
        !ml_live_table_may_still_hold(&ml_recording.live, (uintptr_t)block) ||
        !ml_live_table_may_be_marked(&ml_recording.live, (uintptr_t)block))
        return;
    ml_thread *thread = ml_current_thread;
    uint64_t entry = 0;
    if (ML_LIKELY(ml_thread_is_recording(thread))) {
        entry = ml_live_table_take_directly(&ml_recording.live, (uintptr_t)block);
        if (ML_LIKELY(entry != 0) && ml_record_free_directly(thread, entry))
            return;
    } else if (thread->active_session == ML_INSIDE && !thread->pauses && thread != &ml_no_thread) {
        return; /* in a hook, which has seen to it */
    }
    record_free_slowly(block, entry);
}

/* ---- the hooks
 * ----------------------------------------------------------------------------------------- */

static ML_NOINLINE void *malloc_attentively(size_t size)
{
    ml_thread *thread = ml_recording_thread();
    if (ML_UNLIKELY(!thread))
        return ml_real.malloc(size);
    ml_thread_enter(thread);
    void *block = ml_real.malloc(size);
    if (ML_LIKELY(block != NULL))
        record_when_due(thread, block, size);
    ml_thread_leave(thread);
    return block;
}

/* Where most allocations pass, and the real malloc calls nothing that is hooked. */
static void *hooked_malloc(size_t size)
{
    if (ML_UNLIKELY(size >= ML_VAST_BYTES || !ml_thread_may_have(ml_current_thread, size)))
        return malloc_attentively(size);
    return ml_real.malloc(size);
}

/* Where every allocation is recorded. */
static void *hooked_malloc_exact(size_t size)
{
    ml_thread *thread = ml_current_thread;
    if (ML_UNLIKELY(!ml_thread_is_recording_all(thread)))
        return malloc_attentively(size);
    ml_thread_enter_exact(thread);
    void *block = ml_real.malloc(size);
    if (ML_LIKELY(block != NULL))
        record(thread, block, size);
    ml_thread_leave_exact(thread);
    return block;
}

static void *hooked_calloc(size_t count, size_t size)
{
    ml_thread *thread = ml_recording_thread();
    if (ML_UNLIKELY(!thread))
        return ml_real.calloc(count, size);
    ml_thread_enter(thread);
    void *block = ml_real.calloc(count, size);
    if (ML_LIKELY(block != NULL)) /* so the product did not overflow */
        record_when_due(thread, block, count * size);
    ml_thread_leave(thread);
    return block;
}

/* Around a call that may move a block. */
typedef struct {
    ml_thread *thread;
    ml_live live;
    bool recorded, is_paused;
} moving;

/* Out of the books before the address can be another thread's. */
static moving begin_moving(void *block)
{
    const int error = errno;
    moving move = {.thread = ml_recording_thread()};
    move.is_paused = !move.thread;
    if (ML_UNLIKELY(move.is_paused))
        move.thread = ml_paused_thread();
    if (move.thread) {
        move.recorded = block && ml_live_table_may_hold((uintptr_t)block) &&
                        ml_live_table_take(&ml_recording.live, (uintptr_t)block, &move.live);
        ml_thread_enter(move.thread);
    }
    errno = error;
    return move;
}

/* Back into the books when nothing came of it. */
static void end_moving(const moving *move, void *block, void *moved, size_t size)
{
    const int error = errno;
    if (!move->thread)
        return;
    /* glibc frees a block that is to have no size, and has nothing to return for it. */
    if (ML_LIKELY(moved != NULL) || size == 0) {
        if (move->recorded)
            ml_record_taken(move->thread, (uintptr_t)block, move->live);
        if (moved && !move->is_paused)
            record_when_due(move->thread, moved, size);
    } else if (move->recorded) {
        ml_recorder_restore((uintptr_t)block, move->live);
    }
    if (!move->is_paused)
        ml_thread_leave(move->thread);
    errno = error;
}

static void *hooked_realloc(void *block, size_t size)
{
    const moving move = begin_moving(block);
    void *moved = ml_real.realloc(block, size);
    end_moving(&move, block, moved, size);
    return moved;
}

static void *hooked_reallocarray(void *block, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return ml_real.reallocarray(block, count, size); /* fails, and leaves the block as it is */
    const moving move = begin_moving(block);
    void *moved = ml_real.reallocarray(block, count, size);
    end_moving(&move, block, moved, bytes);
    return moved;
}

static void hooked_free(void *block)
{
    record_free(block);
    ml_real.free(block);
}

static void hooked_free_sized(void *block, size_t size)
{
    record_free(block);
    ml_real.free_sized(block, size);
}

static void hooked_free_aligned_sized(void *block, size_t alignment, size_t size)
{
    record_free(block);
    ml_real.free_aligned_sized(block, alignment, size);
}

static int hooked_posix_memalign(void **block, size_t alignment, size_t size)
{
    ml_thread *thread = ml_recording_thread();
    if (ML_UNLIKELY(!thread))
        return ml_real.posix_memalign(block, alignment, size);
    ml_thread_enter(thread);
    const int failure = ml_real.posix_memalign(block, alignment, size);
    if (ML_LIKELY(failure == 0) && *block)
        record_when_due(thread, *block, size);
    ml_thread_leave(thread);
    return failure;
}

#define HOOKED_ALIGNED(name)                                                                       \
    static void *hooked_##name(size_t alignment, size_t size)                                      \
    {                                                                                              \
        ml_thread *thread = ml_recording_thread();                                                 \
        if (ML_UNLIKELY(!thread))                                                                  \
            return ml_real.name(alignment, size);                                                  \
        ml_thread_enter(thread);                                                                   \
        void *block = ml_real.name(alignment, size);                                               \
        if (ML_LIKELY(block != NULL))                                                              \
            record_when_due(thread, block, size);                                                  \
        ml_thread_leave(thread);                                                                   \
        return block;                                                                              \
    }
HOOKED_ALIGNED(aligned_alloc)
HOOKED_ALIGNED(memalign)

#define HOOKED_ON_PAGE(name)                                                                       \
    static void *hooked_##name(size_t size)                                                        \
    {                                                                                              \
        ml_thread *thread = ml_recording_thread();                                                 \
        if (ML_UNLIKELY(!thread))                                                                  \
            return ml_real.name(size);                                                             \
        ml_thread_enter(thread);                                                                   \
        void *block = ml_real.name(size);                                                          \
        if (ML_LIKELY(block != NULL))                                                              \
            record_when_due(thread, block, size);                                                  \
        ml_thread_leave(thread);                                                                   \
        return block;                                                                              \
    }
HOOKED_ON_PAGE(valloc)
HOOKED_ON_PAGE(pvalloc)

void ml_malloc_hooks(ml_allocation_functions *hooks)
{
    misses_frees = ml_preload_shim == NULL;
    hooks->malloc = ml_recording.exact          ? hooked_malloc_exact
                    : ml_real_malloc_is_libcs() ? hooked_malloc
                                                : malloc_attentively;
    hooks->calloc = hooked_calloc;
    hooks->realloc = hooked_realloc;
    hooks->reallocarray = hooked_reallocarray;
    hooks->free = hooked_free;
    hooks->free_sized = hooked_free_sized;
    hooks->free_aligned_sized = hooked_free_aligned_sized;
    hooks->posix_memalign = hooked_posix_memalign;
    hooks->aligned_alloc = hooked_aligned_alloc;
    hooks->memalign = hooked_memalign;
    hooks->valloc = hooked_valloc;
    hooks->pvalloc = hooked_pvalloc;
}

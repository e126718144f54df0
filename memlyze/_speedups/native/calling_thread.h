/* Who is calling a hook. */
#ifndef MEMLYZE_CALLING_THREAD_H
#define MEMLYZE_CALLING_THREAD_H

#include "native_hooks.h"

/* Whether the present recording is one of native memory: hooks in patched symbol tables stay. */
extern ML_INTERNAL _Atomic bool ml_native_is_recorded;

/* The present thread's state, NULL when what it allocates now is not to be recorded: usually
 * because it is in the hook of a language's allocator. */
static inline ml_thread *ml_recording_thread(void)
{
    ml_thread *thread = ml_current_thread;
    const bool is_recorded = atomic_load_explicit(&ml_native_is_recorded, memory_order_relaxed);
    if (ML_UNLIKELY(!is_recorded))
        return NULL;
    if (ml_thread_is_recording(thread))
        return thread;
    if (ML_UNLIKELY(thread->active_session != ML_INSIDE || thread == &ml_no_thread))
        return ml_thread_join_session();
    if (ML_UNLIKELY(thread->pauses >= ML_PROBING))
        ml_native_probe_seen = true;
    return NULL;
}

/* The state of a thread that is paused, NULL of any other: what was recorded before may go there.
 * In a hook nothing goes but what the hook itself sees to. */
static inline ml_thread *ml_paused_thread(void)
{
    ml_thread *thread = ml_thread_if_inside();
    return thread && thread->pauses ? thread : NULL;
}

/* How it gets the stack of a thread; NULL: no language is known. */
extern ML_INTERNAL ml_native_capture ml_capture_native_stack;

static inline uint32_t ml_native_stack(ml_thread *thread)
{
    return ml_capture_native_stack ? ml_capture_native_stack(thread) : 0;
}

#endif

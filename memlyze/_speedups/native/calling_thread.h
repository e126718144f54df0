/* Who is calling a hook. */
#ifndef MEMLYZE_CALLING_THREAD_H
#define MEMLYZE_CALLING_THREAD_H

#include "native_hooks.h"

/* The present thread's state, NULL when what it allocates now is not to be recorded. */
static inline ml_thread *ml_recording_thread(void)
{
    ml_thread *thread = ml_thread_if_recording();
    if (ML_UNLIKELY(!thread) && ml_current_thread->pauses >= ML_PROBING)
        ml_native_probe_seen = true;
    return thread;
}

/* The state of a thread that is inside, NULL of any other: what was recorded before may go there.
 */
static inline ml_thread *ml_inside_thread(void)
{
    ml_thread *thread = ml_current_thread;
    const bool is_inside = thread->active_session == ML_INSIDE && thread->ring.words &&
                           thread->session == atomic_load(&ml_session);
    return is_inside ? thread : NULL;
}

/* How it gets the stack of a thread; NULL: no language is known. */
extern ML_INTERNAL ml_native_capture ml_capture_native_stack;

#endif

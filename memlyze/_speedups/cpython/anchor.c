#include "anchor.h"

#include "allocator_hooks.h"
#include "capture.h"

#include <pthread.h>

/* An anchor is worth looking for when so many frames are to be compared. */
#define FEW_FRAMES 1
/* Deeper stacks are left as they are: a frame object takes some hundred bytes. */
#define MAX_FRAME_OBJECTS 256
#define FIRST_PAUSE_NS 16000000 /* a frame that lives so long is a lasting one */
#define LONGEST_PAUSE_NS 1000000000

#if PY_VERSION_HEX >= 0x030b0000

static _Atomic uintptr_t main_thread; /* the one that runs pending calls; 0: not known yet */

void ml_make_frame_objects(void)
{
    ml_thread *thread = ml_current_thread;
    if (!thread->stacks.wants_frame_objects || thread->session != atomic_load(&ml_session))
        return;
    thread->stacks.wants_frame_objects = false;
    ml_hooks_pause_thread();
    PyFrameObject *frame = PyThreadState_GetFrame(PyThreadState_Get());
    for (int made = 0; frame && made < MAX_FRAME_OBJECTS; made++) {
        PyFrameObject *caller = PyFrame_GetBack(frame);
        Py_DECREF(frame);
        frame = caller;
    }
    Py_XDECREF(frame);
    PyErr_Clear(); /* no memory: there are fewer, then */
    ml_hooks_resume_thread();
}

static int make_frame_objects(void *unused)
{
    (void)unused;
    atomic_store(&main_thread, (uintptr_t)pthread_self());
    ml_make_frame_objects();
    return 0;
}

/* At most one pending call at a time: there is room for few, and the program may want it. */
static void ask_for_frame_objects(ml_thread *thread)
{
    if (thread->stacks.wants_frame_objects)
        return;
    thread->stacks.wants_frame_objects = true;
    const uintptr_t main = atomic_load(&main_thread);
    if ((main == 0 || main == thread->native_handle) &&
        Py_AddPendingCall(make_frame_objects, NULL) != 0)
        thread->stacks.wants_frame_objects = false; /* no room: the next time */
}

/* A trace function may give its caller another line: then that frame is not where it stood, though
 * it has not ended. Neither is an anchor set by a thread of which nothing is known, not holding the
 * GIL. */
static bool may_set_anchor(const ml_thread *thread)
{
    const PyThreadState *python = ml_current_python_thread();
    return ml_is_state_of(python, thread) && python->tracing == 0;
}

void ml_look_for_anchor(ml_thread *thread, const ml_frame *top)
{
    ml_stack_cache *cache = &thread->stacks;
    if (ml_live_table_is_filtered(&ml_recording.live)) {
        cache->next_look_ns = INT64_MAX; /* stacks are few, and most frees are not seen */
        return;
    }
    const uint32_t last_depth = cache->anchor_depth;
    while (top && ml_frame_is_incomplete(top))
        top = ml_frame_previous(top);
    /* What the cache holds above the innermost frame need not exist any more. */
    const uint32_t innermost = top ? cache->depth_hint[ml_depth_hint_index(top)] : UINT32_MAX;
    if (innermost >= cache->depth || cache->frames[innermost].frame != top)
        return;
    if (!may_set_anchor(thread)) {
        cache->next_look_ns = thread->last_time_ns + FIRST_PAUSE_NS;
        return;
    }
    uint32_t depth = innermost + 1;
    while (depth > 0 && !ml_frame_can_be_anchor(cache->frames[depth - 1].frame))
        depth--;
    if (depth > 0 && depth - 1 != last_depth) {
        const uintptr_t block = ml_frame_object_block(cache->frames[depth - 1].frame);
        if (ml_live_table_watch(&ml_recording.live, block)) {
            cache->anchor_depth = depth - 1;
            atomic_store_explicit(&cache->anchor_block, block, memory_order_relaxed);
        }
    }
    if (cache->anchor_depth != last_depth || cache->wish_pause_ns == 0)
        cache->wish_pause_ns = FIRST_PAUSE_NS;
    if (thread->last_time_ns >= cache->next_wish_ns) {
        if (innermost >= depth + FEW_FRAMES && innermost < MAX_FRAME_OBJECTS)
            ask_for_frame_objects(thread);
        cache->next_wish_ns = thread->last_time_ns + cache->wish_pause_ns;
        if (cache->wish_pause_ns < LONGEST_PAUSE_NS)
            cache->wish_pause_ns *= 2;
    }
    cache->next_look_ns = cache->next_wish_ns;
}

#else

void ml_make_frame_objects(void) {}

void ml_look_for_anchor(ml_thread *thread, const ml_frame *top)
{
    (void)top;
    thread->stacks.next_look_ns = INT64_MAX;
}

#endif

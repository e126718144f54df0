/* Native memory in a process that runs Python: whose stack it is, and what of it is counted
 * elsewhere.
 */
#include "native_memory.h"

#include "capture.h"
#include "present_window.h"

#include "../native/native_hooks.h"

static uint32_t python_stack(ml_thread *thread)
{
    PyThreadState *python = ml_own_python_thread_in_window(thread);
    return python ? ml_capture_stack(thread, python) : 0;
}

/* ---- pymalloc's arenas
 * --------------------------------------------------------------------------------- */

/* What is in them is counted, object by object; so they are not. A hook lets small objects be
 * allocated unguarded, so this is where a new arena is known for one. */
static PyObjectArenaAllocator wrapped_arenas;

static void *arena_alloc(void *context, size_t size)
{
    ml_thread *thread = ml_thread_if_recording();
    (void)context;
    if (thread)
        ml_thread_enter(thread);
    void *arena = wrapped_arenas.alloc(wrapped_arenas.ctx, size);
    if (thread)
        ml_thread_leave(thread);
    return arena;
}

static void arena_free(void *context, void *arena, size_t size)
{
    (void)context;
    wrapped_arenas.free(wrapped_arenas.ctx, arena, size);
}

/* Once: whoever replaces these functions afterwards calls on to them. */
void ml_native_memory_prepare(void)
{
    if (wrapped_arenas.alloc)
        return;
    PyObject_GetArenaAllocator(&wrapped_arenas);
    PyObjectArenaAllocator ours = {NULL, arena_alloc, arena_free};
    PyObject_SetArenaAllocator(&ours);
}

const char *ml_native_memory_install(void)
{
    return ml_native_install(python_stack);
}

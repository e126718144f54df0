/* The window that a thread runs in: the value of a context variable, looked up when a block is
 * recorded.
 */
#ifndef MEMLYZE_PRESENT_WINDOW_H
#define MEMLYZE_PRESENT_WINDOW_H

#include "capture.h"

/* NULL as long as no window was opened: then there is nothing to look up. */
extern PyObject *ml_window_variable;

/* The context variable that holds the number of the present window, an int. Borrowed for good.
 * Looked at from the first window on. */
void ml_window_set_variable(PyObject *variable);
/* To be told whenever this thread has set that variable: the version of a context counts entries,
 * not changes. With the GIL held. */
void ml_window_changed(void);
/* Windows below this number are of an earlier recording. */
void ml_window_set_first(unsigned int window_id);

/* Another context than that which the thread has its window from. */
void ml_window_look_up(ml_thread *thread, PyThreadState *python);

enum { ML_BOUND_CONTEXT, ML_BOUND_VERSION };

/* Tells apart the thread states that a native thread gets one after the other. */
ML_INLINE void *ml_context_version(const PyThreadState *python)
{
    return (void *)(uintptr_t)((uint64_t)python->context_ver ^ (uint64_t)python->id << 40);
}

/* Whether another context has been entered since the window was looked up, or the variable set. */
ML_INLINE bool ml_window_may_differ(const ml_thread *thread, const PyThreadState *python)
{
    return ML_UNLIKELY(ml_window_variable != NULL) &&
           ML_UNLIKELY(thread->binding[ML_BOUND_CONTEXT] != python->context ||
                       thread->binding[ML_BOUND_VERSION] != ml_context_version(python));
}

/* The window that the calling code runs in. With the GIL held. */
ML_INLINE void ml_window_update(ml_thread *thread, PyThreadState *python)
{
    if (ml_window_may_differ(thread, python))
        ml_window_look_up(thread, python);
}

/* The calling thread's own state, NULL of a native thread that has none. It may have the GIL or
 * not: a thread's state is the current one only while it has; states of others are compared, never
 * looked into. Without the GIL nothing can be looked up: in no window is better than in that of
 * another task. */
ML_INLINE PyThreadState *ml_own_python_thread_in_window(ml_thread *thread)
{
    PyThreadState *python = ml_own_python_thread(thread);
    if (ML_UNLIKELY(!python) || !ml_window_may_differ(thread, python))
        return python;
    if (python == ml_current_python_thread())
        ml_window_look_up(thread, python);
    else
        ml_thread_set_window(thread, 0);
    return python;
}

#endif

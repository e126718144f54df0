/* The call stack of a thread that runs Python, as the id that the stack table gives it. */
#ifndef MEMLYZE_CAPTURE_H
#define MEMLYZE_CAPTURE_H

#include "compat.h"

#include "../core/thread_state.h"

/* 0 when there is no Python frame. `python` is the calling thread's own state. Allocates nothing of
 * the program's, takes no reference, runs no code. */
uint32_t ml_capture_stack(ml_thread *thread, PyThreadState *python);

#endif

/* Hooks in front of the C library's allocation functions, for any program: nothing here knows of
 * Python. Two ways lead to them: the preload shim's table, and the patched symbol tables of the
 * libraries that are loaded. */
#ifndef MEMLYZE_NATIVE_HOOKS_H
#define MEMLYZE_NATIVE_HOOKS_H

#include "../core/recorder.h"

/* The call stack of the calling thread, as the language that the recorder is bound to has it: the
 * thread's number for it, 0 when none is known, ML_STACK_DROPPED when there was no room to tell of
 * it. Neither allocates nor takes a lock of the language's. */
typedef uint32_t (*ml_native_capture)(ml_thread *thread);

/* Puts the hooks in place for the present recording. NULL, or why native memory cannot be seen: a
 * sentence without a full stop. */
const char *ml_native_install(ml_native_capture capture);
/* After a recording: every call goes straight on, as far as that can be had. */
void ml_native_settle(void);

/* A thread with so many pauses looks where an allocation of its own leads: a hook that it meets
 * says so here. */
#define ML_PROBING 1000
extern ML_INTERNAL bool ml_native_probe_seen;

#endif

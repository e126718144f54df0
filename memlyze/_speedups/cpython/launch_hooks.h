/* What Python code calls to start another program, to become one, or to end at once.
 *
 * The recording is completed before the process is replaced or ends, since nobody is told of that
 * moment; and a Python that is started finds in its environment how to record itself. For the same
 * reason it is seen that a signal is left to the system again (core/fatal_signals.h). */
#ifndef MEMLYZE_LAUNCH_HOOKS_H
#define MEMLYZE_LAUNCH_HOOKS_H

#include "compat.h"

#include <stdbool.h>

/* Puts the hooks in place, for good: while nothing is recorded they pass everything on. With the
 * GIL held. 0, or -1 with an exception. */
int ml_launch_hooks_install(void);

/* From now on a Python that is started finds `startup_folder` first in its PYTHONPATH, and `record`
 * as MEMLYZE_RECORD; with NULL none does. In front of shells and their like goes the shim that
 * hands this on (launch/follow_shim.c); empty: there is none. With the GIL held. False: they are
 * too long. */
bool ml_launch_hooks_follow(const char *record, const char *startup_folder, const char *shim);

/* In a forked child: it is on its way to another program, and runs no more of this one than a
 * preexec_fn. */
bool ml_launch_hooks_is_starting(void);

#endif

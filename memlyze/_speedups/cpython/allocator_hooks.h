/* Hooks around CPython's three allocator domains. */
#ifndef MEMLYZE_ALLOCATOR_HOOKS_H
#define MEMLYZE_ALLOCATOR_HOOKS_H

#include "compat.h"

/* Makes sure that each domain's calls come through our hook: puts one around whatever is installed
 * where they do not. Hooks are never taken away again: when nothing is recorded they pass
 * everything through. Returns how many domains had lost theirs since the last call (another tool
 * put back what it had found before us). While recording, with the GIL held. */
int ml_hooks_install(void);

/* After a recording: from now on the hooks are of the kind that passes everything through in the
 * fewest steps. With the GIL held. */
void ml_hooks_settle(void);

/* The recorder's number for the calling thread, 0 when it is not recording. */
unsigned int ml_hooks_thread_id(void);

/* While paused, what this thread allocates is not recorded. Nests. */
void ml_hooks_pause_thread(void);
void ml_hooks_resume_thread(void);

#endif

/* What the hooks of the C library's functions need of CPython. */
#ifndef MEMLYZE_NATIVE_MEMORY_H
#define MEMLYZE_NATIVE_MEMORY_H

#include "compat.h"

/* Makes sure that what Python allocates is not counted as native memory, too. With the GIL held. */
void ml_native_memory_prepare(void);
/* Puts the hooks of native memory in place for the present recording, with Python's stacks. NULL,
 * or why there can be none. Without the GIL: it may have to wait for a library that is being
 * loaded. */
const char *ml_native_memory_install(void);

#endif

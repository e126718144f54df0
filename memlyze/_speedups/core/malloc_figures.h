/* What the C library's malloc holds, by its own count. */
#ifndef MEMLYZE_MALLOC_FIGURES_H
#define MEMLYZE_MALLOC_FIGURES_H

#include "platform.h"

typedef struct {
    int64_t heap_bytes; /* of all its heaps, in use or free */
    int64_t live_bytes; /* in use there, with what malloc adds to each block */
} ml_malloc_figures;

/* Looks for the library's function. In a thread of the program, for the loader may allocate; and
 * before a recording, with no lock that anybody else may want: another thread may be in the loader
 * for long. */
void ml_malloc_figures_find(void);
/* False: the C library does not say (musl). */
bool ml_malloc_figures_are_known(void);
/* Of heaps that take so many addresses. False: they are not known, or do not count that far. */
bool ml_malloc_figures_read(ml_malloc_figures *figures, int64_t reserved_bytes);

#endif

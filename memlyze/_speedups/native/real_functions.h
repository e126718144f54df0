/* The functions that the program would call without a recorder. */
#ifndef MEMLYZE_REAL_FUNCTIONS_H
#define MEMLYZE_REAL_FUNCTIONS_H

#include "allocation_functions.h"

#include "../core/platform.h"

extern ML_INTERNAL ml_allocation_functions ml_real;
/* Of the preload shim; NULL: there is none in this process. */
extern ML_INTERNAL const ml_preload *ml_preload_shim;

/* Finds all of them, at once: a look-up inside a hook could deadlock. False: the C library has not
 * even malloc and mmap to look up (a program without dynamic linking). */
bool ml_find_real_functions(void);
/* Whether malloc is the C library's own, which maps memory without calling a function that could be
 * hooked. */
bool ml_real_malloc_is_libcs(void);

#endif

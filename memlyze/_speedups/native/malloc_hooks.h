/* Hooks for the malloc family. */
#ifndef MEMLYZE_MALLOC_HOOKS_H
#define MEMLYZE_MALLOC_HOOKS_H

#include "allocation_functions.h"

/* Puts the hooks of the family into a table, in the kind that serves the present recording best. */
void ml_malloc_hooks(ml_allocation_functions *hooks);

#endif

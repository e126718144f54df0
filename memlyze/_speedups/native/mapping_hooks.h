/* Hooks for mmap and its kin. */
#ifndef MEMLYZE_MAPPING_HOOKS_H
#define MEMLYZE_MAPPING_HOOKS_H

#include "allocation_functions.h"

void ml_mapping_hooks(ml_allocation_functions *hooks);

#endif

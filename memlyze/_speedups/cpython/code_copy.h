/* Copies what is worth knowing of a code object into the stack table. */
#ifndef MEMLYZE_CODE_COPY_H
#define MEMLYZE_CODE_COPY_H

#include "compat.h"

#include "../core/stack_table.h"

/* The code's id, 0 when there is no memory. Under the stack table's lock. */
uint32_t ml_copy_code(ml_stack_table *table, const PyCodeObject *code);

#endif

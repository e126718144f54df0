/* Copies what is worth knowing of a code object into the code table. */
#ifndef MEMLYZE_CODE_COPY_H
#define MEMLYZE_CODE_COPY_H

#include "compat.h"

#include "../core/code_table.h"

/* The code's id, 0 when there is no memory. Under the table's lock. */
uint32_t ml_copy_code(ml_code_table *table, const PyCodeObject *code);

#endif

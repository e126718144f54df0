/* From instructions to line numbers, by CPython's three kinds of line tables as they are copied
 * into a trace. */
#ifndef MEMLYZE_DECODER_LINES_H
#define MEMLYZE_DECODER_LINES_H

#include "decoder_payload.h"

typedef enum ml_line_table_kind {
    ML_LINES_NONE = 0,
    ML_LINES_LNOTAB = 1,    /* CPython up to 3.9 */
    ML_LINES_PEP_626 = 2,   /* CPython 3.10 */
    ML_LINES_LOCATIONS = 3, /* CPython 3.11 and later */
} ml_line_table_kind;

/* Instructions before `end` (a byte offset) that are in no earlier entry have this line; 0: none.
 */
typedef struct ml_line_entry {
    uint32_t end;
    int32_t line;
} ml_line_entry;

/* A line table spelled out, so that an instruction is found by bisection. */
typedef struct ml_lines {
    ml_line_entry *entries;
    uint32_t count;
    int32_t first_line;
} ml_lines;

/* A table that breaks off in the middle of an entry ends there: a line that is not known is no
 * reason to lose a trace. Only memory can fail. An unknown kind gives no lines. */
ml_status ml_lines_expand(ml_lines *lines, unsigned kind, const uint8_t *table, uint32_t bytes,
                          int32_t first_line, ml_error *error);
void ml_lines_free(ml_lines *lines);

/* The line of an instruction; the function's first line where the table has none. */
int32_t ml_lines_find(const ml_lines *lines, int32_t instruction);

#endif

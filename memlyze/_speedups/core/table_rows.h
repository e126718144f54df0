/* Functions, stacks and threads as rows of the trace, for those who write them: drain.c as they
 * come, and carried_writing.c again at the beginning of a next part. */
#ifndef MEMLYZE_TABLE_ROWS_H
#define MEMLYZE_TABLE_ROWS_H

#include "columns.h"
#include "stack_table.h"
#include "thread_state.h"

#define ML_CODE_ENCODINGS "dttubtb"
#define ML_STACK_ENCODINGS "dddd"
#define ML_THREAD_ENCODINGS "dutus"

typedef struct {
    uint32_t thread_id;
    uint64_t os_thread_id;
    int64_t start_ns, end_ns; /* -1: it runs */
    char name[ML_THREAD_NAME_BYTES];
} ml_thread_row;

/* Of a function's record, as code_table.h lays it out. */
uint32_t ml_code_record_id(const uint8_t *record);
const uint8_t *ml_code_record_next(const uint8_t *record);
/* The name of its source file, where it is one of Python; NULL otherwise. */
const uint8_t *ml_code_record_source(const uint8_t *record, size_t *bytes);
/* Puts the row; what follows the record. NULL: no memory. */
const uint8_t *ml_code_record_put(ml_columns *rows, const uint8_t *record);

/* False: no memory. */
bool ml_stack_row_put(ml_columns *rows, const ml_stack_row *row);
bool ml_thread_row_put(ml_columns *rows, const ml_thread_row *row);

#endif

/* Rows that are not allocations: collector runs and windows. They are rare, so a lock and a shared
 * buffer serve. */
#ifndef MEMLYZE_SIDE_ROWS_H
#define MEMLYZE_SIDE_ROWS_H

#include "columns.h"
#include "platform.h"

typedef struct {
    ml_spinlock lock;
    ml_columns gc, windows;
    uint64_t dropped;
} ml_side_rows;

extern ml_side_rows ml_sides;

void ml_side_rows_init(void);
void ml_side_rows_add_gc(int64_t start_ns, int64_t duration_ns, int generation, int64_t collected,
                         int64_t uncollectable, uint32_t thread_id);
/* `end_ns` -1: the window opens. Texts are UTF-8. */
void ml_side_rows_add_window(uint32_t window_id, uint32_t parent_id, const char *kind,
                             const char *name, int64_t start_ns, int64_t end_ns, uint32_t thread_id,
                             const char *attributes_json);
/* Hands the rows over: `taken` must be empty; its memory serves for the next ones. */
void ml_side_rows_take(ml_columns *rows, ml_columns *taken);

#endif

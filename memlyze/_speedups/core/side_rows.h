/* Rows that are not allocations: collector runs and windows. They are rare, so a lock and a shared
 * buffer serve. */
#ifndef MEMLYZE_SIDE_ROWS_H
#define MEMLYZE_SIDE_ROWS_H

#include "buffer.h"
#include "columns.h"
#include "platform.h"

typedef struct {
    ml_spinlock lock;
    ml_columns gc, windows;
    bool keeps;     /* windows also as records, for the next part of a trace of bounded size */
    ml_buffer kept; /* not taken yet */
    uint64_t dropped;
} ml_side_rows;

/* A window when it opens (`end_ns` -1) or closes. Texts are UTF-8; what is not known is empty, of
 * `status` 0 and of `first_byte_after_ns` -1. */
typedef struct {
    uint32_t window_id, parent_id, thread_id;
    const char *kind, *name, *attributes_json;
    int64_t start_ns, end_ns;
    const char *method;
    uint32_t status;
    int64_t first_byte_after_ns;
} ml_window_row;

extern ml_side_rows ml_sides;

#define ML_WINDOW_ENCODINGS "ddttdsdttus"

void ml_side_rows_init(bool keeps);
void ml_side_rows_add_gc(int64_t start_ns, int64_t duration_ns, int generation, int64_t collected,
                         int64_t uncollectable, uint32_t thread_id, uint32_t window_id);
void ml_side_rows_add_window(const ml_window_row *row);
/* Hands the rows over: `taken` must be empty; its memory serves for the next ones. */
void ml_side_rows_take(ml_columns *rows, ml_columns *taken);
void ml_side_rows_take_kept(ml_buffer *taken);

/* The record's window, whose texts stay where they are. Returns where the next record is. */
const uint8_t *ml_window_record_read(const uint8_t *record, ml_window_row *row);
/* False: no memory. */
bool ml_window_row_put(ml_columns *rows, const ml_window_row *row);

#endif

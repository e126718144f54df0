#include "side_rows.h"

#include <string.h>

ml_side_rows ml_sides;

/* A block holds at most 16 MiB; when the writer is so far behind, rows are dropped and counted. */
#define MAX_PENDING_BYTES ((size_t)8 << 20)

void ml_side_rows_init(void)
{
    ml_lock(&ml_sides.lock);
    ml_columns_free(&ml_sides.gc);
    ml_columns_free(&ml_sides.windows);
    ml_columns_init(&ml_sides.gc, ML_BLOCK_GC, "dubuudd");
    ml_columns_init(&ml_sides.windows, ML_BLOCK_WINDOWS, "ddttdsdttus");
    ml_sides.dropped = 0;
    ml_unlock(&ml_sides.lock);
}

static bool open_row(ml_columns *rows, size_t text_bytes)
{
    if (rows->column_count && ml_columns_bytes(rows) + text_bytes < MAX_PENDING_BYTES &&
        ml_columns_reserve_row(rows, text_bytes))
        return true;
    ml_sides.dropped++;
    return false;
}

void ml_side_rows_add_gc(int64_t start_ns, int64_t duration_ns, int generation, int64_t collected,
                         int64_t uncollectable, uint32_t thread_id, uint32_t window_id)
{
    ml_columns *rows = &ml_sides.gc;
    ml_lock(&ml_sides.lock);
    if (open_row(rows, 0)) {
        ml_columns_put(rows, 0, start_ns);
        ml_columns_put(rows, 1, duration_ns);
        ml_columns_put(rows, 2, generation);
        ml_columns_put(rows, 3, collected);
        ml_columns_put(rows, 4, uncollectable);
        ml_columns_put(rows, 5, thread_id);
        ml_columns_put(rows, 6, window_id);
        ml_columns_cover_time(rows, start_ns, start_ns + duration_ns);
    }
    ml_unlock(&ml_sides.lock);
}

void ml_side_rows_add_window(const ml_window_row *row)
{
    ml_columns *rows = &ml_sides.windows;
    size_t kind_bytes = strlen(row->kind), name_bytes = strlen(row->name),
           json_bytes = strlen(row->attributes_json), method_bytes = strlen(row->method);
    ml_lock(&ml_sides.lock);
    if (open_row(rows, kind_bytes + name_bytes + json_bytes + method_bytes)) {
        ml_columns_put(rows, 0, row->window_id);
        ml_columns_put(rows, 1, row->parent_id);
        ml_columns_put_text(rows, 2, row->kind, kind_bytes);
        ml_columns_put_text(rows, 3, row->name, name_bytes);
        ml_columns_put(rows, 4, row->start_ns);
        ml_columns_put(rows, 5, row->end_ns);
        ml_columns_put(rows, 6, row->thread_id);
        ml_columns_put_text(rows, 7, row->attributes_json, json_bytes);
        ml_columns_put_text(rows, 8, row->method, method_bytes);
        ml_columns_put(rows, 9, row->status);
        ml_columns_put(rows, 10, row->first_byte_after_ns);
        ml_columns_cover_time(rows, row->start_ns, row->end_ns < 0 ? row->start_ns : row->end_ns);
    }
    ml_unlock(&ml_sides.lock);
}

void ml_side_rows_take(ml_columns *rows, ml_columns *taken)
{
    ml_lock(&ml_sides.lock);
    ml_columns swap = *rows;
    *rows = *taken;
    *taken = swap;
    ml_unlock(&ml_sides.lock);
}

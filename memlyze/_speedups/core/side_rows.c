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
    ml_columns_init(&ml_sides.gc, ML_BLOCK_GC, "dubuud");
    ml_columns_init(&ml_sides.windows, ML_BLOCK_WINDOWS, "ddttdsdt");
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
                         int64_t uncollectable, uint32_t thread_id)
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
        ml_columns_cover_time(rows, start_ns, start_ns + duration_ns);
    }
    ml_unlock(&ml_sides.lock);
}

void ml_side_rows_add_window(uint32_t window_id, uint32_t parent_id, const char *kind,
                             const char *name, int64_t start_ns, int64_t end_ns, uint32_t thread_id,
                             const char *attributes_json)
{
    ml_columns *rows = &ml_sides.windows;
    size_t kind_bytes = strlen(kind), name_bytes = strlen(name),
           json_bytes = strlen(attributes_json);
    ml_lock(&ml_sides.lock);
    if (open_row(rows, kind_bytes + name_bytes + json_bytes)) {
        ml_columns_put(rows, 0, window_id);
        ml_columns_put(rows, 1, parent_id);
        ml_columns_put_text(rows, 2, kind, kind_bytes);
        ml_columns_put_text(rows, 3, name, name_bytes);
        ml_columns_put(rows, 4, start_ns);
        ml_columns_put(rows, 5, end_ns);
        ml_columns_put(rows, 6, thread_id);
        ml_columns_put_text(rows, 7, attributes_json, json_bytes);
        ml_columns_cover_time(rows, start_ns, end_ns < 0 ? start_ns : end_ns);
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

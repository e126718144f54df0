#include "side_rows.h"

#include <string.h>

ml_side_rows ml_sides;

/* A block holds at most 16 MiB; when the writer is so far behind, rows are dropped and counted. */
#define MAX_PENDING_BYTES ((size_t)8 << 20)

void ml_side_rows_init(bool keeps)
{
    ml_lock(&ml_sides.lock);
    ml_columns_free(&ml_sides.gc);
    ml_columns_free(&ml_sides.windows);
    ml_columns_init(&ml_sides.gc, ML_BLOCK_GC, "dubuudd");
    ml_columns_init(&ml_sides.windows, ML_BLOCK_WINDOWS, ML_WINDOW_ENCODINGS);
    ml_buffer_free(&ml_sides.kept);
    ml_sides.keeps = keeps;
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

/* What stands before a record's four texts. */
typedef struct {
    uint32_t bytes; /* of the record */
    uint32_t window_id, parent_id, thread_id, status;
    int64_t start_ns, end_ns, first_byte_after_ns;
} record_head;

const uint8_t *ml_window_record_read(const uint8_t *record, ml_window_row *row)
{
    record_head head;
    memcpy(&head, record, sizeof head);
    *row = (ml_window_row){
        .window_id = head.window_id,
        .parent_id = head.parent_id,
        .thread_id = head.thread_id,
        .start_ns = head.start_ns,
        .end_ns = head.end_ns,
        .status = head.status,
        .first_byte_after_ns = head.first_byte_after_ns,
    };
    const char **texts[] = {&row->kind, &row->name, &row->attributes_json, &row->method};
    const char *at = (const char *)record + sizeof head;
    for (int i = 0; i < 4; i++) {
        *texts[i] = at;
        at += strlen(at) + 1;
    }
    return record + head.bytes;
}

static void keep(const ml_window_row *row)
{
    const char *const texts[] = {row->kind, row->name, row->attributes_json, row->method};
    size_t text_bytes = 0;
    for (int i = 0; i < 4; i++)
        text_bytes += strlen(texts[i]) + 1;
    const record_head head = {(uint32_t)(sizeof head + text_bytes),
                              row->window_id,
                              row->parent_id,
                              row->thread_id,
                              row->status,
                              row->start_ns,
                              row->end_ns,
                              row->first_byte_after_ns};
    if (!ml_buffer_reserve(&ml_sides.kept, head.bytes))
        return;
    ml_buffer_append(&ml_sides.kept, &head, sizeof head);
    for (int i = 0; i < 4; i++)
        ml_buffer_append(&ml_sides.kept, texts[i], strlen(texts[i]) + 1);
}

static size_t text_bytes_of(const ml_window_row *row)
{
    return strlen(row->kind) + strlen(row->name) + strlen(row->attributes_json) +
           strlen(row->method);
}

static void put_window(ml_columns *rows, const ml_window_row *row)
{
    ml_columns_put(rows, 0, row->window_id);
    ml_columns_put(rows, 1, row->parent_id);
    ml_columns_put_text(rows, 2, row->kind, strlen(row->kind));
    ml_columns_put_text(rows, 3, row->name, strlen(row->name));
    ml_columns_put(rows, 4, row->start_ns);
    ml_columns_put(rows, 5, row->end_ns);
    ml_columns_put(rows, 6, row->thread_id);
    ml_columns_put_text(rows, 7, row->attributes_json, strlen(row->attributes_json));
    ml_columns_put_text(rows, 8, row->method, strlen(row->method));
    ml_columns_put(rows, 9, row->status);
    ml_columns_put(rows, 10, row->first_byte_after_ns);
    ml_columns_cover_time(rows, row->start_ns, row->end_ns < 0 ? row->start_ns : row->end_ns);
}

bool ml_window_row_put(ml_columns *rows, const ml_window_row *row)
{
    if (!ml_columns_reserve_row(rows, text_bytes_of(row)))
        return false;
    put_window(rows, row);
    return true;
}

void ml_side_rows_add_window(const ml_window_row *row)
{
    const size_t text_bytes = text_bytes_of(row);
    ml_lock(&ml_sides.lock);
    if (open_row(&ml_sides.windows, text_bytes)) {
        put_window(&ml_sides.windows, row);
        if (ml_sides.keeps)
            keep(row);
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

void ml_side_rows_take_kept(ml_buffer *taken)
{
    ml_lock(&ml_sides.lock);
    ml_buffer swap = ml_sides.kept;
    ml_sides.kept = *taken;
    *taken = swap;
    ml_unlock(&ml_sides.lock);
}

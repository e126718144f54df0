#include "table_rows.h"

#include "code_table.h"

#include <string.h>

static uint32_t get_u32(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

const uint8_t *ml_code_record_next(const uint8_t *record)
{
    record += 10;
    for (int part = 0; part < 3; part++)
        record += 4 + get_u32(record);
    return record;
}

uint32_t ml_code_record_id(const uint8_t *record)
{
    return get_u32(record);
}

const uint8_t *ml_code_record_source(const uint8_t *record, size_t *bytes)
{
    const uint8_t *name = record + 14 + get_u32(record + 10);
    *bytes = get_u32(name);
    return record[9] == ML_LANGUAGE_PYTHON ? name + 4 : NULL;
}

const uint8_t *ml_code_record_put(ml_columns *rows, const uint8_t *record)
{
    const uint8_t *at = record + 10, *parts[3];
    uint32_t lengths[3];
    for (int i = 0; i < 3; i++) {
        lengths[i] = get_u32(at);
        parts[i] = at + 4;
        at += 4 + lengths[i];
    }
    if (!ml_columns_reserve_row(rows, (size_t)lengths[0] + lengths[1] + lengths[2]))
        return NULL;
    ml_columns_put(rows, 0, get_u32(record));
    ml_columns_put_text(rows, 1, parts[0], lengths[0]);
    ml_columns_put_text(rows, 2, parts[1], lengths[1]);
    ml_columns_put(rows, 3, get_u32(record + 4));
    ml_columns_put(rows, 4, record[8]);
    ml_columns_put_text(rows, 5, parts[2], lengths[2]);
    ml_columns_put(rows, 6, record[9]);
    return at;
}

bool ml_stack_row_put(ml_columns *rows, const ml_stack_row *row)
{
    if (!ml_columns_reserve_row(rows, 0))
        return false;
    ml_columns_put(rows, 0, row->stack_id);
    ml_columns_put(rows, 1, row->parent_id);
    ml_columns_put(rows, 2, row->code_id);
    ml_columns_put(rows, 3, row->instruction);
    return true;
}

bool ml_thread_row_put(ml_columns *rows, const ml_thread_row *row)
{
    const size_t name_bytes = strlen(row->name);
    if (!ml_columns_reserve_row(rows, name_bytes))
        return false;
    ml_columns_put(rows, 0, row->thread_id);
    ml_columns_put(rows, 1, (int64_t)row->os_thread_id);
    ml_columns_put_text(rows, 2, row->name, name_bytes);
    ml_columns_put(rows, 3, row->start_ns);
    ml_columns_put(rows, 4, row->end_ns);
    return true;
}

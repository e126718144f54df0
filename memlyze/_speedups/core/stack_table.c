#include "stack_table.h"

ml_stack_table ml_stacks;

#define FIRST_CAPACITY 1024

static inline uint32_t home(uint32_t capacity, uint32_t parent, uint32_t code, uint32_t instruction)
{
    const uint64_t key =
        ((uint64_t)code << 32 | instruction) ^ (uint64_t)parent * 0x9e3779b97f4a7c15ull;
    return (uint32_t)(key * 0xbf58476d1ce4e5b9ull >> 32) & (capacity - 1);
}

static bool set_rows(ml_stack_table *table, uint32_t capacity)
{
    ml_stack_row *rows = ml_map_dense(capacity * sizeof *rows);
    if (!rows)
        return false;
    for (uint32_t i = 0; i < table->capacity; i++) {
        const ml_stack_row row = table->rows[i];
        if (!row.stack_id)
            continue;
        uint32_t slot = home(capacity, row.parent_id, row.code_id, row.instruction);
        while (rows[slot].stack_id)
            slot = (slot + 1) & (capacity - 1);
        rows[slot] = row;
    }
    ml_unmap(table->rows, table->capacity * sizeof *rows);
    table->rows = rows;
    table->capacity = capacity;
    table->mapped_bytes = capacity * sizeof *rows;
    return true;
}

bool ml_stack_table_init(ml_stack_table *table, uint32_t max_count)
{
    ml_stack_table_clear(table);
    table->max_count = max_count;
    table->next_id = 1;
    return set_rows(table, FIRST_CAPACITY);
}

void ml_stack_table_clear(ml_stack_table *table)
{
    ml_unmap(table->rows, table->capacity * sizeof *table->rows);
    ml_buffer_free(&table->added);
    memset(table, 0, sizeof *table);
}

/* Empties a table that has reached its bound. Ids go on, so that no id means two things. */
static void reset(ml_stack_table *table)
{
    memset(table->rows, 0, table->capacity * sizeof *table->rows);
    table->count = 0;
    table->resets++;
}

static void insert(ml_stack_table *table, ml_stack_row row)
{
    uint32_t slot = home(table->capacity, row.parent_id, row.code_id, row.instruction);
    while (table->rows[slot].stack_id)
        slot = (slot + 1) & (table->capacity - 1);
    table->rows[slot] = row;
    table->count++;
}

void ml_stack_table_hold(ml_stack_table *table, const ml_stack_row *rows, uint32_t count)
{
    if (!table->rows)
        return;
    memset(table->rows, 0, table->capacity * sizeof *table->rows);
    table->count = 0;
    for (uint32_t i = 0; i < count && table->count < table->capacity / 4 * 3; i++)
        insert(table, rows[i]);
}

static ML_NOINLINE uint32_t add(ml_stack_table *table, ml_stack_row row)
{
    if (ML_UNLIKELY(table->count >= table->max_count))
        reset(table);
    else if (ML_UNLIKELY(table->count >= table->capacity / 4 * 3) &&
             !set_rows(table, table->capacity * 2))
        reset(table);
    row.stack_id = table->next_id;
    if (!ml_buffer_append(&table->added, &row, sizeof row))
        return row.parent_id;
    insert(table, row);
    table->next_id++;
    table->total++;
    return row.stack_id;
}

uint32_t ml_stack_child(ml_stack_table *table, uint32_t parent_id, uint32_t code_id,
                        uint32_t instruction)
{
    if (ML_UNLIKELY(!table->rows))
        return parent_id;
    const uint32_t mask = table->capacity - 1;
    const ml_stack_row *rows = table->rows;
    uint32_t slot = home(table->capacity, parent_id, code_id, instruction);
    for (; rows[slot].stack_id; slot = (slot + 1) & mask)
        if (rows[slot].parent_id == parent_id && rows[slot].code_id == code_id &&
            rows[slot].instruction == instruction)
            return rows[slot].stack_id;
    return add(table, (ml_stack_row){0, parent_id, code_id, instruction});
}

/* Call stacks, each named once: a tree of (parent, code, instruction). The helper thread's alone:
 * it builds the tree from what threads tell it (ring.h), so that no thread of the program ever
 * waits for, or searches, a table of all stacks.
 *
 * The table is bounded. When it is full it is emptied and filled anew, with new ids: what was
 * written to the trace stays true, the reader merges what appears twice, and memory stays flat in
 * programs that never stop making new stacks. */
#ifndef MEMLYZE_STACK_TABLE_H
#define MEMLYZE_STACK_TABLE_H

#include "buffer.h"
#include "platform.h"

typedef struct {
    uint32_t stack_id, parent_id, code_id, instruction;
} ml_stack_row;

typedef struct {
    ml_stack_row *rows; /* open addressing; stack_id 0: empty */
    uint32_t count, capacity, max_count;
    uint32_t next_id;
    ml_buffer added; /* rows that are not in the trace yet */
    uint64_t total, resets;
    size_t mapped_bytes;
} ml_stack_table;

extern ML_INTERNAL ml_stack_table ml_stacks;

bool ml_stack_table_init(ml_stack_table *table, uint32_t max_count);
void ml_stack_table_clear(ml_stack_table *table);

/* Forgets all stacks but these, which keep their ids; of more than the bound, the last ones too. */
void ml_stack_table_hold(ml_stack_table *table, const ml_stack_row *rows, uint32_t count);

/* The stack of `code_id` at `instruction`, called from `parent_id`. When there is no memory for it:
 * the parent itself. */
uint32_t ml_stack_child(ml_stack_table *table, uint32_t parent_id, uint32_t code_id,
                        uint32_t instruction);

#endif

/* Call stacks and functions, each named once: the tree of stacks as (parent, code, instruction),
 * and copies of the code objects, so that nothing of the program is kept alive.
 *
 * The tables are bounded. When one is full it is emptied and filled anew, with new ids: what was
 * written to the trace stays true, the reader merges what appears twice, and memory stays flat in
 * programs that never stop making new stacks.
 *
 * Everything here is under `lock`, except `epoch`, which tells the threads' caches that something
 * they may have remembered is no longer so: a code object died (its address may be used again), or
 * the tables were emptied. */
#ifndef MEMLYZE_STACK_TABLE_H
#define MEMLYZE_STACK_TABLE_H

#include "buffer.h"
#include "platform.h"

#define ML_CODE_TRUNCATED 1 /* "<truncated>": frames below this are unknown */

typedef struct {
    uint32_t stack_id, parent_id, code_id, instruction;
} ml_stack_row;

typedef struct {
    ml_spinlock lock;
    _Atomic uint64_t epoch;

    ml_stack_row *stacks; /* open addressing; stack_id 0: empty */
    uint32_t stack_count, stack_capacity, max_stacks;
    uint32_t next_stack_id;

    struct ml_code_address {
        uintptr_t address; /* 0: empty */
        uint32_t code_id;
    } *code_addresses; /* live code objects */
    uint32_t code_address_count, code_address_capacity;

    struct ml_code_content {
        uint64_t hash; /* 0: empty */
        uint32_t code_id;
    } *code_contents; /* what was written, by content: equal code made again and again has one id */
    uint32_t code_content_count, code_content_capacity, max_codes;
    uint32_t next_code_id;

    /* Rows that the writer has not taken yet. Of codes: records as ml_code_begin lays them out. */
    ml_buffer new_stacks, new_codes;

    uint64_t resets, stacks_total, codes_total;
    _Atomic uint64_t truncated;  /* captures that found the stack too deep; not under the lock */
    uint32_t truncated_stack_id; /* the root of all stacks that were too deep */
    size_t mapped_bytes;
} ml_stack_table;

extern ML_INTERNAL ml_stack_table ml_stacks;

bool ml_stack_table_init(ml_stack_table *table, uint32_t max_stacks, uint32_t max_codes);
void ml_stack_table_clear(ml_stack_table *table);

/* The stack of `code_id` at `instruction`, called from `parent_id`. When there is no memory for it:
 * the parent itself. */
uint32_t ml_stack_child(ml_stack_table *table, uint32_t parent_id, uint32_t code_id,
                        uint32_t instruction);

/* The id of the code object at this address, 0 when it is not known. */
uint32_t ml_code_find(const ml_stack_table *table, uintptr_t address);

/* Describing a code object: begin, then its parts in the order name, file, line table, then finish
 * with the address. Record: u32 code_id, u32 first_line, u8 line_table_kind, u8 language, and three
 * times u32 length + bytes. */
typedef struct {
    size_t start;
    size_t part; /* where the length of the open part stands */
    bool failed;
} ml_code_record;
ml_code_record ml_code_begin(ml_stack_table *table, uint32_t first_line, uint8_t line_table_kind,
                             uint8_t language);
void ml_code_part(ml_stack_table *table, ml_code_record *record);
void ml_code_bytes(ml_stack_table *table, ml_code_record *record, const void *data, size_t size);
/* The code's id; 0 when there was no memory. `address` 0: not an object of the program. */
uint32_t ml_code_finish(ml_stack_table *table, ml_code_record *record, uintptr_t address);

/* The code object at this address was freed. Takes the lock itself. */
void ml_code_died(ml_stack_table *table, uintptr_t address);

#endif

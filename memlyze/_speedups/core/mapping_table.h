/* The recorded mappings of the program, in the order of their addresses.
 *
 * A block of malloc's is given back as it was had; a mapping need not be: a part of it can be
 * unmapped, moved, or mapped over, and one call can do that to many. So each entry stands for a
 * range of addresses that is one recorded allocation as a whole. Whoever changes a range takes out
 * the entries that it touches, one after the other, and puts in what is left of them as allocations
 * of their own.
 *
 * A treap (Seidel, Aragon 1996): a search tree by address that random priorities keep balanced.
 * Each step takes logarithmic time, however many mappings there are. */
#ifndef MEMLYZE_MAPPING_TABLE_H
#define MEMLYZE_MAPPING_TABLE_H

#include "platform.h"

typedef struct {
    uintptr_t start, end;
    uint64_t allocation_id;
    uint32_t allocator;
    uint8_t sampling; /* under which it was recorded */
} ml_mapping;

typedef struct {
    ml_mapping mapping;
    uint32_t priority;
    uint32_t left, right; /* numbers of nodes, 0: none. In a free node, `left` is the next one */
} ml_mapping_node;

typedef struct {
    ml_spinlock lock;
    const void *_Atomic holder; /* the thread that has the lock: a signal may make it come again */
    _Atomic uint32_t count;
    uint32_t root, free_nodes, used_nodes, capacity;
    uint64_t random_state;
    ml_mapping_node *nodes;
} ml_mapping_table;

extern ML_INTERNAL ml_mapping_table ml_mappings;

/* False: this thread has it already. */
bool ml_mapping_lock(ml_mapping_table *table, const void *thread);
void ml_mapping_unlock(ml_mapping_table *table);

/* The rest with the lock. */

/* Makes sure that so many entries more can be inserted. False: no memory. */
bool ml_mapping_reserve(ml_mapping_table *table, uint32_t entries);
/* Overlaps no other entry. */
void ml_mapping_insert(ml_mapping_table *table, ml_mapping mapping);
/* Takes out the first entry that has an address of [start, end). False: there is none. */
bool ml_mapping_take(ml_mapping_table *table, uintptr_t start, uintptr_t end, ml_mapping *taken);

void ml_mapping_table_clear(ml_mapping_table *table);
/* In a forked child: the lock may have been held by a thread that does not exist here. */
void ml_mapping_table_after_fork(ml_mapping_table *table);

#endif

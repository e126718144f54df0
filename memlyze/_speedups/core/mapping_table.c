#include "mapping_table.h"

#include "sampler.h"

#include <string.h>

#define FIRST_CAPACITY 256

ml_mapping_table ml_mappings;

bool ml_mapping_lock(ml_mapping_table *table, const void *thread)
{
    if (atomic_load_explicit(&table->holder, memory_order_relaxed) == thread)
        return false;
    ml_lock(&table->lock);
    atomic_store_explicit(&table->holder, thread, memory_order_relaxed);
    return true;
}

void ml_mapping_unlock(ml_mapping_table *table)
{
    atomic_store_explicit(&table->holder, NULL, memory_order_relaxed);
    ml_unlock(&table->lock);
}

/* ---- the tree
 * ------------------------------------------------------------------------------------------- */

static inline ml_mapping_node *at(const ml_mapping_table *table, uint32_t node)
{
    return &table->nodes[node];
}

/* All of `left` before all of `right`. */
static uint32_t join(ml_mapping_table *table, uint32_t left, uint32_t right)
{
    if (!left || !right)
        return left ? left : right;
    if (at(table, left)->priority > at(table, right)->priority) {
        at(table, left)->right = join(table, at(table, left)->right, right);
        return left;
    }
    at(table, right)->left = join(table, left, at(table, right)->left);
    return right;
}

/* Into those before an address, and those from it on. */
static void split(ml_mapping_table *table, uint32_t tree, uintptr_t address, uint32_t *before,
                  uint32_t *after)
{
    if (!tree) {
        *before = *after = 0;
    } else if (at(table, tree)->mapping.start < address) {
        *before = tree;
        split(table, at(table, tree)->right, address, &at(table, tree)->right, after);
    } else {
        *after = tree;
        split(table, at(table, tree)->left, address, before, &at(table, tree)->left);
    }
}

/* ---- entries
 * -------------------------------------------------------------------------------------------- */

bool ml_mapping_reserve(ml_mapping_table *table, uint32_t entries)
{
    /* Node 0 means none, so one is never used. Those on the free list come on top. */
    const uint64_t needed = (uint64_t)table->used_nodes + 1 + entries;
    if (needed <= table->capacity)
        return true;
    uint64_t capacity = table->capacity ? table->capacity : FIRST_CAPACITY;
    while (capacity < needed)
        capacity *= 2;
    ml_mapping_node *nodes = capacity <= UINT32_MAX ? ml_map(capacity * sizeof *nodes) : NULL;
    if (!nodes)
        return false;
    if (table->nodes)
        memcpy(nodes, table->nodes, table->capacity * sizeof *nodes);
    ml_unmap(table->nodes, table->capacity * sizeof *nodes);
    table->nodes = nodes;
    table->capacity = (uint32_t)capacity;
    return true;
}

void ml_mapping_insert(ml_mapping_table *table, ml_mapping mapping)
{
    uint32_t node = table->free_nodes, before, after;
    if (node)
        table->free_nodes = at(table, node)->left;
    else
        node = ++table->used_nodes;
    if (!table->random_state)
        table->random_state = 0x9e3779b97f4a7c15ull;
    *at(table, node) =
        (ml_mapping_node){mapping, (uint32_t)(ml_random(&table->random_state) >> 32), 0, 0};
    split(table, table->root, mapping.start, &before, &after);
    table->root = join(table, join(table, before, node), after);
    atomic_fetch_add_explicit(&table->count, 1, memory_order_relaxed);
}

bool ml_mapping_take(ml_mapping_table *table, uintptr_t start, uintptr_t end, ml_mapping *taken)
{
    uint32_t *link = &table->root, *found = NULL;
    while (*link) { /* the first one that ends behind the start */
        if (at(table, *link)->mapping.end > start) {
            found = link;
            link = &at(table, *link)->left;
        } else {
            link = &at(table, *link)->right;
        }
    }
    if (!found || at(table, *found)->mapping.start >= end)
        return false;
    const uint32_t node = *found;
    *taken = at(table, node)->mapping;
    *found = join(table, at(table, node)->left, at(table, node)->right);
    at(table, node)->left = table->free_nodes;
    table->free_nodes = node;
    atomic_fetch_sub_explicit(&table->count, 1, memory_order_relaxed);
    return true;
}

void ml_mapping_table_clear(ml_mapping_table *table)
{
    ml_lock(&table->lock);
    ml_unmap(table->nodes, table->capacity * sizeof *table->nodes);
    table->nodes = NULL;
    table->root = table->free_nodes = table->used_nodes = table->capacity = 0;
    atomic_store(&table->count, 0);
    ml_unlock(&table->lock);
}

void ml_mapping_table_after_fork(ml_mapping_table *table)
{
    atomic_store(&table->lock, 0);
    atomic_store(&table->holder, NULL);
    atomic_store(&table->count, 0);
}

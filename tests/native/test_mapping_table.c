/* core/mapping_table.c: the ranges of addresses that are mapped, against a table of single pages;
 * and core/mapping_stacks.c. */
#include <string.h>

#include "check.h"
#include "core/mapping_stacks.h"
#include "core/mapping_table.h"
#include "core/sampler.h"

#define PAGES 512

static uint64_t owner[PAGES]; /* id of the mapping that has the page, 0: none */
static uint64_t random_state = 42;

static uint64_t below(uint64_t limit)
{
    return ml_random(&random_state) % limit;
}

static void insert(uint64_t start, uint64_t end, uint64_t id)
{
    if (start >= end)
        return;
    CHECK(ml_mapping_reserve(&ml_mappings, 1));
    ml_mapping_insert(&ml_mappings, (ml_mapping){start, end, id, 4, 0});
    for (uint64_t page = start; page < end; page++)
        owner[page] = id;
}

static void test_entries_are_taken_as_they_overlap(void)
{
    uint64_t next_id = 1;
    for (int round = 0; round < 200000; round++) {
        const uint64_t start = below(PAGES), end = start + 1 + below(PAGES - start);
        ml_mapping taken;
        uint64_t last_start = 0;
        while (ml_mapping_take(&ml_mappings, start, end, &taken)) {
            CHECK(taken.start < end && taken.end > start); /* overlaps */
            CHECK(taken.start >= last_start);              /* in order, and none twice */
            last_start = taken.start;
            for (uint64_t page = taken.start; page < taken.end; page++) {
                CHECK(owner[page] == taken.allocation_id);
                owner[page] = 0;
            }
            insert(taken.start, start, next_id++);
            insert(end, taken.end, next_id++);
        }
        for (uint64_t page = start; page < end; page++)
            CHECK(owner[page] == 0);
        if (below(3))
            insert(start, end, next_id++);
    }
    ml_mapping_table_clear(&ml_mappings);
    memset(owner, 0, sizeof owner);
}

/* In an order that would make a list of a tree without balance. */
static void test_many_entries_stay_within_few_steps(void)
{
    const uintptr_t count = 200000;
    CHECK(ml_mapping_reserve(&ml_mappings, (uint32_t)count));
    for (uintptr_t i = 0; i < count; i++)
        ml_mapping_insert(&ml_mappings, (ml_mapping){i * 2, i * 2 + 1, i + 1, 4, 0});
    CHECK(ml_mappings.count == count);
    uint32_t deepest = 0;
    for (uintptr_t i = 0; i < count; i += 97) {
        uint32_t node = ml_mappings.root, depth = 0;
        while (node && ml_mappings.nodes[node].mapping.start != i * 2) {
            node = ml_mappings.nodes[node].mapping.start > i * 2 ? ml_mappings.nodes[node].left
                                                                 : ml_mappings.nodes[node].right;
            depth++;
        }
        CHECK(node);
        deepest = depth > deepest ? depth : deepest;
    }
    CHECK(deepest < 100); /* about 2 ln 200000 = 24 on average */
    ml_mapping taken;
    for (uintptr_t i = 0; i < count; i++)
        CHECK(ml_mapping_take(&ml_mappings, i * 2, i * 2 + 1, &taken) &&
              taken.allocation_id == i + 1);
    CHECK(ml_mappings.count == 0 && ml_mappings.used_nodes == count);
    CHECK(!ml_mapping_take(&ml_mappings, 0, UINTPTR_MAX, &taken));
    ml_mapping_table_clear(&ml_mappings);
}

static void test_a_thread_that_has_the_lock_does_not_wait_for_itself(void)
{
    int one, other;
    CHECK(ml_mapping_lock(&ml_mappings, &one));
    CHECK(!ml_mapping_lock(&ml_mappings, &one));
    ml_mapping_unlock(&ml_mappings);
    CHECK(ml_mapping_lock(&ml_mappings, &other));
    ml_mapping_table_after_fork(&ml_mappings);
    CHECK(ml_mapping_lock(&ml_mappings, &one));
    ml_mapping_unlock(&ml_mappings);
}

static void test_stacks_are_known_while_their_mappings_live(void)
{
    ml_mapping_stacks stacks = {0};
    CHECK(ml_mapping_stack(&stacks, 7) == 0);
    for (uint64_t id = 1; id <= 20000; id++)
        ml_mapping_stack_begins(&stacks, id, (uint32_t)id * 3);
    for (uint64_t id = 1; id <= 20000; id += 2)
        ml_mapping_stack_ends(&stacks, id);
    for (uint64_t id = 1; id <= 20000; id++)
        CHECK(ml_mapping_stack(&stacks, id) == (id % 2 ? 0 : id * 3));
    CHECK(stacks.count == 10000);
    /* An end may be read before its beginning: nothing stays. */
    ml_mapping_stack_ends(&stacks, 30001);
    CHECK(ml_mapping_stack(&stacks, 30001) == 0);
    ml_mapping_stack_begins(&stacks, 30001, 5);
    CHECK(ml_mapping_stack(&stacks, 30001) == 0 && stacks.count == 10000);
    ml_mapping_stacks_free(&stacks);
}

int main(void)
{
    test_entries_are_taken_as_they_overlap();
    test_many_entries_stay_within_few_steps();
    test_a_thread_that_has_the_lock_does_not_wait_for_itself();
    test_stacks_are_known_while_their_mappings_live();
    return 0;
}

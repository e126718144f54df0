#include "mapping_stacks.h"

#include <string.h>

typedef struct ml_mapping_stack entry;

static uint64_t find(const ml_mapping_stacks *stacks, uint64_t allocation_id)
{
    const uint64_t mask = stacks->capacity - 1;
    uint64_t slot = ml_mix(allocation_id) & mask;
    while (stacks->entries[slot].allocation_id &&
           stacks->entries[slot].allocation_id != allocation_id)
        slot = (slot + 1) & mask;
    return slot;
}

/* At most half full. False: no memory. */
static bool make_room(ml_mapping_stacks *stacks)
{
    if ((stacks->count + 1) * 2 <= stacks->capacity)
        return true;
    ml_mapping_stacks larger = {.capacity = stacks->capacity ? stacks->capacity * 2 : 256,
                                .count = stacks->count};
    larger.entries = ml_map(larger.capacity * sizeof(entry));
    if (!larger.entries)
        return false;
    for (uint64_t i = 0; i < stacks->capacity; i++)
        if (stacks->entries[i].allocation_id)
            larger.entries[find(&larger, stacks->entries[i].allocation_id)] = stacks->entries[i];
    ml_mapping_stacks_free(stacks);
    *stacks = larger;
    return true;
}

/* Closes the gap (Knuth, TAOCP 6.4, algorithm R). */
static void erase(ml_mapping_stacks *stacks, uint64_t slot)
{
    const uint64_t mask = stacks->capacity - 1;
    uint64_t gap = slot;
    for (uint64_t i = (slot + 1) & mask; stacks->entries[i].allocation_id; i = (i + 1) & mask) {
        const uint64_t home = ml_mix(stacks->entries[i].allocation_id) & mask;
        if (((i - home) & mask) >= ((i - gap) & mask)) {
            stacks->entries[gap] = stacks->entries[i];
            gap = i;
        }
    }
    memset(&stacks->entries[gap], 0, sizeof(entry));
    stacks->count--;
}

void ml_mapping_stack_begins(ml_mapping_stacks *stacks, uint64_t allocation_id, uint32_t stack_id)
{
    if (!make_room(stacks))
        return;
    const uint64_t slot = find(stacks, allocation_id);
    if (stacks->entries[slot].is_gone) {
        erase(stacks, slot);
        return;
    }
    stacks->count += stacks->entries[slot].allocation_id == 0;
    stacks->entries[slot] = (entry){allocation_id, stack_id, false};
}

uint32_t ml_mapping_stack(const ml_mapping_stacks *stacks, uint64_t allocation_id)
{
    return stacks->capacity ? stacks->entries[find(stacks, allocation_id)].stack_id : 0;
}

void ml_mapping_stack_ends(ml_mapping_stacks *stacks, uint64_t allocation_id)
{
    if (!make_room(stacks))
        return;
    const uint64_t slot = find(stacks, allocation_id);
    if (stacks->entries[slot].allocation_id) {
        erase(stacks, slot);
    } else {
        stacks->entries[slot] = (entry){allocation_id, 0, true};
        stacks->count++;
    }
}

void ml_mapping_stacks_free(ml_mapping_stacks *stacks)
{
    ml_unmap(stacks->entries, stacks->capacity * sizeof(entry));
    memset(stacks, 0, sizeof *stacks);
}

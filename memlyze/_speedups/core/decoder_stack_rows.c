/* What is made of merged stacks: the ids of other tables, and the stacks spelled out. */
#include <stdlib.h>

#include "decoder_stacks.h"

/* An array from file ids to merged ids, where they are dense enough; else NULL. */
static uint32_t *dense_ids(const ml_stacks *stacks, uint64_t *size)
{
    const ml_map *map = &stacks->stack_ids;
    uint64_t greatest = 0;
    for (size_t k = 0; map->slots != NULL && k <= map->mask; k++) {
        if (map->slots[k].value_plus_1 != 0 && map->slots[k].key > greatest) {
            greatest = map->slots[k].key;
        }
    }
    *size = greatest + 1;
    if (greatest > (uint64_t)map->used * 8 + 4096) {
        return NULL;
    }
    uint32_t *ids = calloc(*size, sizeof *ids);
    for (size_t k = 0; ids != NULL && map->slots != NULL && k <= map->mask; k++) {
        if (map->slots[k].value_plus_1 != 0) {
            ids[map->slots[k].key] = map->slots[k].value_plus_1 - 1;
        }
    }
    return ids;
}

uint64_t ml_stacks_remap(const ml_stacks *stacks, int32_t *ids, size_t count)
{
    uint64_t size;
    uint32_t *dense = dense_ids(stacks, &size);
    uint64_t unknown = 0;
    for (size_t k = 0; k < count; k++) {
        uint32_t id = (uint32_t)ids[k], merged = 0;
        if (dense != NULL) {
            merged = id < size ? dense[id] : 0;
        } else if (!ml_map_find(&stacks->stack_ids, id, &merged)) {
            merged = 0;
        }
        unknown += merged == 0 && id != 0;
        ids[k] = (int32_t)merged;
    }
    free(dense);
    return unknown;
}

uint64_t ml_stacks_spelled_rows(const ml_stacks *stacks)
{
    uint64_t rows = 0;
    for (uint32_t k = 0; k < stacks->stack_count; k++) {
        rows += stacks->stacks[k].depth;
    }
    return rows;
}

void ml_stacks_spell_out(const ml_stacks *stacks, int32_t *stack_id, int32_t *depth,
                         int32_t *frame_id)
{
    uint64_t row = 0;
    for (uint32_t k = 0; k < stacks->stack_count; k++) {
        int32_t below = 0;
        for (uint32_t at = k + 1; at != 0; at = stacks->stacks[at - 1].parent_id, row++) {
            stack_id[row] = (int32_t)(k + 1);
            depth[row] = below++;
            frame_id[row] = (int32_t)(stacks->stacks[at - 1].frame + 1);
        }
    }
}

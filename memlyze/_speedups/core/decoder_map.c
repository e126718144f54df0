#include "decoder_map.h"

#include <stdlib.h>
#include <time.h>

/* The finaliser of splitmix64. */
uint64_t ml_mix(uint64_t value)
{
    value ^= value >> 30;
    value *= 0xbf58476d1ce4e5b9u;
    value ^= value >> 27;
    value *= 0x94d049bb133111ebu;
    return value ^ value >> 31;
}

uint64_t ml_random_seed(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return ml_mix((uint64_t)now.tv_nsec ^ (uint64_t)now.tv_sec << 32 ^ (uint64_t)(uintptr_t)&now);
}

void ml_map_free(ml_map *map)
{
    free(map->slots);
    *map = (ml_map){0};
}

static ml_map_slot *slot_of(const ml_map *map, uint64_t key)
{
    size_t at = (size_t)ml_mix(key ^ map->seed) & map->mask;
    while (map->slots[at].value_plus_1 != 0 && map->slots[at].key != key) {
        at = (at + 1) & map->mask;
    }
    return &map->slots[at];
}

bool ml_map_find(const ml_map *map, uint64_t key, uint32_t *value)
{
    if (map->slots == NULL) {
        return false;
    }
    const ml_map_slot *slot = slot_of(map, key);
    *value = slot->value_plus_1 - 1;
    return slot->value_plus_1 != 0;
}

static ml_status grow(ml_map *map, ml_error *error)
{
    size_t slots = map->slots == NULL ? 1024 : (map->mask + 1) * 2;
    ml_map grown = {calloc(slots, sizeof *grown.slots), slots - 1, map->used,
                    map->slots == NULL ? ml_random_seed() : map->seed};
    if (grown.slots == NULL) {
        return ml_no_memory(error);
    }
    for (size_t k = 0; map->slots != NULL && k <= map->mask; k++) {
        if (map->slots[k].value_plus_1 != 0) {
            *slot_of(&grown, map->slots[k].key) = map->slots[k];
        }
    }
    free(map->slots);
    *map = grown;
    return ML_OK;
}

ml_status ml_map_intern(ml_map *map, uint64_t key, uint32_t fresh, uint32_t *value, bool *added,
                        ml_error *error)
{
    if (map->slots == NULL || map->used * 8 >= (map->mask + 1) * 5) {
        ml_status status = grow(map, error);
        if (status != ML_OK) {
            return status;
        }
    }
    ml_map_slot *slot = slot_of(map, key);
    *added = slot->value_plus_1 == 0;
    if (*added) {
        *slot = (ml_map_slot){key, fresh + 1};
        map->used++;
    }
    *value = slot->value_plus_1 - 1;
    return ML_OK;
}

#include "address_set.h"

#define FIRST_CAPACITY 1024

static uint64_t slot_of(const ml_address_set *set, uintptr_t number)
{
    uint64_t slot = ml_mix(number) & (set->capacity - 1);
    while (set->slots[slot] && set->slots[slot]->number != number)
        slot = (slot + 1) & (set->capacity - 1);
    return slot;
}

static bool grow(ml_address_set *set)
{
    const ml_address_set old = *set;
    set->capacity = old.capacity ? old.capacity * 2 : FIRST_CAPACITY;
    set->slots = ml_map(set->capacity * sizeof *set->slots);
    if (!set->slots) {
        *set = old;
        return false;
    }
    for (uint64_t i = 0; i < old.capacity; i++)
        if (old.slots[i])
            set->slots[slot_of(set, old.slots[i]->number)] = old.slots[i];
    ml_unmap(old.slots, old.capacity * sizeof *old.slots);
    return true;
}

ml_address_region *ml_address_region_needed(ml_address_set *set, uintptr_t address)
{
    const uintptr_t number = address >> ML_ADDRESS_REGION_BITS;
    if (set->count * 2 >= set->capacity && !grow(set))
        return NULL;
    const uint64_t slot = slot_of(set, number);
    if (!set->slots[slot]) {
        ml_address_region *region = ml_map(sizeof *region);
        if (!region)
            return NULL;
        region->number = number;
        set->slots[slot] = region;
        set->count++;
    }
    return set->last = set->slots[slot];
}

uint32_t ml_address_set_rank(ml_address_set *set)
{
    uint32_t rank = 0;
    for (uint64_t i = 0; i < set->capacity; i++) {
        ml_address_region *region = set->slots[i];
        for (size_t word = 0; region && word < ML_ADDRESS_WORDS; word++) {
            region->ranks[word] = rank;
            rank += (uint32_t)__builtin_popcountll(region->met[word]);
        }
    }
    return rank;
}

uint32_t ml_address_rank(ml_address_set *set, uintptr_t address)
{
    ml_address_region *region = set->last;
    if (!region || region->number != address >> ML_ADDRESS_REGION_BITS) {
        region = set->capacity ? set->slots[slot_of(set, address >> ML_ADDRESS_REGION_BITS)] : NULL;
        if (!region)
            return ML_ADDRESS_UNKNOWN;
        set->last = region;
    }
    const size_t word = ML_ADDRESS_WORD(address);
    const uint64_t bit = ML_ADDRESS_BIT(address);
    if (!(region->met[word] & bit))
        return ML_ADDRESS_UNKNOWN;
    return region->ranks[word] + (uint32_t)__builtin_popcountll(region->met[word] & (bit - 1));
}

void ml_address_set_free(ml_address_set *set)
{
    for (uint64_t i = 0; i < set->capacity; i++)
        ml_unmap(set->slots[i], sizeof **set->slots);
    ml_unmap(set->slots, set->capacity * sizeof *set->slots);
    *set = (ml_address_set){0};
}

uint64_t ml_address_set_bytes(const ml_address_set *set)
{
    return set->count * sizeof **set->slots + set->capacity * sizeof *set->slots;
}

/* The addresses of a heap graph: which were met, and a number for each, from 0 on without gaps.
 *
 * A bit for each eight bytes of a region of one MiB, found by a small hash table over regions:
 * neighbours share a cache line, where a hash table over addresses would cost a miss for each. */
#ifndef MEMLYZE_ADDRESS_SET_H
#define MEMLYZE_ADDRESS_SET_H

#include "platform.h"

#define ML_ADDRESS_REGION_BITS 20
#define ML_ADDRESS_WORDS 2048 /* of 64 times eight bytes */

typedef struct {
    uintptr_t number; /* address >> ML_ADDRESS_REGION_BITS */
    uint64_t met[ML_ADDRESS_WORDS];
    uint64_t named[ML_ADDRESS_WORDS];
    uint32_t ranks[ML_ADDRESS_WORDS]; /* the number of the first address in each word */
} ml_address_region;

typedef struct {
    ml_address_region **slots; /* by hash */
    uint64_t capacity, count;
    ml_address_region *last;
} ml_address_set;

/* Makes the region of an address if need be. NULL: no memory. */
ml_address_region *ml_address_region_needed(ml_address_set *set, uintptr_t address);
/* To be called when all were met: from now on ml_address_rank answers. How many they are. */
uint32_t ml_address_set_rank(ml_address_set *set);
void ml_address_set_free(ml_address_set *set);
uint64_t ml_address_set_bytes(const ml_address_set *set);

#define ML_ADDRESS_UNKNOWN UINT32_MAX
/* The number of an address; ML_ADDRESS_UNKNOWN: it was not met. */
uint32_t ml_address_rank(ml_address_set *set, uintptr_t address);

ML_INLINE ml_address_region *ml_address_region_of(ml_address_set *set, uintptr_t address)
{
    if (ML_LIKELY(set->last && set->last->number == address >> ML_ADDRESS_REGION_BITS))
        return set->last;
    return ml_address_region_needed(set, address);
}

#define ML_ADDRESS_WORD(address) ((address) >> 9 & (ML_ADDRESS_WORDS - 1))
#define ML_ADDRESS_BIT(address) ((uint64_t)1 << ((address) >> 3 & 63))

/* Puts an address in. False: it was there, or (`*failed` is then set) there is no memory. */
ML_INLINE bool ml_address_meet(ml_address_set *set, uintptr_t address, bool *failed)
{
    ml_address_region *region = ml_address_region_of(set, address);
    if (ML_UNLIKELY(!region)) {
        *failed = true;
        return false;
    }
    uint64_t *word = &region->met[ML_ADDRESS_WORD(address)];
    const uint64_t bit = ML_ADDRESS_BIT(address);
    if (*word & bit)
        return false;
    *word |= bit;
    return true;
}

/* The same for the second kind of mark that an address can have. */
ML_INLINE bool ml_address_name(ml_address_set *set, uintptr_t address, bool *failed)
{
    ml_address_region *region = ml_address_region_of(set, address);
    if (ML_UNLIKELY(!region)) {
        *failed = true;
        return false;
    }
    uint64_t *word = &region->named[ML_ADDRESS_WORD(address)];
    const uint64_t bit = ML_ADDRESS_BIT(address);
    if (*word & bit)
        return false;
    *word |= bit;
    return true;
}

#endif

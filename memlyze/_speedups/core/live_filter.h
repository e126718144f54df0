/* "Surely not recorded" to nearly every free, where few or some allocations are recorded: a bit for
 * each hash of an address, all of them so small that they stay in the first-level cache, and behind
 * it two counts for a second look.
 *
 * Without a recording the bits are zero throughout, where there are entries or marks to ask they
 * are one throughout: so their one load is all that a free costs in the first case, and asks
 * nothing in the second. */
#ifndef MEMLYZE_LIVE_FILTER_H
#define MEMLYZE_LIVE_FILTER_H

#include "platform.h"

/* Of bits: words that are a power of two less one. The fewer samples, the fewer are in use. */
#define ML_FILTER_WORDS 512
#define ML_FILTER_WORDS_FEW 256
#define ML_FILTER_COUNTS (ML_FILTER_WORDS * 64 * 2)
extern ML_INTERNAL uint64_t ml_filter[ML_FILTER_WORDS];
extern ML_INTERNAL uint64_t ml_filter_mask;
/* Two for each bit. Those that reach 255 stay there. */
extern ML_INTERNAL uint8_t ml_filter_counts[ML_FILTER_COUNTS];

ML_INLINE uint64_t ml_filter_hash(uintptr_t address)
{
    return ((uint64_t)address >> 4) * 0x9e3779b97f4a7c15ull;
}

/* What a free asks before anything else. */
ML_INLINE bool ml_filter_may_hold(uint64_t hash)
{
    const uint64_t word =
        __atomic_load_n(&ml_filter[hash >> 55 & ml_filter_mask], __ATOMIC_RELAXED);
    return ML_UNLIKELY(word >> (hash >> 49 & 63) & 1);
}

ML_INLINE uint8_t *ml_filter_count(uint64_t hash)
{
    return &ml_filter_counts[hash >> 48 & (ml_filter_mask << 7 | 127)];
}

/* The second look, at what the bits let pass. */
ML_INLINE bool ml_filter_may_still_hold(uint64_t hash)
{
    return __atomic_load_n(ml_filter_count(hash), __ATOMIC_RELAXED) != 0;
}

/* What is counted with one word of bits is counted under one lock. */
#define ML_FILTER_LOCKS 64
ML_INLINE uint64_t ml_filter_lock(uint64_t hash)
{
    return hash >> 57 & (ML_FILTER_LOCKS - 1);
}

/* One more, or one less. Under that lock. */
ML_INLINE void ml_filter_change(uint64_t hash, int change)
{
    uint8_t *count = ml_filter_count(hash);
    if (ML_UNLIKELY(*count == 255))
        return;
    __atomic_store_n(count, (uint8_t)(*count + change), __ATOMIC_RELAXED);
    const uint8_t *pair = &ml_filter_counts[(count - ml_filter_counts) & ~(ptrdiff_t)1];
    uint64_t *word = &ml_filter[hash >> 55 & ml_filter_mask];
    const uint64_t bit = (uint64_t)1 << (hash >> 49 & 63);
    __atomic_store_n(word, pair[0] | pair[1] ? *word | bit : *word & ~bit, __ATOMIC_RELAXED);
}

#endif

/* Which recorded allocation is at this address? Asked at every free, so the answer has to be cheap
 * when it is "none" and when it is the common small object.
 *
 * Three structures, all keyed by address:
 *
 * - `direct` (exact recording only): entries of 8 bytes, found by address alone, in four tiers. The
 * first has an entry for each 16-byte granule and holds blocks of at most 64 bytes, the next ones
 * have granules and blocks four times as large: 64 bytes and 256, 256 and 1024, 1024 and 4096. A
 * block is larger than the granules of its tier, so no two live ones share an entry; it is at most
 * four times as large, so an entry costs at most 8 bytes a granule, 32 bytes a block, whatever its
 * size. Neighbouring objects have neighbouring entries, and since a block belongs to whoever holds
 * it, no lock is needed.
 * - `hash`: everything else, in shards with a lock each, 16 bytes an entry.
 * - two filters, a counter per hash of the address, which say "surely not recorded" to nearly every
 * free. With few samples the first is so small that it stays in the first-level cache, and the
 * second is asked when the first does not know; with many samples there is one, of middle size.
 * Counters that reach 255 stay there. Without a recording the first filter is zero throughout, in
 * an exact one it is 255 throughout: so its one load is all that a free costs in the first case,
 * and asks nothing in the second.
 *
 * `direct` needs a large unreserved mapping. Where that cannot be had (address-space limits), or an
 * address lies outside of it, the hash takes over.
 *
 * An entry also remembers the block's size (for the live heap), and whether a code object that the
 * stack table knows lives there: code dies by being freed, and this is where that is noticed, on
 * every CPython version alike. */
#ifndef MEMLYZE_LIVE_TABLE_H
#define MEMLYZE_LIVE_TABLE_H

#include "platform.h"

#define ML_DIRECT_TIERS 4
#define ML_DIRECT_MAX_SIZE 4096
#define ML_DIRECT_ADDRESS_BITS 47
/* The entries of all tiers for one MiB of addresses lie together. */
#define ML_REGION_BITS 20
#define ML_REGION_TIER_ENTRIES(tier) ((size_t)1 << (ML_REGION_BITS - 4 - 2 * (tier)))
#define ML_REGION_ENTRIES (65536 + 16384 + 4096 + 1024)
#define ML_SHARDS 64
/* 43 bits of id: at 10 million allocations a second, ten days. */
#define ML_MAX_ALLOCATION_ID (((uint64_t)1 << 43) - 1)

typedef struct {
    uint64_t allocation_id; /* 0: none, the block is only known as a code object */
    size_t size;
    bool is_code;
} ml_live;

/* A block's size as an entry keeps it: exact below 512 MiB, from there on in whole pages of 4 KiB.
 */
#define ML_LARGE_SIZE ((size_t)1 << 29)
ML_INLINE size_t ml_live_size(size_t size)
{
    const size_t largest = (ML_LARGE_SIZE - 1) << 12; /* 2 TiB */
    return ML_LIKELY(size < ML_LARGE_SIZE) ? size : (size < largest ? size : largest) >> 12 << 12;
}

typedef struct {
    uint64_t address_and_size; /* address >> 3 in the low 54 bits, bits 20..29 of the size above; 0:
                                  empty */
    uint64_t
        id_and_size; /* id in the low 43 bits, is_code in bit 43, bits 0..19 of the size above */
} ml_hash_entry;

typedef struct {
    ml_spinlock lock;
    uint32_t count;
    uint64_t capacity; /* a power of two, 0 before the first entry */
    ml_hash_entry *entries;
} __attribute__((aligned(64))) ml_shard;

/* Kinds of recording, by how many blocks the table has to know. */
typedef enum { ML_LIVE_EXACT, ML_LIVE_FEW_SAMPLES, ML_LIVE_MANY_SAMPLES } ml_live_kind;

#define ML_FILTER_MAX_BITS 18
extern ML_INTERNAL uint8_t ml_first_filter[1 << ML_FILTER_MAX_BITS]; /* its beginning is in use */
extern ML_INTERNAL uint32_t ml_first_filter_shift;

typedef struct {
    _Atomic(uint64_t *) *regions;     /* of `direct`; NULL: not in use */
    _Atomic(uint64_t *) used_regions; /* chain of all regions */
    /* An address that has one of these bits has no direct entry: those beyond the table, those not
     * aligned to a granule; all bits when the direct table is not in use. */
    uint64_t no_direct_bits;
    bool exact;
    /* Set when the hooks were found removed for a while: entries may then be stale. */
    _Atomic bool unhooked_frees_possible;
    uint8_t *second_filter; /* made for the first recording that wants it, and kept */
    bool has_second_filter;
    _Atomic int64_t mapped_bytes;
    ml_shard shards[ML_SHARDS];
} ml_live_table;

/* False when memory for a filter could not be had. */
bool ml_live_table_init(ml_live_table *table, ml_live_kind kind);
/* Forgets all entries and gives their memory back; safe against a late look-up in another thread.
 */
void ml_live_table_clear(ml_live_table *table);
/* In a forked child: the locks may have been held by threads that do not exist here. */
void ml_live_table_after_fork(ml_live_table *table);

/* Enters a block. True when another entry was still at that address (its free was never seen): it
 * is in *stale. False also when memory for the table could not be had; then *inserted is false. */
ML_INLINE bool ml_live_table_insert(ml_live_table *table, uintptr_t address, ml_live live,
                                    ml_live *stale, bool *inserted);
/* Removes the block at this address and tells what it was. False: not recorded. */
ML_INLINE bool ml_live_table_take(ml_live_table *table, uintptr_t address, ml_live *taken);
/* Notes that a known code object is at this address, recorded or not. */
bool ml_live_table_mark_code(ml_live_table *table, uintptr_t address);

ML_INLINE uint64_t ml_filter_hash(uintptr_t address)
{
    return ((uint64_t)address >> 4) * 0x9e3779b97f4a7c15ull;
}

/* False: surely not recorded. What a free asks before anything else. */
ML_INLINE bool ml_live_table_may_hold(uintptr_t address)
{
    const uint8_t *counter = &ml_first_filter[ml_filter_hash(address) >> ml_first_filter_shift];
    return ML_UNLIKELY(__atomic_load_n(counter, __ATOMIC_RELAXED) != 0);
}

/* The direct entries around an address, NULL where there are none (not in use, region never used,
 * address outside). */
ML_INLINE uint64_t *ml_direct_region(const ml_live_table *table, uintptr_t address)
{
    if (ML_UNLIKELY(address & table->no_direct_bits))
        return NULL;
    return atomic_load_explicit(&table->regions[address >> ML_REGION_BITS], memory_order_acquire);
}

ML_INLINE int ml_direct_tier(size_t size)
{
    return size <= 64 ? 0 : size <= 256 ? 1 : size <= 1024 ? 2 : 3;
}

ML_INLINE uint64_t *ml_direct_entry(uint64_t *region, uintptr_t address, int tier)
{
    static const uint32_t first[ML_DIRECT_TIERS] = {0, 65536, 65536 + 16384, 65536 + 16384 + 4096};
    return &region[first[tier] +
                   ((address >> (4 + 2 * tier)) & (ML_REGION_TIER_ENTRIES(tier) - 1))];
}

/* Direct entries: id in bits 0..42, is_code in 43, where in its granule the block begins (bits 4..9
 * of the address) in 44..49, size in 50..63. 0: empty. */
ML_INLINE uint64_t ml_direct_pack(uintptr_t address, ml_live live)
{
    return live.allocation_id | (uint64_t)live.is_code << 43 | ((uint64_t)address >> 4 & 63) << 44 |
           (uint64_t)live.size << 50;
}

ML_INLINE ml_live ml_direct_unpack(uint64_t entry)
{
    ml_live live = {entry & ML_MAX_ALLOCATION_ID, entry >> 50, entry >> 43 & 1};
    return live;
}

/* Whether the entry, of the granule that holds this address, is of a block that begins there. */
ML_INLINE bool ml_direct_is_at(uint64_t entry, uintptr_t address)
{
    return entry != 0 && ((entry >> 44 ^ (uint64_t)address >> 4) & 63) == 0;
}

/* The rest of the two below: everything but a small block with a direct entry. */
bool ml_live_table_insert_slowly(ml_live_table *table, uintptr_t address, ml_live live,
                                 ml_live *stale, bool *inserted);
bool ml_live_table_take_slowly(ml_live_table *table, uintptr_t address, ml_live *taken);

ML_INLINE bool ml_live_table_insert(ml_live_table *table, uintptr_t address, ml_live live,
                                    ml_live *stale, bool *inserted)
{
    uint64_t *region = ml_direct_region(table, address);
    if (ML_LIKELY(region && live.size <= ML_DIRECT_MAX_SIZE) &&
        ML_LIKELY(!table->unhooked_frees_possible)) {
        uint64_t *entry = ml_direct_entry(region, address, ml_direct_tier(live.size));
        if (ML_LIKELY(__atomic_load_n(entry, __ATOMIC_RELAXED) == 0)) {
            __atomic_store_n(entry, ml_direct_pack(address, live), __ATOMIC_RELAXED);
            *inserted = true;
            return false;
        }
    }
    return ml_live_table_insert_slowly(table, address, live, stale, inserted);
}

ML_INLINE bool ml_live_table_take(ml_live_table *table, uintptr_t address, ml_live *taken)
{
    uint64_t *region = ml_direct_region(table, address);
    if (ML_LIKELY(region != NULL)) {
        for (int tier = 0; tier < 2; tier++) { /* where nearly all objects are */
            uint64_t *entry = ml_direct_entry(region, address, tier);
            const uint64_t value = __atomic_load_n(entry, __ATOMIC_RELAXED);
            if (ML_LIKELY(ml_direct_is_at(value, address))) {
                __atomic_store_n(entry, 0, __ATOMIC_RELAXED);
                *taken = ml_direct_unpack(value);
                return true;
            }
        }
    }
    return ml_live_table_take_slowly(table, address, taken);
}

#endif

/* Which recorded allocation is at this address? Asked at every free, so the answer has to be cheap
 * when it is "none" and when it is the common small object.
 *
 * All structures are keyed by address:
 *
 * - `direct` (where every allocation is recorded): entries of 8 bytes, found by address alone, in
 * four tiers. The first has an entry for each 16-byte granule and holds blocks of less than 64
 * bytes, the next ones have granules of 64, 256 and 1024 bytes and hold blocks of less than 256,
 * 1024 and 4096. A block is no smaller than the granules of its tier (those of the first are what
 * allocators align to), so no two live ones share an entry; it is less than four times as large, so
 * entries cost at most 32 bytes a block, whatever its size. Neighbouring objects have neighbouring
 * entries, and since a block belongs to whoever holds it, no lock is needed.
 * - `marks` (where many allocations are recorded, but not all): a byte for each 16-byte granule,
 * not zero where a recorded block begins. One load beside its neighbours' tells the frees of all
 * other blocks that they are not recorded. The mark also says where the block's entry is: each 4
 * KiB of addresses have 32 entries, of the same form as direct ones, near which their blocks'
 * are in the order of their addresses. So entries of neighbours share cache lines, and one is found
 * without a search.
 * - `hash`: everything else (live_hash.h). Where few or some allocations are recorded all of them
 * are there, behind a filter (live_filter.h).
 *
 * `direct` and `marks` need a large unreserved mapping. Where that cannot be had (address-space
 * limits), or an address lies outside of it, the hash takes over.
 *
 * An entry also remembers the block's size (for the live heap), and whether its free is watched
 * for: what stands for a thread's anchor lives there. It dies by being freed, and this is where
 * that is noticed. And where the sampling changes it remembers under which one the block was
 * recorded, of which there is one alone where there are direct entries or marks. */
#ifndef MEMLYZE_LIVE_TABLE_H
#define MEMLYZE_LIVE_TABLE_H

#include "live_hash.h"
#include "platform.h"
#include "ring.h"

#define ML_DIRECT_SIZE_LIMIT ML_SMALL_FREE_LIMIT
#define ML_DIRECT_ADDRESS_BITS 47
#define ML_REGION_BITS 20 /* a region is one MiB of addresses */
#define ML_REGION_BYTES ((uintptr_t)1 << ML_REGION_BITS)
/* The entries of all tiers lie in one array, that of granules of 2^shift bytes at 2^(20 - shift) to
 * twice that. Between them, and before the first, are gaps that are never touched. */
#define ML_REGION_ENTRIES (2 << (ML_REGION_BITS - 4))
#define ML_REGION_MARKS ((size_t)1 << (ML_REGION_BITS - 4))

/* Entries of each page of addresses, where there are marks: in the room of the direct ones. */
#define ML_PAGE_BITS 12
#define ML_PAGE_ENTRIES 32
#define ML_FIRST_PAGE_ENTRY (ML_REGION_ENTRIES / 2)
/* A mark is 0, the number of the block's entry in its page, from 1 on, or: */
#define ML_MARK_HASHED 255

/* Kinds of recording, by how many blocks the table has to know: all, one in some thousands, one in
 * a hundred, one in ten. */
typedef enum {
    ML_LIVE_EXACT,
    ML_LIVE_FEW_SAMPLES,
    ML_LIVE_SOME_SAMPLES,
    ML_LIVE_MANY_SAMPLES
} ml_live_kind;

typedef struct ml_region {
    union {
        struct ml_region *next; /* in the chain of all; in a gap */
        uint64_t entries[ML_REGION_ENTRIES];
    };
    uint8_t marks[ML_REGION_MARKS];
} ml_region;

typedef struct {
    _Atomic(ml_region *) *regions; /* by address */
    _Atomic(ml_region *) used_regions;
    /* An address that has one of these bits has no region: those beyond the table, those not
     * aligned to a granule; all bits when there is no such table. */
    uint64_t no_region_bits;
    /* The same for direct entries: all bits when there are none. */
    uint64_t no_direct_bits;
    /* The same for marks. */
    uint64_t no_mark_bits;
    /* The same for insertions of the usual kind: all bits when entries may be stale, too. */
    _Atomic uint64_t no_quick_insert_bits;
    ml_live_kind kind;
    /* Set when the hooks were found removed for a while: entries may then be stale. */
    _Atomic bool unhooked_frees_possible;
    _Atomic uint32_t region_count;
    ml_live_hash hash;
} ml_live_table;

void ml_live_table_init(ml_live_table *table, ml_live_kind kind);
/* Forgets all entries and gives their memory back; safe against a late look-up in another thread.
 */
void ml_live_table_clear(ml_live_table *table);
/* Bytes of memory in the regions, as far as they were touched: asks the system, some microseconds a
 * region. */
int64_t ml_live_table_region_bytes(ml_live_table *table);
/* The hooks were found removed for a while: entries may be stale. */
void ml_live_table_expect_stale(ml_live_table *table);
/* In a forked child: the locks may have been held by threads that do not exist here. */
void ml_live_table_after_fork(ml_live_table *table);

/* Enters a block. True when another entry was still at that address (its free was never seen): it
 * is in *stale. False also when memory for the table could not be had; then *inserted is false. */
bool ml_live_table_insert(ml_live_table *table, uintptr_t address, ml_live live, ml_live *stale,
                          bool *inserted);
/* Removes the block at this address and tells what it was. False: not recorded. */
bool ml_live_table_take(ml_live_table *table, uintptr_t address, ml_live *taken);
/* The id of the recorded block at this address, which must not be freed meanwhile; 0: none was
 * recorded. */
uint64_t ml_live_table_find(ml_live_table *table, uintptr_t address);
/* The free of the block at this address is to be told, recorded or not. */
bool ml_live_table_watch(ml_live_table *table, uintptr_t address);

/* False: surely not recorded. What a free asks before anything else. */
ML_INLINE bool ml_live_table_may_hold(uintptr_t address)
{
    return ml_filter_may_hold(ml_filter_hash(address));
}

/* Whether the filter is of this kind of recording: otherwise it holds nobody up. */
ML_INLINE bool ml_live_table_is_filtered(const ml_live_table *table)
{
    return table->hash.is_filtered;
}

/* The second look, at what the filter let pass. False: surely not recorded. */
ML_INLINE bool ml_live_table_may_still_hold(const ml_live_table *table, uintptr_t address)
{
    return !ml_live_table_is_filtered(table) || ml_filter_may_still_hold(ml_filter_hash(address));
}

/* The region of an address that has one (no_region_bits); NULL: nothing in it was recorded yet. */
ML_INLINE ml_region *ml_region_of(const ml_live_table *table, uintptr_t address)
{
    return atomic_load_explicit(&table->regions[address >> ML_REGION_BITS], memory_order_acquire);
}

/* Granules of the tier for blocks of this size, as a shift: 4, 6, 8, 10. */
ML_INLINE int ml_direct_shift(size_t size)
{
    return (63 - __builtin_clzll(size | 32)) & ~1;
}

ML_INLINE uint64_t *ml_direct_entry(ml_region *region, uintptr_t address, int shift)
{
    return &region->entries[((address & (ML_REGION_BYTES - 1)) | ML_REGION_BYTES) >> shift];
}

ML_INLINE uint8_t *ml_direct_mark(ml_region *region, uintptr_t address)
{
    return &region->marks[(address & (ML_REGION_BYTES - 1)) >> 4];
}

/* A direct entry is the word that the free of its block will put into the ring: ML_WORD_FREE, the
 * id, the size. Bits that are of no account there, 46..51, say where in its granule the block
 * begins (bits 4..9 of the address); the lowest is set when the free is watched for. 0: empty. */
#define ML_DIRECT_WATCHED ((uint64_t)1)
ML_INLINE uint64_t ml_direct_pack(uintptr_t address, uint64_t allocation_id, size_t size)
{
    return ML_WORD_FREE | allocation_id << 3 | ((uint64_t)address >> 4 & 63) << 46 |
           (uint64_t)size << 52;
}
#define ML_DIRECT_SIZE(entry) ML_WORD_FREED_SIZE(entry)
ML_INLINE ml_live ml_direct_unpack(uint64_t entry)
{
    const ml_live live = {ML_WORD_FREED_ID(entry), ML_DIRECT_SIZE(entry),
                          (entry & ML_DIRECT_WATCHED) != 0, 0};
    return live;
}

/* Whether the entry, of the granule that holds this address, is of a block that begins there. */
ML_INLINE bool ml_direct_is_at(uint64_t entry, uintptr_t address)
{
    return entry != 0 && ((entry >> 46 ^ (uint64_t)address >> 4) & 63) == 0;
}

/* Where the entry of a new block of the usual kind will be; NULL: insert it with the function
 * above. Found out early, so that the processor can fetch it in the meantime. */
ML_INLINE uint64_t *ml_live_table_new_entry(const ml_live_table *table, uintptr_t address,
                                            size_t size)
{
    if (ML_UNLIKELY(
            (address & atomic_load_explicit(&table->no_quick_insert_bits, memory_order_relaxed)) ||
            size >= ML_DIRECT_SIZE_LIMIT))
        return NULL;
    ml_region *region = ml_region_of(table, address);
    if (ML_UNLIKELY(!region))
        return NULL;
    uint64_t *entry = ml_direct_entry(region, address, ml_direct_shift(size));
    __builtin_prefetch(entry, 1);
    return entry;
}

/* False: there is no such entry, or another block has it still. */
ML_INLINE bool ml_live_table_insert_directly(uint64_t *entry, uintptr_t address,
                                             uint64_t allocation_id, size_t size)
{
    if (ML_UNLIKELY(!entry || __atomic_load_n(entry, __ATOMIC_RELAXED) != 0))
        return false;
    __atomic_store_n(entry, ml_direct_pack(address, allocation_id, size), __ATOMIC_RELAXED);
    return true;
}

/* False: surely not recorded. The same question as ml_live_table_may_hold, answered better where
 * there are marks; elsewhere always true. */
ML_INLINE bool ml_live_table_may_be_marked(const ml_live_table *table, uintptr_t address)
{
    if (ML_UNLIKELY(address & table->no_mark_bits))
        return true;
    ml_region *region = ml_region_of(table, address);
    return region &&
           ML_UNLIKELY(__atomic_load_n(ml_direct_mark(region, address), __ATOMIC_RELAXED) != 0);
}

/* The entry that a mark tells of. */
ML_INLINE uint64_t *ml_page_entry(ml_region *region, uintptr_t address, uint8_t mark)
{
    const size_t page = (address & (ML_REGION_BYTES - 1)) >> ML_PAGE_BITS;
    return &region->entries[ML_FIRST_PAGE_ENTRY + page * ML_PAGE_ENTRIES + mark - 1];
}

/* The entry in its page at which a block has its turn: they are spread as the blocks are. */
ML_INLINE uint64_t *ml_first_page_entry(ml_region *region, uintptr_t address)
{
    const uintptr_t in_page = address & (((uintptr_t)1 << ML_PAGE_BITS) - 1);
    const uintptr_t at = in_page / (((uintptr_t)1 << ML_PAGE_BITS) / ML_PAGE_ENTRIES);
    return ml_page_entry(region, address, (uint8_t)(at + 1));
}

/* Takes an empty entry in a page; another thread may be about to take it, too. */
ML_INLINE bool ml_page_entry_fill(uint64_t *entry, uint64_t value)
{
    uint64_t empty = 0;
    return __atomic_load_n(entry, __ATOMIC_RELAXED) == 0 &&
           __atomic_compare_exchange_n(entry, &empty, value, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

/* Enters a small block where there are marks, in the usual case. False: use the function above. */
ML_INLINE bool ml_live_table_insert_marked(ml_live_table *table, uintptr_t address,
                                           uint64_t allocation_id, size_t size)
{
    if (ML_UNLIKELY((address & table->no_mark_bits) || size >= ML_DIRECT_SIZE_LIMIT ||
                    table->unhooked_frees_possible))
        return false;
    ml_region *region = ml_region_of(table, address);
    uint8_t *mark = region ? ml_direct_mark(region, address) : NULL;
    if (ML_UNLIKELY(!mark || *mark != 0))
        return false;
    uint64_t *entry = ml_first_page_entry(region, address);
    if (!ml_page_entry_fill(entry, ml_direct_pack(address, allocation_id, size)))
        return false;
    __atomic_store_n(mark, (uint8_t)(entry - ml_page_entry(region, address, 0)), __ATOMIC_RELAXED);
    return true;
}

/* Lets the processor fetch what the insertion of this block will need, where not all are recorded.
 */
ML_INLINE void ml_live_table_prefetch(ml_live_table *table, uintptr_t address)
{
    if (ml_live_table_is_filtered(table)) {
        ml_live_hash_prefetch(&table->hash, address);
        return;
    }
    ml_region *region =
        ML_UNLIKELY(address & table->no_mark_bits) ? NULL : ml_region_of(table, address);
    if (ML_UNLIKELY(!region))
        return;
    __builtin_prefetch(ml_direct_mark(region, address), 1);
    __builtin_prefetch(ml_first_page_entry(region, address), 1);
}

/* Where an address has a mark: its entry, 0 when it has none outside of the hash. */
ML_INLINE uint64_t ml_live_table_take_marked(ml_live_table *table, uintptr_t address)
{
    ml_region *region = ml_region_of(table, address);
    uint8_t *mark = region ? ml_direct_mark(region, address) : NULL;
    if (ML_UNLIKELY(!mark || *mark == 0 || *mark == ML_MARK_HASHED))
        return 0;
    uint64_t *entry = ml_page_entry(region, address, *mark);
    const uint64_t value = __atomic_load_n(entry, __ATOMIC_RELAXED);
    __atomic_store_n(mark, 0, __ATOMIC_RELAXED);
    /* What another thread puts there next is after this. */
    __atomic_store_n(entry, 0, __ATOMIC_RELEASE);
    return value;
}

/* The usual cases of a removal: the entry. 0: ask the function above. */
ML_INLINE uint64_t ml_live_table_take_directly(ml_live_table *table, uintptr_t address)
{
    if (ML_UNLIKELY(address & table->no_direct_bits))
        return address & table->no_mark_bits ? 0 : ml_live_table_take_marked(table, address);
    ml_region *region = ml_region_of(table, address);
    if (ML_UNLIKELY(!region))
        return 0;
    /* Where nearly all objects are. In the first tier an entry is of no other block. */
    uint64_t *entry = ml_direct_entry(region, address, 4);
    uint64_t value = __atomic_load_n(entry, __ATOMIC_RELAXED);
    if (value == 0) {
        entry = ml_direct_entry(region, address, 6);
        value = __atomic_load_n(entry, __ATOMIC_RELAXED);
        if (ML_UNLIKELY(!ml_direct_is_at(value, address)))
            return 0;
    }
    __atomic_store_n(entry, 0, __ATOMIC_RELAXED);
    return value;
}

#endif

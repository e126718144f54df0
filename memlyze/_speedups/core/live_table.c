#include "live_table.h"

#include "resident_pages.h"

#include <string.h>

#define REGION_COUNT ((size_t)1 << (ML_DIRECT_ADDRESS_BITS - ML_REGION_BITS))
#define REGIONS_BYTES (REGION_COUNT * sizeof(ml_region *))
/* NULL has none of the bits that an address must not have to be looked up: it finds no region here.
 */
static _Atomic(ml_region *) no_regions[1];
#define PAGE_BYTES 4096
#define FIRST_PAGE_ENTRIES                                                                         \
    (PAGE_BYTES / sizeof(uint64_t)) /* all in the gap before the first tier */
/* How far from where a block's entry would be first in its page one is looked for. */
#define PAGE_ENTRIES_TRIED 8

void ml_live_table_init(ml_live_table *table, ml_live_kind kind)
{
    const bool by_address = kind == ML_LIVE_EXACT || kind == ML_LIVE_MANY_SAMPLES;
    table->kind = kind;
    table->hash.is_filtered = !by_address;
    if (!table->regions)
        table->regions = no_regions;
    if (by_address && table->regions == no_regions) {
        _Atomic(ml_region *) *regions = ml_map(REGIONS_BYTES);
        if (regions)
            table->regions = regions;
    }
    table->no_region_bits = by_address && table->regions != no_regions
                                ? ~(((uint64_t)1 << ML_DIRECT_ADDRESS_BITS) - 1) | 15
                                : UINT64_MAX;
    atomic_store(&table->unhooked_frees_possible, false);
    table->no_mark_bits = kind == ML_LIVE_MANY_SAMPLES ? table->no_region_bits : UINT64_MAX;
    table->no_direct_bits = kind == ML_LIVE_EXACT ? table->no_region_bits : UINT64_MAX;
    atomic_store(&table->no_quick_insert_bits, table->no_direct_bits);
    ml_filter_mask = (kind == ML_LIVE_SOME_SAMPLES ? ML_FILTER_WORDS : ML_FILTER_WORDS_FEW) - 1;
    if (by_address)
        memset(ml_filter, 255, sizeof ml_filter);
}

void ml_live_table_clear(ml_live_table *table)
{
    for (ml_region *region = atomic_load(&table->used_regions); region; region = region->next) {
        ml_zero_pages(&region->entries[FIRST_PAGE_ENTRIES], sizeof region->entries - PAGE_BYTES);
        ml_zero_pages(region->marks, sizeof region->marks);
    }
    ml_live_hash_clear(&table->hash);
    if (table->hash.is_filtered)
        memset(ml_filter_counts, 0, sizeof ml_filter_counts);
    memset(ml_filter, 0, sizeof ml_filter);
}

void ml_live_table_expect_stale(ml_live_table *table)
{
    atomic_store(&table->unhooked_frees_possible, true);
    atomic_store(&table->no_quick_insert_bits, UINT64_MAX);
}

void ml_live_table_after_fork(ml_live_table *table)
{
    ml_live_hash_after_fork(&table->hash);
    memset(ml_filter, 0, sizeof ml_filter); /* nothing is recorded: no free has to ask for more */
}

/* Of an address that may have one; made when it is not there yet. NULL: no memory for it. */
static ml_region *need_region(ml_live_table *table, uintptr_t address)
{
    ml_region *region = ml_region_of(table, address);
    if (ML_LIKELY(region != NULL))
        return region;
    ml_region *fresh = ml_map(sizeof *fresh), *none = NULL;
    if (!fresh)
        return NULL;
    if (!atomic_compare_exchange_strong(&table->regions[address >> ML_REGION_BITS], &none, fresh)) {
        ml_unmap(fresh, sizeof *fresh); /* another thread was first */
        return none;
    }
    ml_region *first = atomic_load_explicit(&table->used_regions, memory_order_relaxed);
    do
        fresh->next = first;
    while (!atomic_compare_exchange_weak(&table->used_regions, &first, fresh));
    atomic_fetch_add(&table->region_count, 1);
    return fresh;
}

int64_t ml_live_table_region_bytes(ml_live_table *table)
{
    int64_t bytes = 0;
    for (ml_region *region = atomic_load(&table->used_regions); region; region = region->next)
        bytes += ml_resident_pages_bytes(region, sizeof *region);
    return bytes;
}

/* The direct entry that holds the block at this address, in whatever tier; NULL: none does. */
static uint64_t *find_direct(ml_live_table *table, uintptr_t address)
{
    ml_region *region = address & table->no_direct_bits ? NULL : ml_region_of(table, address);
    for (int shift = 4; region && shift <= 10; shift += 2) {
        uint64_t *entry = ml_direct_entry(region, address, shift);
        if (ml_direct_is_at(__atomic_load_n(entry, __ATOMIC_RELAXED), address))
            return entry;
    }
    return NULL;
}

static bool take_direct(ml_live_table *table, uintptr_t address, ml_live *taken)
{
    uint64_t *entry = find_direct(table, address);
    if (!entry)
        return false;
    *taken = ml_direct_unpack(__atomic_load_n(entry, __ATOMIC_RELAXED));
    __atomic_store_n(entry, 0, __ATOMIC_RELAXED);
    return true;
}

/* Enters a block in its page, where there are marks. True: done, `*existed` tells whether another
 * was at this address (it is in *other; with `keep_other` it stays, and is watched). False: not
 * there. */
static bool insert_in_page(ml_region *region, uintptr_t address, ml_live live, bool keep_other,
                           ml_live *other, bool *existed)
{
    uint8_t *mark = ml_direct_mark(region, address);
    *existed = *mark != 0 && *mark != ML_MARK_HASHED;
    if (*mark == ML_MARK_HASHED || live.size >= ML_DIRECT_SIZE_LIMIT)
        return false;
    const uint64_t value = ml_direct_pack(address, live.allocation_id, live.size) |
                           (live.is_watched ? ML_DIRECT_WATCHED : 0);
    if (*existed) {
        uint64_t *entry = ml_page_entry(region, address, *mark);
        *other = ml_direct_unpack(
            keep_other ? __atomic_fetch_or(entry, ML_DIRECT_WATCHED, __ATOMIC_RELAXED)
                       : __atomic_exchange_n(entry, value, __ATOMIC_RELAXED));
        return true;
    }
    uint64_t *const first = ml_page_entry(region, address, 1);
    size_t at = (size_t)(ml_first_page_entry(region, address) - first);
    for (int i = 0; i < PAGE_ENTRIES_TRIED; i++, at = (at + 1) % ML_PAGE_ENTRIES) {
        if (ml_page_entry_fill(&first[at], value)) {
            __atomic_store_n(mark, (uint8_t)(at + 1), __ATOMIC_RELAXED);
            return true;
        }
    }
    return false;
}

/* Enters a block that has no direct entry: in its page or in the hash. True when another was there:
 * it is in *other. Also false when memory could not be had; then *inserted is false. */
static bool insert_elsewhere(ml_live_table *table, uintptr_t address, ml_live live, bool keep_other,
                             ml_live *other, bool *inserted)
{
    bool existed = false;
    *inserted = false;
    if (!(address & table->no_mark_bits)) {
        ml_region *region = need_region(table, address);
        if (!region)
            return false;
        *inserted = insert_in_page(region, address, live, keep_other, other, &existed);
        if (*inserted)
            return existed;
        if (existed) /* a small block's free was missed, and this one is large */
            *other = ml_direct_unpack(ml_live_table_take_marked(table, address));
        __atomic_store_n(ml_direct_mark(region, address), ML_MARK_HASHED, __ATOMIC_RELAXED);
    }
    ml_live hashed;
    if (ml_live_hash_insert(&table->hash, address, live, keep_other, &hashed, inserted)) {
        *other = hashed;
        existed = true;
    }
    return existed;
}

bool ml_live_table_insert(ml_live_table *table, uintptr_t address, ml_live live, ml_live *stale,
                          bool *inserted)
{
    if (ml_live_table_is_filtered(table)) /* nothing is anywhere else */
        return ml_live_hash_insert(&table->hash, address, live, false, stale, inserted);
    ml_live other;
    bool was_there = false;
    /* Where no free is missed, only the entry that the block is to have can be in the way. */
    if (ML_UNLIKELY(table->unhooked_frees_possible))
        was_there = ml_live_table_take(table, address, stale);
    const bool direct = live.size < ML_DIRECT_SIZE_LIMIT && !(address & table->no_direct_bits);
    ml_region *region = direct ? need_region(table, address) : NULL;
    if (region) {
        uint64_t *entry = ml_direct_entry(region, address, ml_direct_shift(live.size));
        const uint64_t old = __atomic_load_n(entry, __ATOMIC_RELAXED);
        if (old) {
            *stale = ml_direct_unpack(old);
            was_there = true;
        }
        __atomic_store_n(entry,
                         ml_direct_pack(address, live.allocation_id, live.size) |
                             (live.is_watched ? ML_DIRECT_WATCHED : 0),
                         __ATOMIC_RELAXED);
        *inserted = true;
    } else if (insert_elsewhere(table, address, live, false, &other, inserted)) {
        *stale = other;
        was_there = true;
    }
    return was_there;
}

bool ml_live_table_take(ml_live_table *table, uintptr_t address, ml_live *taken)
{
    if (ml_live_table_is_filtered(table))
        return ml_live_table_may_still_hold(table, address) &&
               ml_live_hash_take(&table->hash, address, taken);
    if (!(address & table->no_mark_bits)) {
        if (!ml_live_table_may_be_marked(table, address))
            return false;
        const uint64_t entry = ml_live_table_take_marked(table, address);
        if (entry) {
            *taken = ml_direct_unpack(entry);
            return true;
        }
        __atomic_store_n(ml_direct_mark(ml_region_of(table, address), address), 0,
                         __ATOMIC_RELAXED);
    }
    return take_direct(table, address, taken) || ml_live_hash_take(&table->hash, address, taken);
}

/* The entry of the block at this address, direct or in its page; NULL: neither. */
static const uint64_t *find_entry(ml_live_table *table, uintptr_t address)
{
    if (address & table->no_mark_bits)
        return find_direct(table, address);
    ml_region *region = ml_region_of(table, address);
    const uint8_t mark = region ? *ml_direct_mark(region, address) : 0;
    return mark == 0 || mark == ML_MARK_HASHED ? NULL : ml_page_entry(region, address, mark);
}

uint64_t ml_live_table_find(ml_live_table *table, uintptr_t address)
{
    if (!ml_live_table_may_hold(address) || !ml_live_table_may_be_marked(table, address))
        return 0;
    if (!ml_live_table_may_still_hold(table, address))
        return 0;
    const uint64_t *entry = find_entry(table, address);
    return entry ? ml_direct_unpack(__atomic_load_n(entry, __ATOMIC_RELAXED)).allocation_id
                 : ml_live_hash_find(&table->hash, address);
}

bool ml_live_table_watch(ml_live_table *table, uintptr_t address)
{
    const ml_live watched = {0, 0, true, 0};
    ml_live other;
    uint64_t *entry = find_direct(table, address);
    if (entry) {
        __atomic_fetch_or(entry, ML_DIRECT_WATCHED, __ATOMIC_RELAXED);
        return true;
    }
    bool inserted;
    insert_elsewhere(table, address, watched, true, &other, &inserted);
    return inserted;
}

#include "live_table.h"

#include <string.h>

#define FILTER_WORDS_FEW 64
/* Counts for each bit of the filter, and behind them those for a second look. */
#define FIRST_COUNTS ((size_t)ML_FILTER_WORDS * 64)
#define SECOND_COUNTS_BITS 16
#define FILTER_COUNTS_BYTES (FIRST_COUNTS + ((size_t)1 << SECOND_COUNTS_BITS))

uint64_t ml_filter[ML_FILTER_WORDS];
uint64_t ml_filter_mask = FILTER_WORDS_FEW - 1;

#define REGION_COUNT ((size_t)1 << (ML_DIRECT_ADDRESS_BITS - ML_REGION_BITS))
#define REGIONS_BYTES (REGION_COUNT * sizeof(ml_region *))
/* NULL has none of the bits that an address must not have to be looked up: it finds no region here.
 */
static _Atomic(ml_region *) no_regions[1];
#define PAGE_BYTES 4096
#define FIRST_PAGE_ENTRIES                                                                         \
    (PAGE_BYTES / sizeof(uint64_t)) /* all in the gap before the first tier */
/* Of the hash where many are recorded: of 4 KiB of objects of 48 bytes, one in ten are eight or
 * nine. */
#define PAGE_BITS 12
#define GROUP_BITS 4
/* Elsewhere entries are few, or of blocks that are larger than a page: each is by itself. */
#define GRANULE_BITS 3
#define ADDRESS_MASK (((uint64_t)1 << 54) - 1)
#define ID_MASK ML_MAX_ALLOCATION_ID
#define WATCHED_BIT ((uint64_t)1 << 43)

static inline ml_hash_entry pack(uintptr_t address, ml_live live)
{
    /* 30 bits: bytes, or pages with the highest bit set. */
    size_t size = ml_live_size(live.size);
    if (ML_UNLIKELY(size >= ML_LARGE_SIZE))
        size = size >> 12 | ML_LARGE_SIZE;
    ml_hash_entry entry = {
        ((uint64_t)address >> 3 & ADDRESS_MASK) | (uint64_t)(size >> 20) << 54,
        (live.allocation_id & ID_MASK) | (live.is_watched ? WATCHED_BIT : 0) |
            (uint64_t)(size & 0xfffff) << 44,
    };
    return entry;
}

static inline ml_live unpack(ml_hash_entry entry)
{
    const size_t size =
        (size_t)(entry.address_and_size >> 54) << 20 | (size_t)(entry.id_and_size >> 44);
    ml_live live = {
        entry.id_and_size & ID_MASK,
        ML_UNLIKELY(size >= ML_LARGE_SIZE) ? (size - ML_LARGE_SIZE) << 12 : size,
        (entry.id_and_size & WATCHED_BIT) != 0,
    };
    return live;
}

static inline bool same_address(ml_hash_entry entry, uintptr_t address)
{
    return (entry.address_and_size & ADDRESS_MASK) == ((uint64_t)address >> 3 & ADDRESS_MASK);
}

/* Blocks of one page of addresses have one hash: their entries form a group, in the order of the
 * blocks, so that what is allocated together shares cache lines here, too. */
static inline uint64_t hash_address(const ml_live_table *table, uintptr_t address)
{
    return ((uint64_t)address >> table->page_bits) * 0x9e3779b97f4a7c15ull;
}

/* The shard comes from the lowest of the good bits, the slot from the highest. */
static inline ml_shard *shard_of(ml_live_table *table, uint64_t hash)
{
    return &table->shards[(hash >> 32) & (ML_SHARDS - 1)];
}

static inline uint64_t home(const ml_live_table *table, uintptr_t address, uint64_t hash,
                            uint64_t capacity)
{
    const uint64_t in_page = (uint64_t)address & (((uint64_t)1 << table->page_bits) - 1);
    const uint64_t in_group = in_page >> (table->page_bits - table->group_bits);
    return ((hash >> 40 ^ hash >> 20) << table->group_bits | in_group) & (capacity - 1);
}

void ml_live_table_prefetch(ml_live_table *table, uintptr_t address)
{
    if (table->kind != ML_LIVE_MANY_SAMPLES)
        return;
    ml_region *region = address & table->no_region_bits ? NULL : ml_region_of(table, address);
    if (region)
        __builtin_prefetch(ml_direct_mark(region, address), 1);
    const uint64_t hash = hash_address(table, address);
    const ml_shard *shard = shard_of(table, hash);
    __builtin_prefetch(&shard->entries[home(table, address, hash, shard->capacity)], 1);
}

static uint64_t find(const ml_live_table *table, const ml_shard *shard, uintptr_t address,
                     uint64_t hash)
{
    uint64_t slot = home(table, address, hash, shard->capacity);
    while (shard->entries[slot].address_and_size && !same_address(shard->entries[slot], address))
        slot = (slot + 1) & (shard->capacity - 1);
    return slot;
}

/* Shards grow one at a time, so that no single allocation pays for the whole table. */
static bool grow(ml_live_table *table, ml_shard *shard)
{
    ml_shard larger = {.capacity = shard->capacity ? shard->capacity * 2 : 256};
    larger.entries = ml_map(larger.capacity * sizeof(ml_hash_entry));
    if (!larger.entries)
        return false;
    for (uint64_t i = 0; i < shard->capacity; i++) {
        ml_hash_entry entry = shard->entries[i];
        if (entry.address_and_size) {
            uintptr_t address = (uintptr_t)((entry.address_and_size & ADDRESS_MASK) << 3);
            larger.entries[find(table, &larger, address, hash_address(table, address))] = entry;
        }
    }
    atomic_fetch_add_explicit(
        &table->mapped_bytes,
        (int64_t)((larger.capacity - shard->capacity) * sizeof(ml_hash_entry)),
        memory_order_relaxed);
    ml_unmap(shard->entries, shard->capacity * sizeof(ml_hash_entry));
    shard->entries = larger.entries;
    shard->capacity = larger.capacity;
    return true;
}

/* Closes the gap at `slot`, so that no tombstones are needed (Knuth, TAOCP 6.4, algorithm R). */
static void erase(const ml_live_table *table, ml_shard *shard, uint64_t slot)
{
    uint64_t mask = shard->capacity - 1, gap = slot;
    for (uint64_t i = (slot + 1) & mask; shard->entries[i].address_and_size; i = (i + 1) & mask) {
        uintptr_t address = (uintptr_t)((shard->entries[i].address_and_size & ADDRESS_MASK) << 3);
        uint64_t wanted = home(table, address, hash_address(table, address), shard->capacity);
        if (((i - wanted) & mask) >= ((i - gap) & mask)) {
            shard->entries[gap] = shard->entries[i];
            gap = i;
        }
    }
    memset(&shard->entries[gap], 0, sizeof(ml_hash_entry));
    shard->count--;
}

static bool is_filtered(const ml_live_table *table)
{
    return table->kind == ML_LIVE_FEW_SAMPLES || table->kind == ML_LIVE_SOME_SAMPLES;
}

static uint8_t *second_count(const ml_live_table *table, uint64_t hash)
{
    return &table->filter_counts[FIRST_COUNTS + (hash >> (64 - SECOND_COUNTS_BITS))];
}

static void filter_count(ml_live_table *table, uintptr_t address, int change)
{
    const uint64_t hash = ml_filter_hash(address);
    const uint64_t word = hash >> 55 & ml_filter_mask, bit = hash >> 49 & 63;
    uint8_t *first = &table->filter_counts[word * 64 + bit];
    uint8_t *second = second_count(table, hash);
    ml_lock(&table->filter_lock);
    if (*first != 255)
        *first = (uint8_t)(*first + change);
    if (*second != 255)
        __atomic_store_n(second, (uint8_t)(*second + change), __ATOMIC_RELAXED);
    const uint64_t others = ml_filter[word] & ~((uint64_t)1 << bit);
    __atomic_store_n(&ml_filter[word], others | (uint64_t)(*first != 0) << bit, __ATOMIC_RELAXED);
    ml_unlock(&table->filter_lock);
}

bool ml_live_table_init(ml_live_table *table, ml_live_kind kind)
{
    table->kind = kind;
    table->page_bits = kind == ML_LIVE_MANY_SAMPLES ? PAGE_BITS : GRANULE_BITS;
    table->group_bits = kind == ML_LIVE_MANY_SAMPLES ? GROUP_BITS : 0;
    const bool by_address = !is_filtered(table);
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
    if (!table->filter_counts)
        table->filter_counts = ml_map(FILTER_COUNTS_BYTES);
    atomic_store(&table->unhooked_frees_possible, false);
    table->no_mark_bits = kind == ML_LIVE_MANY_SAMPLES ? table->no_region_bits : UINT64_MAX;
    table->no_direct_bits = kind == ML_LIVE_EXACT ? table->no_region_bits : UINT64_MAX;
    atomic_store(&table->no_quick_insert_bits, table->no_direct_bits);
    ml_filter_mask = (kind == ML_LIVE_SOME_SAMPLES ? ML_FILTER_WORDS : FILTER_WORDS_FEW) - 1;
    if (by_address)
        memset(ml_filter, 255, sizeof ml_filter);
    return table->filter_counts != NULL;
}

void ml_live_table_clear(ml_live_table *table)
{
    for (ml_region *region = atomic_load(&table->used_regions); region; region = region->next) {
        ml_zero_pages(&region->entries[FIRST_PAGE_ENTRIES], sizeof region->entries - PAGE_BYTES);
        ml_zero_pages(region->marks, sizeof region->marks);
    }
    for (int i = 0; i < ML_SHARDS; i++) {
        ml_shard *shard = &table->shards[i];
        ml_lock(&shard->lock);
        ml_unmap(shard->entries, shard->capacity * sizeof(ml_hash_entry));
        shard->entries = NULL;
        shard->capacity = 0;
        shard->count = 0;
        ml_unlock(&shard->lock);
    }
    ml_zero_pages(table->filter_counts, FILTER_COUNTS_BYTES);
    memset(ml_filter, 0, sizeof ml_filter);
    atomic_store_explicit(&table->mapped_bytes, 0, memory_order_relaxed);
}

void ml_live_table_expect_stale(ml_live_table *table)
{
    atomic_store(&table->unhooked_frees_possible, true);
    atomic_store(&table->no_quick_insert_bits, UINT64_MAX);
}

void ml_live_table_after_fork(ml_live_table *table)
{
    for (int i = 0; i < ML_SHARDS; i++)
        atomic_store_explicit(&table->shards[i].lock, 0, memory_order_relaxed);
    atomic_store_explicit(&table->filter_lock, 0, memory_order_relaxed);
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
    int64_t pages = 0;
#if defined(__linux__)
    unsigned char resident[sizeof(ml_region) / PAGE_BYTES + 1];
    for (ml_region *region = atomic_load(&table->used_regions); region; region = region->next)
        if (mincore(region, sizeof *region, resident) == 0)
            for (size_t i = 0; i < sizeof *region / PAGE_BYTES; i++)
                pages += resident[i] & 1;
#else
    (void)table;
#endif
    return pages * PAGE_BYTES;
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

static bool hash_take(ml_live_table *table, uintptr_t address, ml_live *taken)
{
    uint64_t hash = hash_address(table, address);
    ml_shard *shard = shard_of(table, hash);
    bool found = false;
    ml_lock(&shard->lock);
    if (ML_LIKELY(shard->capacity != 0)) {
        uint64_t slot = find(table, shard, address, hash);
        if (shard->entries[slot].address_and_size) {
            *taken = unpack(shard->entries[slot]);
            erase(table, shard, slot);
            found = true;
        }
    }
    ml_unlock(&shard->lock);
    return found;
}

/* Enters or replaces. True when an entry was there. */
static bool hash_insert(ml_live_table *table, uintptr_t address, ml_live live, bool keep_other,
                        ml_live *previous, bool *inserted)
{
    uint64_t hash = hash_address(table, address);
    ml_shard *shard = shard_of(table, hash);
    bool existed = false;
    *inserted = false;
    ml_lock(&shard->lock);
    /* At most 4/5 full, 20 to 40 bytes a block; removals leave no tombstones, so probes stay short.
     */
    if (ML_UNLIKELY((uint64_t)shard->count * 5 >= shard->capacity * 4) && !grow(table, shard) &&
        (shard->capacity == 0 || shard->count + 1 >= shard->capacity)) {
        ml_unlock(&shard->lock);
        return false;
    }
    uint64_t slot = find(table, shard, address, hash);
    if (shard->entries[slot].address_and_size) {
        existed = true;
        *previous = unpack(shard->entries[slot]);
        if (keep_other) { /* only that it is watched is new */
            live = *previous;
            live.is_watched = true;
        }
    } else {
        shard->count++;
    }
    shard->entries[slot] = pack(address, live);
    ml_unlock(&shard->lock);
    *inserted = true;
    return existed;
}

/* Makes the free of a block look for it. False: no memory for that. */
static bool mark(ml_live_table *table, uintptr_t address)
{
    if (address & table->no_mark_bits)
        return true;
    ml_region *region = need_region(table, address);
    if (!region)
        return false;
    *ml_direct_mark(region, address) = 1;
    return true;
}

static bool insert_hashed(ml_live_table *table, uintptr_t address, ml_live live, bool keep_other,
                          ml_live *stale, bool *inserted)
{
    *inserted = false;
    if (!mark(table, address))
        return false;
    const bool existed = hash_insert(table, address, live, keep_other, stale, inserted);
    if (is_filtered(table) && *inserted && !existed)
        filter_count(table, address, 1);
    return existed;
}

bool ml_live_table_insert(ml_live_table *table, uintptr_t address, ml_live live, ml_live *stale,
                          bool *inserted)
{
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
    } else if (insert_hashed(table, address, live, false, &other, inserted)) {
        *stale = other;
        was_there = true;
    }
    return was_there;
}

bool ml_live_table_take(ml_live_table *table, uintptr_t address, ml_live *taken)
{
    if (is_filtered(table)) {
        const uint8_t *count = second_count(table, ml_filter_hash(address));
        if (__atomic_load_n(count, __ATOMIC_RELAXED) == 0 || !hash_take(table, address, taken))
            return false;
        filter_count(table, address, -1);
        return true;
    }
    if (!(address & table->no_mark_bits)) {
        ml_region *region = ml_region_of(table, address);
        if (!region)
            return false;
        uint8_t *mark = ml_direct_mark(region, address);
        if (*mark == 0)
            return false;
        *mark = 0;
    }
    return take_direct(table, address, taken) || hash_take(table, address, taken);
}

static uint64_t hash_find(ml_live_table *table, uintptr_t address)
{
    const uint64_t hash = hash_address(table, address);
    ml_shard *shard = shard_of(table, hash);
    uint64_t allocation_id = 0;
    ml_lock(&shard->lock);
    if (shard->capacity) {
        const ml_hash_entry entry = shard->entries[find(table, shard, address, hash)];
        if (entry.address_and_size)
            allocation_id = unpack(entry).allocation_id;
    }
    ml_unlock(&shard->lock);
    return allocation_id;
}

uint64_t ml_live_table_find(ml_live_table *table, uintptr_t address)
{
    if (!ml_live_table_may_hold(address) || !ml_live_table_may_be_marked(table, address))
        return 0;
    if (is_filtered(table) &&
        __atomic_load_n(second_count(table, ml_filter_hash(address)), __ATOMIC_RELAXED) == 0)
        return 0;
    const uint64_t *entry = find_direct(table, address);
    return entry ? ml_direct_unpack(__atomic_load_n(entry, __ATOMIC_RELAXED)).allocation_id
                 : hash_find(table, address);
}

bool ml_live_table_watch(ml_live_table *table, uintptr_t address)
{
    const ml_live watched = {0, 0, true};
    ml_live other;
    uint64_t *entry = find_direct(table, address);
    if (entry) {
        __atomic_fetch_or(entry, ML_DIRECT_WATCHED, __ATOMIC_RELAXED);
        return true;
    }
    bool inserted;
    insert_hashed(table, address, watched, true, &other, &inserted);
    return inserted;
}

#include "live_table.h"

#include <string.h>

#define SMALL_FILTER_BITS 12
#define SECOND_FILTER_BITS 16

uint8_t ml_first_filter[1 << ML_FILTER_MAX_BITS];
uint32_t ml_first_filter_shift = 64 - SMALL_FILTER_BITS;

#define REGION_COUNT ((size_t)1 << (ML_DIRECT_ADDRESS_BITS - ML_REGION_BITS))
#define REGIONS_BYTES (REGION_COUNT * sizeof(uint64_t *))
#define REGION_BYTES (ML_REGION_ENTRIES * sizeof(uint64_t)) /* whole pages */
/* Behind its entries a region carries the chain of regions in use: the first level is too large to
 * search. */
#define REGION_MAP_BYTES (REGION_BYTES + 4096)
#define ADDRESS_MASK (((uint64_t)1 << 54) - 1)
#define ID_MASK ML_MAX_ALLOCATION_ID
#define CODE_BIT ((uint64_t)1 << 43)

static inline ml_hash_entry pack(uintptr_t address, ml_live live)
{
    /* 30 bits: bytes, or pages with the highest bit set. */
    size_t size = ml_live_size(live.size);
    if (ML_UNLIKELY(size >= ML_LARGE_SIZE))
        size = size >> 12 | ML_LARGE_SIZE;
    ml_hash_entry entry = {
        ((uint64_t)address >> 3 & ADDRESS_MASK) | (uint64_t)(size >> 20) << 54,
        (live.allocation_id & ID_MASK) | (live.is_code ? CODE_BIT : 0) |
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
        (entry.id_and_size & CODE_BIT) != 0,
    };
    return live;
}

static inline bool same_address(ml_hash_entry entry, uintptr_t address)
{
    return (entry.address_and_size & ADDRESS_MASK) == ((uint64_t)address >> 3 & ADDRESS_MASK);
}

static inline uint64_t hash_address(uintptr_t address)
{
    return ((uint64_t)address >> 3) * 0x9e3779b97f4a7c15ull;
}

/* The shard comes from the lowest of the good bits, the slot from the highest. */
static inline ml_shard *shard_of(ml_live_table *table, uint64_t hash)
{
    return &table->shards[(hash >> 32) & (ML_SHARDS - 1)];
}

static inline uint64_t home(uint64_t hash, uint64_t capacity)
{
    return (hash >> 40 ^ hash >> 20) & (capacity - 1);
}

static uint64_t find(const ml_shard *shard, uintptr_t address, uint64_t hash)
{
    uint64_t slot = home(hash, shard->capacity);
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
            larger.entries[find(&larger, address, hash_address(address))] = entry;
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
static void erase(ml_shard *shard, uint64_t slot)
{
    uint64_t mask = shard->capacity - 1, gap = slot;
    for (uint64_t i = (slot + 1) & mask; shard->entries[i].address_and_size; i = (i + 1) & mask) {
        uintptr_t address = (uintptr_t)((shard->entries[i].address_and_size & ADDRESS_MASK) << 3);
        uint64_t wanted = home(hash_address(address), shard->capacity);
        if (((i - wanted) & mask) >= ((i - gap) & mask)) {
            shard->entries[gap] = shard->entries[i];
            gap = i;
        }
    }
    memset(&shard->entries[gap], 0, sizeof(ml_hash_entry));
    shard->count--;
}

/* Adds `change` to a counter, unless it has reached 255 and does not know any more. */
static void count(uint8_t *counter, int change)
{
    uint8_t value = __atomic_load_n(counter, __ATOMIC_RELAXED);
    while (value != 255 && !__atomic_compare_exchange_n(counter, &value, (uint8_t)(value + change),
                                                        true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
}

static void filter_count(ml_live_table *table, uintptr_t address, int change)
{
    const uint64_t hash = ml_filter_hash(address);
    if (table->has_second_filter)
        count(&table->second_filter[hash >> (64 - SECOND_FILTER_BITS)], change);
    count(&ml_first_filter[hash >> ml_first_filter_shift], change);
}

bool ml_live_table_init(ml_live_table *table, ml_live_kind kind)
{
    const bool exact = kind == ML_LIVE_EXACT;
    table->exact = exact;
    if (exact && !table->regions)
        table->regions = ml_map(REGIONS_BYTES);
    table->no_direct_bits =
        exact && table->regions ? ~(((uint64_t)1 << ML_DIRECT_ADDRESS_BITS) - 1) | 15 : UINT64_MAX;
    ml_first_filter_shift =
        64 - (kind == ML_LIVE_MANY_SAMPLES ? ML_FILTER_MAX_BITS : SMALL_FILTER_BITS);
    if (exact)
        memset(ml_first_filter, 255, (size_t)1 << SMALL_FILTER_BITS);
    table->has_second_filter = kind == ML_LIVE_FEW_SAMPLES;
    if (table->has_second_filter && !table->second_filter)
        table->second_filter = ml_map((size_t)1 << SECOND_FILTER_BITS);
    return !table->has_second_filter || table->second_filter;
}

void ml_live_table_clear(ml_live_table *table)
{
    uint64_t *region = atomic_load_explicit(&table->used_regions, memory_order_acquire);
    for (; region; region = (uint64_t *)(uintptr_t)region[ML_REGION_ENTRIES])
        ml_zero_pages(region, REGION_BYTES);
    table->unhooked_frees_possible = false;
    for (int i = 0; i < ML_SHARDS; i++) {
        ml_shard *shard = &table->shards[i];
        ml_lock(&shard->lock);
        ml_unmap(shard->entries, shard->capacity * sizeof(ml_hash_entry));
        shard->entries = NULL;
        shard->capacity = 0;
        shard->count = 0;
        ml_unlock(&shard->lock);
    }
    if (table->second_filter)
        ml_zero_pages(table->second_filter, (size_t)1 << SECOND_FILTER_BITS);
    memset(ml_first_filter, 0, (size_t)1 << (64 - ml_first_filter_shift));
    atomic_store_explicit(&table->mapped_bytes, 0, memory_order_relaxed);
}

void ml_live_table_after_fork(ml_live_table *table)
{
    for (int i = 0; i < ML_SHARDS; i++)
        atomic_store_explicit(&table->shards[i].lock, 0, memory_order_relaxed);
}

static uint64_t *direct_region_for_insert(ml_live_table *table, uintptr_t address)
{
    uint64_t *region = ml_direct_region(table, address);
    if (ML_LIKELY(region != NULL) || (address & table->no_direct_bits))
        return region;
    uint64_t *fresh = ml_map(REGION_MAP_BYTES), *none = NULL;
    if (!fresh)
        return NULL;
    if (!atomic_compare_exchange_strong(&table->regions[address >> ML_REGION_BITS], &none, fresh)) {
        ml_unmap(fresh, REGION_MAP_BYTES); /* another thread was first */
        return ml_direct_region(table, address);
    }
    uint64_t *chain = atomic_load_explicit(&table->used_regions, memory_order_relaxed);
    do
        fresh[ML_REGION_ENTRIES] = (uint64_t)(uintptr_t)chain;
    while (!atomic_compare_exchange_weak(&table->used_regions, &chain, fresh));
    return fresh;
}

/* The direct entry that holds the block at this address, in whatever tier; NULL: none does. */
static uint64_t *find_direct(ml_live_table *table, uintptr_t address)
{
    uint64_t *region = ml_direct_region(table, address);
    for (int tier = 0; region && tier < ML_DIRECT_TIERS; tier++) {
        uint64_t *entry = ml_direct_entry(region, address, tier);
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
    uint64_t hash = hash_address(address);
    ml_shard *shard = shard_of(table, hash);
    bool found = false;
    ml_lock(&shard->lock);
    if (ML_LIKELY(shard->capacity != 0)) {
        uint64_t slot = find(shard, address, hash);
        if (shard->entries[slot].address_and_size) {
            *taken = unpack(shard->entries[slot]);
            erase(shard, slot);
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
    uint64_t hash = hash_address(address);
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
    uint64_t slot = find(shard, address, hash);
    if (shard->entries[slot].address_and_size) {
        existed = true;
        *previous = unpack(shard->entries[slot]);
        if (keep_other) { /* only the code mark is new */
            live = *previous;
            live.is_code = true;
        }
    } else {
        shard->count++;
    }
    shard->entries[slot] = pack(address, live);
    ml_unlock(&shard->lock);
    *inserted = true;
    return existed;
}

bool ml_live_table_insert_slowly(ml_live_table *table, uintptr_t address, ml_live live,
                                 ml_live *stale, bool *inserted)
{
    if (table->exact) {
        ml_live other;
        bool was_there = false;
        /* Where no free is missed, only the entry that the block is to have can be in the way. */
        if (ML_UNLIKELY(table->unhooked_frees_possible))
            was_there = take_direct(table, address, stale) || hash_take(table, address, stale);
        uint64_t *region =
            live.size <= ML_DIRECT_MAX_SIZE ? direct_region_for_insert(table, address) : NULL;
        if (region) {
            uint64_t *entry = ml_direct_entry(region, address, ml_direct_tier(live.size));
            const uint64_t old = __atomic_load_n(entry, __ATOMIC_RELAXED);
            if (old) {
                *stale = ml_direct_unpack(old);
                was_there = true;
            }
            __atomic_store_n(entry, ml_direct_pack(address, live), __ATOMIC_RELAXED);
            *inserted = true;
        } else if (hash_insert(table, address, live, false, &other, inserted)) {
            *stale = other;
            was_there = true;
        }
        return was_there;
    }
    bool existed = hash_insert(table, address, live, false, stale, inserted);
    if (*inserted && !existed)
        filter_count(table, address, 1);
    return existed;
}

bool ml_live_table_take_slowly(ml_live_table *table, uintptr_t address, ml_live *taken)
{
    if (table->exact)
        return take_direct(table, address, taken) || hash_take(table, address, taken);
    if (table->has_second_filter) {
        const uint64_t index = ml_filter_hash(address) >> (64 - SECOND_FILTER_BITS);
        if (__atomic_load_n(&table->second_filter[index], __ATOMIC_RELAXED) == 0)
            return false;
    }
    if (!hash_take(table, address, taken))
        return false;
    filter_count(table, address, -1);
    return true;
}

bool ml_live_table_mark_code(ml_live_table *table, uintptr_t address)
{
    ml_live code = {0, 0, true}, other;
    uint64_t *entry = find_direct(table, address);
    if (entry) {
        __atomic_fetch_or(entry, (uint64_t)1 << 43, __ATOMIC_RELAXED);
        return true;
    }
    bool inserted, existed = hash_insert(table, address, code, true, &other, &inserted);
    if (inserted && !existed && !table->exact)
        filter_count(table, address, 1);
    return inserted;
}

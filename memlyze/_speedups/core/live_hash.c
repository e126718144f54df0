#include "live_hash.h"

#include <string.h>

#define ADDRESS_BITS 53 /* beyond 56 of an address there may be a tag */
#define ADDRESS_MASK (((uint64_t)1 << ADDRESS_BITS) - 1)
#define ID_MASK ML_MAX_ALLOCATION_ID
#define WATCHED_BIT ((uint64_t)1 << 43)
#define SAMPLING_SHIFT 44
#define LOW_SIZE_SHIFT 48
#define LOW_SIZE_BITS (64 - LOW_SIZE_SHIFT)
#define LOW_SIZE_MASK (((size_t)1 << LOW_SIZE_BITS) - 1)
#define ROOMY_CAPACITY 4096
#define FIRST_MAPPED_ENTRIES 256

uint64_t ml_filter[ML_FILTER_WORDS];
uint64_t ml_filter_mask = ML_FILTER_WORDS_FEW - 1;
uint8_t ml_filter_counts[ML_FILTER_COUNTS];

static inline ml_hash_entry pack(uintptr_t address, ml_live live)
{
    /* 27 bits: bytes, or pages with the highest bit set. */
    size_t size = ml_live_size(live.size);
    if (ML_UNLIKELY(size >= ML_LARGE_SIZE))
        size = size >> 12 | ML_LARGE_SIZE;
    ml_hash_entry entry = {
        ((uint64_t)address >> 3 & ADDRESS_MASK) | (uint64_t)(size >> LOW_SIZE_BITS) << ADDRESS_BITS,
        (live.allocation_id & ID_MASK) | (live.is_watched ? WATCHED_BIT : 0) |
            (uint64_t)live.sampling << SAMPLING_SHIFT |
            (uint64_t)(size & LOW_SIZE_MASK) << LOW_SIZE_SHIFT,
    };
    return entry;
}

static inline ml_live unpack(ml_hash_entry entry)
{
    const size_t size = (size_t)(entry.address_and_size >> ADDRESS_BITS) << LOW_SIZE_BITS |
                        (size_t)(entry.id_and_size >> LOW_SIZE_SHIFT);
    ml_live live = {
        entry.id_and_size & ID_MASK,
        ML_UNLIKELY(size >= ML_LARGE_SIZE) ? (size - ML_LARGE_SIZE) << 12 : size,
        (entry.id_and_size & WATCHED_BIT) != 0,
        entry.id_and_size >> SAMPLING_SHIFT & 15,
    };
    return live;
}

static inline uintptr_t address_of(ml_hash_entry entry)
{
    return (uintptr_t)((entry.address_and_size & ADDRESS_MASK) << 3);
}

static inline ml_shard *shard_of(ml_live_hash *table, uint64_t hash)
{
    return &table->shards[ml_filter_lock(hash)];
}

/* Where the entry is, or will be. */
static uint64_t find(const ml_shard *shard, uintptr_t address, uint64_t hash)
{
    const uint64_t wanted = (uint64_t)address >> 3 & ADDRESS_MASK;
    uint64_t slot = ml_live_hash_home(hash, shard->capacity);
    while (shard->entries[slot].address_and_size &&
           (shard->entries[slot].address_and_size & ADDRESS_MASK) != wanted)
        slot = (slot + 1) & (shard->capacity - 1);
    return slot;
}

/* How full a shard may be before it grows. A small one has room to spare, so that look-ups are
 * short; for a large one, of some hundred thousand blocks in all, that would be much memory: it is
 * up to 4/5 full, 20 to 40 bytes a block. Removals leave no tombstones. */
static inline uint64_t most_entries(const ml_shard *shard)
{
    return shard->capacity <= ROOMY_CAPACITY ? shard->capacity / 2 : shard->capacity / 5 * 4;
}

/* Shards grow one at a time, so that no single allocation pays for the whole table. */
static bool grow(ml_live_hash *table, ml_shard *shard)
{
    if (shard->capacity == 0) {
        shard->entries = shard->first;
        shard->capacity = ML_SHARD_FIRST_ENTRIES;
        return true;
    }
    const bool is_mapped = shard->entries != shard->first;
    ml_shard larger = {.capacity = is_mapped ? shard->capacity * 2 : FIRST_MAPPED_ENTRIES};
    larger.entries = ml_map(larger.capacity * sizeof(ml_hash_entry));
    if (!larger.entries)
        return false;
    for (uint64_t i = 0; i < shard->capacity; i++) {
        const uintptr_t address = address_of(shard->entries[i]);
        if (address)
            larger.entries[find(&larger, address, ml_filter_hash(address))] = shard->entries[i];
    }
    const uint64_t unmapped = is_mapped ? shard->capacity : 0;
    atomic_fetch_add_explicit(&table->mapped_bytes,
                              (int64_t)((larger.capacity - unmapped) * sizeof(ml_hash_entry)),
                              memory_order_relaxed);
    if (is_mapped)
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
        const uint64_t hash = ml_filter_hash(address_of(shard->entries[i]));
        const uint64_t wanted = ml_live_hash_home(hash, shard->capacity);
        if (((i - wanted) & mask) >= ((i - gap) & mask)) {
            shard->entries[gap] = shard->entries[i];
            gap = i;
        }
    }
    memset(&shard->entries[gap], 0, sizeof(ml_hash_entry));
    shard->count--;
}

bool ml_live_hash_take(ml_live_hash *table, uintptr_t address, ml_live *taken)
{
    const uint64_t hash = ml_filter_hash(address);
    ml_shard *shard = shard_of(table, hash);
    bool found = false;
    ml_lock(&shard->lock);
    if (ML_LIKELY(shard->capacity != 0)) {
        const uint64_t slot = find(shard, address, hash);
        if (shard->entries[slot].address_and_size) {
            *taken = unpack(shard->entries[slot]);
            erase(shard, slot);
            if (table->is_filtered)
                ml_filter_change(hash, -1);
            found = true;
        }
    }
    ml_unlock(&shard->lock);
    return found;
}

bool ml_live_hash_insert(ml_live_hash *table, uintptr_t address, ml_live live, bool keep_other,
                         ml_live *previous, bool *inserted)
{
    const uint64_t hash = ml_filter_hash(address);
    ml_shard *shard = shard_of(table, hash);
    bool existed = false;
    *inserted = false;
    ml_lock(&shard->lock);
    if (ML_UNLIKELY(shard->count >= most_entries(shard)) && !grow(table, shard) &&
        (shard->capacity == 0 || shard->count + 1 >= shard->capacity)) {
        ml_unlock(&shard->lock);
        return false;
    }
    const uint64_t slot = find(shard, address, hash);
    if (shard->entries[slot].address_and_size) {
        existed = true;
        *previous = unpack(shard->entries[slot]);
        if (keep_other) { /* only that it is watched is new */
            live = *previous;
            live.is_watched = true;
        }
    } else {
        shard->count++;
        if (table->is_filtered)
            ml_filter_change(hash, 1);
    }
    shard->entries[slot] = pack(address, live);
    ml_unlock(&shard->lock);
    *inserted = true;
    return existed;
}

uint64_t ml_live_hash_find(ml_live_hash *table, uintptr_t address)
{
    const uint64_t hash = ml_filter_hash(address);
    ml_shard *shard = shard_of(table, hash);
    uint64_t allocation_id = 0;
    ml_lock(&shard->lock);
    if (shard->capacity) {
        const ml_hash_entry entry = shard->entries[find(shard, address, hash)];
        if (entry.address_and_size)
            allocation_id = unpack(entry).allocation_id;
    }
    ml_unlock(&shard->lock);
    return allocation_id;
}

void ml_live_hash_clear(ml_live_hash *table)
{
    for (int i = 0; i < ML_SHARDS; i++) {
        ml_shard *shard = &table->shards[i];
        ml_lock(&shard->lock);
        if (shard->entries != shard->first)
            ml_unmap(shard->entries, shard->capacity * sizeof(ml_hash_entry));
        memset(shard->first, 0, sizeof shard->first);
        shard->entries = NULL;
        shard->capacity = 0;
        shard->count = 0;
        ml_unlock(&shard->lock);
    }
    atomic_store_explicit(&table->mapped_bytes, 0, memory_order_relaxed);
}

/* What is not written to need not be copied for the child. */
void ml_live_hash_after_fork(ml_live_hash *table)
{
    for (int i = 0; i < ML_SHARDS; i++)
        if (atomic_load_explicit(&table->shards[i].lock, memory_order_relaxed))
            atomic_store_explicit(&table->shards[i].lock, 0, memory_order_relaxed);
}

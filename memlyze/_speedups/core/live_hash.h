/* Recorded blocks by address, in a hash table: whatever has no entry of its own beside its address
 * (live_table.h). 16 bytes an entry, in shards with a lock each. Where the table is filtered, a
 * shard's lock is also that of the filter's words for its blocks. */
#ifndef MEMLYZE_LIVE_HASH_H
#define MEMLYZE_LIVE_HASH_H

#include "live_filter.h"
#include "platform.h"

#define ML_SHARDS ML_FILTER_LOCKS
/* A shard has room of its own for so many entries: while few blocks are live, all is in few pages.
 */
#define ML_SHARD_FIRST_ENTRIES 16
/* 43 bits of id: at 10 million allocations a second, ten days. */
#define ML_MAX_ALLOCATION_ID (((uint64_t)1 << 43) - 1)

/* A recorded block. */
typedef struct {
    uint64_t allocation_id; /* 0: none, the block is only watched */
    size_t size;
    bool is_watched;
    uint8_t sampling; /* under which it was recorded: 0 to 15 */
} ml_live;

/* A block's size as an entry keeps it: exact below 64 MiB, from there on in whole pages of 4 KiB.
 */
#define ML_LARGE_SIZE ((size_t)1 << 26)
ML_INLINE size_t ml_live_size(size_t size)
{
    const size_t largest = (ML_LARGE_SIZE - 1) << 12; /* 256 GiB */
    return ML_LIKELY(size < ML_LARGE_SIZE) ? size : (size < largest ? size : largest) >> 12 << 12;
}

typedef struct {
    /* address >> 3 in the low 53 bits, bits 16..26 of the size above; 0: empty */
    uint64_t address_and_size;
    /* id in the low 43 bits, is_watched in bit 43, sampling in 44..47, bits 0..15 of the size above
     */
    uint64_t id_and_size;
} ml_hash_entry;

typedef struct {
    ml_spinlock lock;
    uint32_t count;
    uint64_t capacity; /* a power of two, 0 before the first entry */
    ml_hash_entry *entries;
    ml_hash_entry first[ML_SHARD_FIRST_ENTRIES];
} __attribute__((aligned(64))) ml_shard;

/* Zeroed memory is an empty one. */
typedef struct {
    ml_shard shards[ML_SHARDS];
    _Atomic int64_t mapped_bytes;
    bool is_filtered;
} ml_live_hash;

ML_INLINE uint64_t ml_live_hash_home(uint64_t hash, uint64_t capacity)
{
    return (hash >> 40 ^ hash >> 20) & (capacity - 1);
}

/* Lets the processor fetch what the insertion of this block will need. */
ML_INLINE void ml_live_hash_prefetch(const ml_live_hash *table, uintptr_t address)
{
    const uint64_t hash = ml_filter_hash(address);
    const ml_shard *shard = &table->shards[ml_filter_lock(hash)];
    const ml_hash_entry *entries = __atomic_load_n(&shard->entries, __ATOMIC_RELAXED);
    const uint64_t capacity = __atomic_load_n(&shard->capacity, __ATOMIC_RELAXED);
    __builtin_prefetch(ml_filter_count(hash), 1);
    __builtin_prefetch(entries + ml_live_hash_home(hash, capacity), 1);
}

/* Enters or replaces. True when an entry was there: it is in *previous; with `keep_other` it stays
 * and is watched from now on. False also when memory could not be had; then *inserted is false. */
bool ml_live_hash_insert(ml_live_hash *table, uintptr_t address, ml_live live, bool keep_other,
                         ml_live *previous, bool *inserted);
/* Removes the block at this address and tells what it was. False: not there. */
bool ml_live_hash_take(ml_live_hash *table, uintptr_t address, ml_live *taken);
/* The id of the block at this address; 0: none is there. */
uint64_t ml_live_hash_find(ml_live_hash *table, uintptr_t address);
/* Forgets all entries and gives their memory back; safe against a late look-up in another thread.
 */
void ml_live_hash_clear(ml_live_hash *table);
/* In a forked child: the locks may have been held by threads that do not exist here. */
void ml_live_hash_after_fork(ml_live_hash *table);

#endif

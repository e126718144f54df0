/* core/live_table.c against a table that is obviously right, over random operations in all modes.
 */
#include <string.h>

#include "check.h"
#include "core/live_table.h"
#include "core/sampler.h"

#define ADDRESSES 5000
#define STEPS 400000

static ml_live_table table;
static ml_live expected[ADDRESSES]; /* allocation_id 0 and no code: nothing there */

/* Neighbours, scattered blocks, blocks aligned to 8 bytes alone, and addresses
 * beyond the direct table. */
static uintptr_t address_of(uint64_t i)
{
    switch (i % 4) {
    case 0:
        return 0x7f0000000000u +
               i / 4 * 5008; /* the nearest that blocks of up to 5000 bytes come */
    case 1:
        return 0x10000000u + i * 1048576u;
    case 2:
        return 0x7f8000000008u + i * 5008;
    default:
        return ((uintptr_t)1 << 47) + i * 64;
    }
}

static bool same(ml_live a, ml_live b)
{
    return a.allocation_id == b.allocation_id && a.size == b.size && a.is_watched == b.is_watched &&
           a.sampling == b.sampling;
}

static bool present(ml_live live)
{
    return live.allocation_id != 0 || live.is_watched;
}

static bool insert_directly(uintptr_t address, ml_live live)
{
    return ml_live_table_insert_directly(ml_live_table_new_entry(&table, address, live.size),
                                         address, live.allocation_id, live.size);
}

/* As a hook does: the quick look-up first, if wanted. */
static bool take(uintptr_t address, bool quickly, ml_live *found)
{
    if (quickly) {
        if (!ml_live_table_may_hold(address) || !ml_live_table_may_be_marked(&table, address))
            return false;
        const uint64_t entry = ml_live_table_take_directly(&table, address);
        *found = ml_direct_unpack(entry);
        if (entry)
            return true;
    }
    return ml_live_table_take(&table, address, found);
}

static void random_operations(ml_live_kind kind)
{
    uint64_t random = 42, next_id = 1;
    memset(expected, 0, sizeof expected);
    ml_live_table_init(&table, kind);
    for (int step = 0; step < STEPS; step++) {
        const uint64_t draw = ml_random(&random), i = draw % ADDRESSES;
        const uintptr_t address = address_of(i);
        ml_live found = {0}, stale = {0};
        bool inserted = false;
        switch (draw >> 32 & 7) {
        case 0:
        case 1:
        case 2: {
            if (present(expected[i]))
                break; /* a block is not allocated twice while it lives */
            const uint8_t sampling = ml_live_table_is_filtered(&table) ? draw >> 20 & 7 : 0;
            ml_live live = {next_id++, (draw >> 40) % 5000, false, sampling};
            if (draw >> 60 & 1 && insert_directly(address, live))
                CHECK(kind == ML_LIVE_EXACT && live.size < ML_DIRECT_SIZE_LIMIT);
            else
                CHECK(!ml_live_table_insert(&table, address, live, &stale, &inserted) && inserted);
            expected[i] = live;
            break;
        }
        case 3:
            /* A code object that is recorded, or one from before the recording. */
            CHECK(ml_live_table_watch(&table, address));
            expected[i].is_watched = true;
            break;
        default:
            CHECK(take(address, draw >> 60 & 1, &found) == present(expected[i]));
            if (present(expected[i]))
                CHECK(same(found, expected[i]));
            memset(&expected[i], 0, sizeof expected[i]);
        }
    }
    for (uint64_t i = 0; i < ADDRESSES; i++) {
        ml_live found;
        CHECK(ml_live_table_take(&table, address_of(i), &found) == present(expected[i]));
    }
    /* Every count was taken back, save those that had reached the highest they can tell. */
    for (size_t i = 0; i < ML_FILTER_COUNTS && ml_live_table_is_filtered(&table); i++) {
        const uint8_t *pair = &ml_filter_counts[i & ~(size_t)1];
        CHECK(ml_filter_counts[i] == 0 || ml_filter_counts[i] == 255);
        CHECK((ml_filter[i >> 7] >> (i >> 1 & 63) & 1) == (pair[0] == 255 || pair[1] == 255));
    }
    ml_live_table_clear(&table);
}

static void test_sizes_survive_up_to_their_limit(void)
{
    static const size_t sizes[] = {0, 64, 65, 512, (1 << 20) - 1, 1 << 20, ((size_t)1 << 30) - 1};
    ml_live_table_init(&table, ML_LIVE_FEW_SAMPLES);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        ml_live live = {ML_MAX_ALLOCATION_ID - i, sizes[i], false, 7}, found;
        bool inserted;
        ml_live_table_insert(&table, 0x1000 + i * 16, live, &found, &inserted);
        live.size = ml_live_size(live.size); /* whole pages from 64 MiB on */
        CHECK(ml_live_table_take(&table, 0x1000 + i * 16, &found) && same(found, live));
    }
    ml_live vast = {7, (size_t)1 << 60, false, 3}, found;
    bool inserted;
    ml_live_table_insert(&table, 0x1000, vast, &found, &inserted);
    CHECK(ml_live_table_take(&table, 0x1000, &found) && found.size == ml_live_size(vast.size));
    ml_live_table_clear(&table);
}

static void test_a_block_at_the_address_of_a_forgotten_one_reports_it(void)
{
    for (ml_live_kind kind = ML_LIVE_EXACT; kind <= ML_LIVE_MANY_SAMPLES; kind++) {
        ml_live_table_init(&table, kind);
        ml_live first = {1, 48, false, 0}, second = {2, 300, false, 0}, third = {3, 32, false, 0},
                stale;
        bool inserted;
        CHECK(!ml_live_table_insert(&table, 0x4000, first, &stale, &inserted));
        ml_live_table_expect_stale(&table); /* otherwise only a block of like size is noticed */
        CHECK(ml_live_table_insert(&table, 0x4000, second, &stale, &inserted) &&
              same(stale, first));
        CHECK(!insert_directly(0x4000, third));
        CHECK(ml_live_table_insert(&table, 0x4000, third, &stale, &inserted) &&
              same(stale, second));
        ml_live_table_clear(&table);
    }
}

/* More than the page has entries: the rest goes elsewhere, and nobody gets another's. */
static void test_a_page_full_of_small_blocks(void)
{
    enum { BLOCKS = 256 };
    for (ml_live_kind kind = ML_LIVE_EXACT; kind <= ML_LIVE_MANY_SAMPLES; kind++) {
        ml_live_table_init(&table, kind);
        for (uint64_t round = 0; round < 3; round++) {
            ml_live stale, found;
            bool inserted;
            for (uint64_t i = 0; i < BLOCKS; i++) {
                const ml_live live = {1 + round * BLOCKS + i, 1 + i % 16, false, 0};
                CHECK(!ml_live_table_insert(&table, 0x7000 + i * 16, live, &stale, &inserted) &&
                      inserted);
            }
            CHECK(ml_live_table_watch(&table, 0x7000 + round * 16));
            for (uint64_t k = 0; k < BLOCKS; k++) {
                const uint64_t i = k * 77 % BLOCKS;
                const ml_live live = {1 + round * BLOCKS + i, 1 + i % 16, i == round, 0};
                CHECK(ml_live_table_find(&table, 0x7000 + i * 16) == live.allocation_id);
                CHECK(take(0x7000 + i * 16, k % 2, &found) && same(found, live));
                CHECK(ml_live_table_find(&table, 0x7000 + i * 16) == 0);
            }
        }
        ml_live_table_clear(&table);
    }
}

/* free(NULL), and a malloc that found no memory. */
static void test_null_is_never_recorded(void)
{
    for (ml_live_kind kind = ML_LIVE_EXACT; kind <= ML_LIVE_MANY_SAMPLES; kind++) {
        ml_live found;
        table.regions = NULL; /* as in a process that never recorded */
        ml_live_table_init(&table, kind);
        CHECK(ml_live_table_take_directly(&table, 0) == 0);
        CHECK(!ml_live_table_may_be_marked(&table, 0));
        CHECK(!ml_live_table_take(&table, 0, &found));
        CHECK(ml_live_table_new_entry(&table, 0, 48) == NULL);
        ml_live_table_clear(&table);
    }
}

int main(void)
{
    test_null_is_never_recorded();
    for (ml_live_kind kind = ML_LIVE_EXACT; kind <= ML_LIVE_MANY_SAMPLES; kind++)
        random_operations(kind);
    test_sizes_survive_up_to_their_limit();
    test_a_block_at_the_address_of_a_forgotten_one_reports_it();
    test_a_page_full_of_small_blocks();
    return 0;
}

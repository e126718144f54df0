/* core/address_set.c: which addresses were met, against a sorted list of them. */
#include "core/address_set.h"

#include "check.h"
#include "core/sampler.h"

#define MOST 60000

static uint64_t random_state = 7;

/* Objects of a heap: many in some regions, few in others, and some at either end of a region. */
static uintptr_t some_address(void)
{
    const uintptr_t region = (ml_random(&random_state) % 3 ? ml_random(&random_state) % 40
                                                           : ml_random(&random_state) % 5000)
                             << ML_ADDRESS_REGION_BITS;
    const uintptr_t last = ((uintptr_t)1 << ML_ADDRESS_REGION_BITS) - 8;
    switch (ml_random(&random_state) % 8) {
    case 0:
        return region;
    case 1:
        return region + last;
    default:
        return region + (ml_random(&random_state) & last);
    }
}

static int compare(const void *one, const void *other)
{
    const uintptr_t a = *(const uintptr_t *)one, b = *(const uintptr_t *)other;
    return (a > b) - (a < b);
}

static void test_each_address_is_met_once_and_numbered_without_gaps(void)
{
    ml_address_set set = {0};
    uintptr_t *met = malloc(MOST * sizeof *met);
    bool failed = false;
    size_t count = 0;
    for (int i = 0; i < MOST; i++) {
        const uintptr_t address = some_address();
        if (ml_address_meet(&set, address, &failed))
            met[count++] = address;
        CHECK(!ml_address_meet(&set, address, &failed));
    }
    CHECK(!failed && count > MOST / 2);
    qsort(met, count, sizeof *met, compare);
    for (size_t i = 1; i < count; i++)
        CHECK(met[i] != met[i - 1]); /* it never said twice that one is new */
    CHECK(ml_address_set_rank(&set) == count);
    uint8_t *is_taken = calloc(count, 1);
    for (size_t i = 0; i < count; i++) {
        const uint32_t rank = ml_address_rank(&set, met[i]);
        CHECK(rank < count && !is_taken[rank]);
        is_taken[rank] = 1;
        /* Of one region they are in the order of their addresses. */
        if (i > 0 && met[i] >> ML_ADDRESS_REGION_BITS == met[i - 1] >> ML_ADDRESS_REGION_BITS)
            CHECK(rank == ml_address_rank(&set, met[i - 1]) + 1);
    }
    for (int i = 0; i < MOST; i++) {
        const uintptr_t address = some_address();
        const bool is_met = bsearch(&address, met, count, sizeof *met, compare) != NULL;
        CHECK((ml_address_rank(&set, address) != ML_ADDRESS_UNKNOWN) == is_met);
    }
    CHECK(ml_address_rank(&set, UINTPTR_MAX - 7) == ML_ADDRESS_UNKNOWN);
    CHECK(ml_address_set_bytes(&set) >= set.count * sizeof(ml_address_region));
    ml_address_set_free(&set);
    CHECK(ml_address_set_bytes(&set) == 0);
    free(is_taken);
    free(met);
}

static void test_a_name_is_another_mark_than_that_it_was_met(void)
{
    ml_address_set set = {0};
    bool failed = false;
    CHECK(ml_address_name(&set, 4096, &failed) && !ml_address_name(&set, 4096, &failed));
    CHECK(ml_address_meet(&set, 4096, &failed) && ml_address_meet(&set, 4104, &failed));
    CHECK(ml_address_name(&set, 4104, &failed));
    CHECK(ml_address_name(&set, 4112, &failed));
    CHECK(ml_address_set_rank(&set) == 2);
    CHECK(ml_address_rank(&set, 4112) == ML_ADDRESS_UNKNOWN);
    ml_address_set_free(&set);
}

static void test_nothing_is_known_of_an_empty_set(void)
{
    ml_address_set set = {0};
    CHECK(ml_address_set_rank(&set) == 0);
    CHECK(ml_address_rank(&set, 4096) == ML_ADDRESS_UNKNOWN);
    ml_address_set_free(&set);
}

int main(void)
{
    test_each_address_is_met_once_and_numbered_without_gaps();
    test_a_name_is_another_mark_than_that_it_was_met();
    test_nothing_is_known_of_an_empty_set();
    return 0;
}

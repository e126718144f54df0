/* core/code_table.c: one id a function, and forgetting what has died. */
#include <string.h>

#include "check.h"
#include "core/code_table.h"

static uint32_t describe(const char *name, uintptr_t address)
{
    ml_code_record record = ml_code_begin(&ml_codes, 12, 3, 0);
    ml_code_part(&ml_codes, &record);
    ml_code_bytes(&ml_codes, &record, name, strlen(name));
    ml_code_part(&ml_codes, &record);
    ml_code_bytes(&ml_codes, &record, "file.py", 7);
    ml_code_part(&ml_codes, &record);
    return ml_code_finish(&ml_codes, &record, address);
}

static void test_equal_functions_share_an_id_wherever_they_live(void)
{
    CHECK(ml_code_table_init(&ml_codes, 1 << 10));
    const size_t before = ml_codes.added.size;
    const uint32_t f = describe("f", 0x1000), once = (uint32_t)(ml_codes.added.size - before);
    CHECK(f > ML_CODE_TRUNCATED);
    CHECK(describe("f", 0x2000) == f);
    CHECK(ml_codes.added.size - before == once); /* written once */
    CHECK(describe("g", 0x3000) != f);
    CHECK(ml_code_find(&ml_codes, 0x1000) == f && ml_code_find(&ml_codes, 0x2000) == f);
}

static void test_the_address_of_a_dead_function_names_nothing(void)
{
    CHECK(ml_code_table_init(&ml_codes, 1 << 10));
    for (uintptr_t i = 1; i <= 5000; i++)
        describe(i % 2 ? "odd" : "even", i * 16);
    const uint64_t epoch = ml_codes.epoch;
    for (uintptr_t i = 1; i <= 5000; i += 3)
        ml_code_died(&ml_codes, i * 16);
    CHECK(ml_codes.epoch > epoch);
    for (uintptr_t i = 1; i <= 5000; i++)
        CHECK((ml_code_find(&ml_codes, i * 16) != 0) == (i % 3 != 1));
    const uint64_t unchanged = ml_codes.epoch;
    ml_code_died(&ml_codes, 0x7fff0000); /* never known: nothing to forget */
    CHECK(ml_codes.epoch == unchanged);
}

int main(void)
{
    test_equal_functions_share_an_id_wherever_they_live();
    test_the_address_of_a_dead_function_names_nothing();
    ml_code_table_clear(&ml_codes);
    return 0;
}

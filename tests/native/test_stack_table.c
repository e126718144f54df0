/* core/stack_table.c: one id a stack, one id a function, bounded, and forgetting what has died. */
#include <string.h>

#include "check.h"
#include "core/stack_table.h"

static uint32_t describe(const char *name, uintptr_t address)
{
    ml_code_record record = ml_code_begin(&ml_stacks, 12, 3, 0);
    ml_code_part(&ml_stacks, &record);
    ml_code_bytes(&ml_stacks, &record, name, strlen(name));
    ml_code_part(&ml_stacks, &record);
    ml_code_bytes(&ml_stacks, &record, "file.py", 7);
    ml_code_part(&ml_stacks, &record);
    return ml_code_finish(&ml_stacks, &record, address);
}

static void test_equal_stacks_have_one_id_and_different_ones_another(void)
{
    CHECK(ml_stack_table_init(&ml_stacks, 1 << 16, 1 << 10));
    const uint32_t a = ml_stack_child(&ml_stacks, 0, 2, 10),
                   b = ml_stack_child(&ml_stacks, a, 2, 10);
    CHECK(a && b && a != b);
    CHECK(ml_stack_child(&ml_stacks, 0, 2, 10) == a);
    CHECK(ml_stack_child(&ml_stacks, a, 2, 10) == b);
    CHECK(ml_stack_child(&ml_stacks, a, 3, 10) != b);
    CHECK(ml_stack_child(&ml_stacks, a, 2, 12) != b);
    for (uint32_t i = 0; i < 20000; i++) /* through several growths */
        CHECK(ml_stack_child(&ml_stacks, b, 5, i) == ml_stack_child(&ml_stacks, b, 5, i));
    CHECK(ml_stack_child(&ml_stacks, a, 2, 10) == b);
}

static void test_a_full_table_starts_anew_with_new_ids_and_another_epoch(void)
{
    CHECK(ml_stack_table_init(&ml_stacks, 2000, 1 << 10));
    const uint64_t epoch = ml_stacks.epoch;
    const uint32_t first = ml_stack_child(&ml_stacks, 0, 2, 0);
    uint32_t last = first;
    for (uint32_t i = 1; i < 10000; i++) {
        const uint32_t id = ml_stack_child(&ml_stacks, 0, 2, i);
        CHECK(id > last);
        last = id;
    }
    CHECK(ml_stacks.resets >= 4 && ml_stacks.epoch > epoch);
    CHECK(ml_stacks.stack_capacity <= 4096);
    CHECK(ml_stack_child(&ml_stacks, 0, 2, 0) > last);
    /* Every id that was given out is on its way to the trace. */
    CHECK(ml_stacks.new_stacks.size / sizeof(ml_stack_row) == ml_stacks.stacks_total);
}

static void test_equal_functions_share_an_id_wherever_they_live(void)
{
    CHECK(ml_stack_table_init(&ml_stacks, 1 << 16, 1 << 10));
    const size_t before = ml_stacks.new_codes.size;
    const uint32_t f = describe("f", 0x1000), once = (uint32_t)(ml_stacks.new_codes.size - before);
    CHECK(f > ML_CODE_TRUNCATED);
    CHECK(describe("f", 0x2000) == f);
    CHECK(ml_stacks.new_codes.size - before == once); /* written once */
    CHECK(describe("g", 0x3000) != f);
    CHECK(ml_code_find(&ml_stacks, 0x1000) == f && ml_code_find(&ml_stacks, 0x2000) == f);
}

static void test_the_address_of_a_dead_function_names_nothing(void)
{
    CHECK(ml_stack_table_init(&ml_stacks, 1 << 16, 1 << 10));
    for (uintptr_t i = 1; i <= 5000; i++)
        describe(i % 2 ? "odd" : "even", i * 16);
    const uint64_t epoch = ml_stacks.epoch;
    for (uintptr_t i = 1; i <= 5000; i += 3)
        ml_code_died(&ml_stacks, i * 16);
    CHECK(ml_stacks.epoch > epoch);
    for (uintptr_t i = 1; i <= 5000; i++)
        CHECK((ml_code_find(&ml_stacks, i * 16) != 0) == (i % 3 != 1));
    const uint64_t unchanged = ml_stacks.epoch;
    ml_code_died(&ml_stacks, 0x7fff0000); /* never known: nothing to forget */
    CHECK(ml_stacks.epoch == unchanged);
}

int main(void)
{
    test_equal_stacks_have_one_id_and_different_ones_another();
    test_a_full_table_starts_anew_with_new_ids_and_another_epoch();
    test_equal_functions_share_an_id_wherever_they_live();
    test_the_address_of_a_dead_function_names_nothing();
    ml_stack_table_clear(&ml_stacks);
    return 0;
}

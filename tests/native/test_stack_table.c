/* core/stack_table.c: one id a stack, and bounded. */
#include "check.h"
#include "core/stack_table.h"

static void test_equal_stacks_have_one_id_and_different_ones_another(void)
{
    CHECK(ml_stack_table_init(&ml_stacks, 1 << 16));
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

static void test_a_full_table_starts_anew_with_new_ids(void)
{
    CHECK(ml_stack_table_init(&ml_stacks, 2000));
    const uint32_t first = ml_stack_child(&ml_stacks, 0, 2, 0);
    uint32_t last = first;
    for (uint32_t i = 1; i < 10000; i++) {
        const uint32_t id = ml_stack_child(&ml_stacks, 0, 2, i);
        CHECK(id > last);
        last = id;
    }
    CHECK(ml_stacks.resets >= 4);
    CHECK(ml_stacks.capacity <= 4096);
    CHECK(ml_stack_child(&ml_stacks, 0, 2, 0) > last);
    /* Every id that was given out is on its way to the trace. */
    CHECK(ml_stacks.added.size / sizeof(ml_stack_row) == ml_stacks.total);
}

int main(void)
{
    test_equal_stacks_have_one_id_and_different_ones_another();
    test_a_full_table_starts_anew_with_new_ids();
    ml_stack_table_clear(&ml_stacks);
    return 0;
}

/* core/event_encoder.c: what goes into a ring comes out in the block's columns, whatever the cuts.
 */
#include <string.h>

#include "check.h"
#include "core/event_encoder.h"
#include "core/recorder.h"
#include "core/stack_table.h"

static ml_event_encoder encoder;
static ml_thread thread;

static uint64_t take_uvarint(const ml_buffer *column, size_t *at)
{
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
        const uint8_t byte = column->data[(*at)++];
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
}

static int64_t take_svarint(const ml_buffer *column, size_t *at)
{
    const uint64_t value = take_uvarint(column, at);
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

static void put(uint64_t word)
{
    uint64_t head = ml_ring_head(&thread.ring);
    ml_ring_put(&thread.ring, &head, word);
    ml_ring_publish(&thread.ring, head);
}

static void put_stack(uint64_t parent, uint64_t code_id, uint64_t instruction)
{
    put(parent << 3 | code_id << 19 | instruction << 40 | ML_WORD_STACK);
}

static void set_up(void)
{
    memset(&thread, 0, sizeof thread);
    thread.thread_id = 3;
    CHECK(ml_ring_init(&thread.ring, 1 << 18));
    thread.stacks.max_numbers = ML_STACK_NUMBERS;
    thread.stack_ids = ml_map(ML_STACK_NUMBERS * sizeof(uint32_t));
    CHECK(ml_stack_table_init(&ml_stacks, 1 << 16));
    ml_event_encoder_init(&encoder);
    ml_recording.exact = true;
}

static void tear_down(void)
{
    ml_ring_destroy(&thread.ring);
    ml_unmap(thread.stack_ids, ML_STACK_NUMBERS * sizeof(uint32_t));
    ml_stack_table_clear(&ml_stacks);
    ml_event_encoder_free(&encoder);
}

static void test_events_come_out_as_they_went_in(void)
{
    set_up();
    const uint64_t big = (uint64_t)5 << 30;
    put(ML_MAKE_WORD(ML_WORD_TIME, 1000));
    put(ML_MAKE_WORD(ML_WORD_ID, 65536));
    put_stack(0, 5, 20); /* number 1, id 1 */
    put_stack(1, 6, 30);
    put((uint64_t)2 << 32 | 48 << 8 | ML_ALLOCATOR_OBJECT << 3 | ML_WORD_ALLOCATION);
    put(ML_MAKE_WORD(ML_WORD_WINDOW, 4));
    uint64_t head = ml_ring_head(&thread.ring); /* the two words of one event, published together */
    ml_ring_put(&thread.ring, &head,
                (uint64_t)1 << 32 | ML_ALLOCATOR_RAW << 3 | ML_WORD_BIG_ALLOCATION);
    ml_ring_put(&thread.ring, &head, big);
    ml_ring_publish(&thread.ring, head);
    put((uint64_t)48 << 52 | (uint64_t)65536 << 3 | ML_WORD_FREE);
    CHECK(!ml_event_encoder_drain(&encoder, &thread));
    ml_event_encoder_close_run(&encoder);

    const ml_buffer *columns = encoder.columns.columns;
    size_t at = 0;
    CHECK(encoder.columns.rows == 3);
    CHECK(encoder.columns.first_time_ns == 1000 && encoder.columns.last_time_ns == 1000);
    CHECK(take_uvarint(&columns[6], &at) == 49 && take_uvarint(&columns[6], &at) == big + 1 &&
          take_uvarint(&columns[6], &at) == 0 && at == columns[6].size);
    CHECK(columns[7].size == 2 && columns[7].data[0] == ML_ALLOCATOR_OBJECT &&
          columns[7].data[1] == ML_ALLOCATOR_RAW);
    at = 0;
    CHECK(take_svarint(&columns[8], &at) == 2 && take_svarint(&columns[8], &at) == -1);
    at = 0;
    CHECK(take_svarint(&columns[9], &at) == 2 && at == columns[9].size); /* 65538 - 65536 */
    at = 0;
    CHECK(take_svarint(&columns[2], &at) == 0 && take_svarint(&columns[2], &at) == 4); /* window */
    at = 0;
    CHECK(take_uvarint(&columns[5], &at) == 1 && take_uvarint(&columns[5], &at) == 2); /* events */
    CHECK(encoder.allocations == 2 && encoder.frees == 1);
    CHECK(encoder.live_bytes == (double)big && encoder.live_count == 1);
    tear_down();
}

static void test_a_full_block_leaves_the_rest_for_the_next(void)
{
    set_up();
    put(ML_MAKE_WORD(ML_WORD_ID, 65536));
    for (int i = 0; i < 2 * ML_EVENTS_PER_BLOCK; i++)
        put(16 << 8 | ML_WORD_ALLOCATION);
    uint32_t events = 0, blocks = 0;
    for (bool more = true; more; blocks++) {
        more = ml_event_encoder_drain(&encoder, &thread);
        ml_event_encoder_close_run(&encoder);
        CHECK(encoder.columns.rows <= ML_EVENTS_PER_BLOCK);
        events += encoder.columns.rows;
        ml_event_encoder_next_block(&encoder);
    }
    CHECK(events == 2 * ML_EVENTS_PER_BLOCK && blocks >= 2);
    CHECK(thread.drained.next_allocation_id == 65536 + 2 * ML_EVENTS_PER_BLOCK);
    tear_down();
}

static void test_equal_stacks_have_one_id_whatever_their_numbers(void)
{
    set_up();
    put_stack(0, 5, 20);
    put_stack(1, 6, 30);
    put_stack(1, 6, 30); /* told again: the thread had forgotten it */
    put((uint64_t)2 << 32 | ML_WORD_ALLOCATION);
    put((uint64_t)3 << 32 | ML_WORD_ALLOCATION);
    put_stack(0, 0, 0); /* the numbers begin anew */
    put_stack(0, 6, 30);
    put((uint64_t)1 << 32 | ML_WORD_ALLOCATION);
    /* A function and an instruction beyond what one word holds. */
    uint64_t head = ml_ring_head(&thread.ring);
    ml_ring_put(&thread.ring, &head, (uint64_t)1 << 3 | ML_STACK_WIDE << 19 | ML_WORD_STACK);
    ml_ring_put(&thread.ring, &head, (uint64_t)0xfffffff0 << 32 | 0xfffffff2);
    ml_ring_publish(&thread.ring, head);
    put((uint64_t)2 << 32 | ML_WORD_ALLOCATION);
    CHECK(!ml_event_encoder_drain(&encoder, &thread));
    size_t at = 0;
    const ml_buffer *stacks = &encoder.columns.columns[8];
    CHECK(take_svarint(stacks, &at) == 2 && take_svarint(stacks, &at) == 0 &&
          take_svarint(stacks, &at) == 1 && take_svarint(stacks, &at) == 1 && at == stacks->size);
    const ml_stack_row *rows = (const ml_stack_row *)ml_stacks.added.data;
    CHECK(ml_stacks.added.size == 4 * sizeof *rows);
    CHECK(rows[1].stack_id == 2 && rows[1].parent_id == 1 && rows[1].code_id == 6 &&
          rows[1].instruction == 30);
    CHECK(rows[2].stack_id == 3 && rows[2].parent_id == 0);
    CHECK(rows[3].parent_id == 3 && rows[3].code_id == 0xfffffff0 &&
          rows[3].instruction == 0xfffffff2);
    tear_down();
}

static void put_mapping(uint64_t stack, uint64_t allocator, uint64_t size, uint64_t origin)
{
    uint64_t head = ml_ring_head(&thread.ring);
    ml_ring_put(&thread.ring, &head, stack << 32 | allocator << 3 | ML_WORD_BIG_ALLOCATION);
    ml_ring_put(&thread.ring, &head, size);
    ml_ring_put(&thread.ring, &head, origin);
    ml_ring_publish(&thread.ring, head);
}

static void put_unmapping(uint64_t id, uint64_t allocator, uint64_t size)
{
    uint64_t head = ml_ring_head(&thread.ring);
    ml_ring_put(&thread.ring, &head, id << 3 | ML_WORD_BIG_FREE);
    ml_ring_put(&thread.ring, &head, size | allocator << ML_FREED_ALLOCATOR_SHIFT);
    ml_ring_publish(&thread.ring, head);
}

static void test_rest_of_a_mapping_has_its_stack(void)
{
    set_up();
    put(ML_MAKE_WORD(ML_WORD_ID, 65536));
    put_stack(0, 5, 20); /* number 1, id 1 */
    put_stack(1, 6, 30);
    put_mapping(2, ML_ALLOCATOR_MMAP, 40960, 0);
    put_mapping(1, ML_ALLOCATOR_MMAP_RESERVE, (uint64_t)1 << 40, 0);
    put_mapping(0, ML_ALLOCATOR_MMAP, 8192, 65536); /* of the first one */
    put_unmapping(65536, ML_ALLOCATOR_MMAP, 40960);
    CHECK(!ml_event_encoder_drain(&encoder, &thread));
    const ml_buffer *stacks = &encoder.columns.columns[8];
    size_t at = 0;
    CHECK(take_svarint(stacks, &at) == 2 && take_svarint(stacks, &at) == -1 &&
          take_svarint(stacks, &at) == 1 && at == stacks->size);
    CHECK(encoder.live_bytes == 8192 && encoder.live_count == 1); /* addresses are no memory */
    put_unmapping(65537, ML_ALLOCATOR_MMAP_RESERVE, (uint64_t)1 << 40);
    put_unmapping(65538, ML_ALLOCATOR_MMAP, 8192);
    CHECK(!ml_event_encoder_drain(&encoder, &thread));
    CHECK(encoder.live_bytes == 0 && encoder.live_count == 0 && encoder.mappings.count == 0);
    tear_down();
}

int main(void)
{
    test_rest_of_a_mapping_has_its_stack();
    test_equal_stacks_have_one_id_whatever_their_numbers();
    test_events_come_out_as_they_went_in();
    test_a_full_block_leaves_the_rest_for_the_next();
    return 0;
}

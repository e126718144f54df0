#include "event_encoder.h"

#include "recorder.h"
#include "stack_table.h"

enum {
    RUN_THREAD,
    RUN_TIME,
    RUN_WINDOW,
    RUN_SAMPLING,
    RUN_FIRST_ID,
    RUN_EVENTS,
    SIZE,
    ALLOCATOR,
    STACK,
    FREED
};
#define SAMPLING_ID 1

bool ml_event_encoder_init(ml_event_encoder *encoder)
{
    memset(encoder, 0, sizeof *encoder);
    encoder->first_id = ml_recording.first_range << ML_ID_RANGE_BITS;
    ml_columns_init(&encoder->columns, ML_BLOCK_EVENTS, "ddddduubdd");
    /* All at once, untouched: where address space runs out later, events can still be read from the
     * rings. */
    for (int i = 0; i < encoder->columns.column_count; i++)
        if (!ml_buffer_reserve(&encoder->columns.columns[i],
                               (ML_EVENTS_PER_BLOCK + 64) * ML_VARINT_MAX_BYTES))
            return false;
    return true;
}

void ml_event_encoder_close_run(ml_event_encoder *encoder)
{
    ml_columns *columns = &encoder->columns;
    if (!encoder->run_events)
        return;
    ml_columns_put(columns, RUN_THREAD, encoder->run_thread_id);
    ml_columns_put(columns, RUN_TIME, encoder->run_time_ns);
    ml_columns_put(columns, RUN_WINDOW, encoder->run_window_id);
    ml_columns_put(columns, RUN_SAMPLING, SAMPLING_ID);
    ml_columns_put(columns, RUN_FIRST_ID, (int64_t)encoder->run_first_id);
    ml_columns_put(columns, RUN_EVENTS, encoder->run_events);
    ml_columns_cover_time(columns, encoder->run_time_ns, encoder->run_time_ns);
    columns->rows += encoder->run_events;
    encoder->run_events = 0;
}

void ml_event_encoder_next_block(ml_event_encoder *encoder)
{
    ml_columns_clear(&encoder->columns);
    encoder->last_stack_id = 0;
    encoder->last_distance = 0;
}

static inline void open_run(ml_event_encoder *encoder, const ml_thread *thread)
{
    encoder->run_thread_id = thread->thread_id;
    encoder->run_time_ns = thread->drained.time_ns;
    encoder->run_window_id = thread->drained.window_id;
    encoder->run_first_id = thread->drained.next_allocation_id;
}

static inline void account(ml_event_encoder *encoder, uint64_t size, int sign)
{
    const double weight = sign * ml_sample_weight(&ml_recording.sampling, size);
    encoder->live_bytes += (double)size * weight;
    encoder->live_count += weight;
}

bool ml_event_encoder_drain(ml_event_encoder *encoder, ml_thread *thread)
{
    ml_columns *columns = &encoder->columns;
    ml_ring *ring = &thread->ring;
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    const uint32_t so_far = columns->rows + encoder->run_events;
    if (tail == head || so_far >= ML_EVENTS_PER_BLOCK)
        return tail != head;
    /* An event is one word or two, and stacks before it; the words of one event, and of one stack,
     * are published together. */
    uint64_t end = head;
    bool more = false;
    if (head - tail > ML_EVENTS_PER_BLOCK - so_far) {
        end = tail + (ML_EVENTS_PER_BLOCK - so_far);
        more = true;
    }
    /* Room for the worst case of everything below, so that nothing has to be checked in the loop.
     */
    for (int i = 0; i < columns->column_count; i++)
        if (!ml_buffer_reserve(&columns->columns[i],
                               (size_t)(end - tail + 2) * ML_VARINT_MAX_BYTES))
            return true; /* no memory now: try again at the next turn */
    if (encoder->run_thread_id != thread->thread_id)
        ml_event_encoder_close_run(encoder);

    ml_buffer *sizes = &columns->columns[SIZE], *allocators = &columns->columns[ALLOCATOR];
    ml_buffer *stacks = &columns->columns[STACK], *freed = &columns->columns[FREED];
    while (tail < end) {
        const uint64_t word = ring->words[tail++ & ring->mask];
        switch (ML_WORD_KIND(word)) {
        case ML_WORD_ALLOCATION:
        case ML_WORD_BIG_ALLOCATION: {
            uint64_t size = word >> 8 & 0xffffff;
            if (ML_WORD_KIND(word) == ML_WORD_BIG_ALLOCATION)
                size = ring->words[tail++ & ring->mask];
            if (!encoder->run_events++)
                open_run(encoder, thread);
            const int64_t stack_id = thread->stack_ids[word >> 32];
            ml_put_uvarint(sizes, size + 1);
            ml_put_byte(allocators, (uint8_t)(word >> 3 & 31));
            ml_put_svarint(stacks, stack_id - encoder->last_stack_id);
            encoder->last_stack_id = stack_id;
            thread->drained.next_allocation_id++;
            account(encoder, ml_live_size(size), 1); /* as its free will say it */
            encoder->allocations++;
            break;
        }
        case ML_WORD_FREE:
        case ML_WORD_BIG_FREE: {
            uint64_t size = ML_WORD_FREED_SIZE(word);
            if (ML_WORD_KIND(word) == ML_WORD_BIG_FREE)
                size = ring->words[tail++ & ring->mask];
            if (ML_UNLIKELY(ML_WORD_FREED_ID(word) < encoder->first_id))
                break; /* entered by a thread that was in a hook while a recording ended and this
                          one began */
            if (!encoder->run_events++)
                open_run(encoder, thread);
            /* Blocks die in the order, or the reverse order, in which they were born, and one by
             * one or in heaps: the change of the distance repeats itself in all of these cases,
             * which is what compresses. */
            const int64_t distance =
                (int64_t)(thread->drained.next_allocation_id - ML_WORD_FREED_ID(word));
            ml_put_uvarint(sizes, 0);
            ml_put_svarint(freed, distance - encoder->last_distance);
            encoder->last_distance = distance;
            account(encoder, size, -1);
            encoder->frees++;
            break;
        }
        case ML_WORD_STACK: {
            uint64_t code_id = ML_WORD_STACK_CODE(word);
            uint64_t instruction = ML_WORD_STACK_INSTRUCTION(word);
            if (ML_UNLIKELY(code_id == ML_STACK_WIDE)) {
                const uint64_t wide = ring->words[tail++ & ring->mask];
                code_id = wide >> 32;
                instruction = wide & UINT32_MAX;
            }
            if (ML_UNLIKELY(code_id == 0)) {
                thread->drained.stack_numbers = 0;
                break;
            }
            const uint32_t parent_id = thread->stack_ids[ML_WORD_STACK_PARENT(word)];
            thread->stack_ids[++thread->drained.stack_numbers] =
                ml_stack_child(&ml_stacks, parent_id, (uint32_t)code_id, (uint32_t)instruction);
            break;
        }
        case ML_WORD_TIME:
            ml_event_encoder_close_run(encoder);
            thread->drained.time_ns = (int64_t)ML_WORD_VALUE(word);
            break;
        case ML_WORD_WINDOW:
            ml_event_encoder_close_run(encoder);
            thread->drained.window_id = (uint32_t)ML_WORD_VALUE(word);
            break;
        case ML_WORD_ID:
            ml_event_encoder_close_run(encoder);
            thread->drained.next_allocation_id = ML_WORD_VALUE(word);
            break;
        default:
            break;
        }
    }
    atomic_store_explicit(&ring->tail, tail, memory_order_release);
    return more;
}

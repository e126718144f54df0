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

bool ml_event_encoder_init(ml_event_encoder *encoder)
{
    memset(encoder, 0, sizeof *encoder);
    encoder->first_id = ml_recording.first_range << ML_ID_RANGE_BITS;
    ml_pace_counts_init(&encoder->pace, ml_recording.samplings, ml_recording.sampling_count);
    ml_columns_init(&encoder->columns, ML_BLOCK_EVENTS, "ddddduubdd");
    /* All at once, untouched: where address space runs out later, events can still be read from the
     * rings. */
    for (int i = 0; i < encoder->columns.column_count; i++)
        if (!ml_buffer_reserve(&encoder->columns.columns[i],
                               (ML_EVENTS_PER_BLOCK + 64) * ML_VARINT_MAX_BYTES))
            return false;
    return true;
}

void ml_event_encoder_free(ml_event_encoder *encoder)
{
    ml_columns_free(&encoder->columns);
    ml_mapping_stacks_free(&encoder->mappings);
    ml_carried_free(&encoder->carried);
}

void ml_event_encoder_close_run(ml_event_encoder *encoder)
{
    ml_columns *columns = &encoder->columns;
    if (!encoder->run_events)
        return;
    ml_columns_put(columns, RUN_THREAD, encoder->run_thread_id);
    ml_columns_put(columns, RUN_TIME, encoder->run_time_ns);
    ml_columns_put(columns, RUN_WINDOW, encoder->run_window_id);
    ml_columns_put(columns, RUN_SAMPLING, ML_SAMPLING_ID(encoder->run_sampling));
    ml_columns_put(columns, RUN_FIRST_ID, (int64_t)encoder->run_first_id);
    ml_columns_put(columns, RUN_EVENTS, encoder->run_events);
    ml_columns_cover_time(columns, encoder->run_time_ns, encoder->run_time_ns);
    columns->rows += encoder->run_events;
    encoder->samplings_named |= 1u << encoder->run_sampling;
    encoder->run_events = 0;
}

void ml_event_encoder_next_block(ml_event_encoder *encoder)
{
    ml_columns_clear(&encoder->columns);
    encoder->last_stack_id = 0;
    encoder->last_distance = 0;
}

static inline void open_run(ml_event_encoder *encoder, const ml_thread *thread, uint64_t next_id)
{
    encoder->run_thread_id = thread->thread_id;
    encoder->run_time_ns = thread->drained.time_ns;
    encoder->run_window_id = thread->drained.window_id;
    encoder->run_sampling = thread->drained.sampling;
    encoder->run_first_id = next_id;
}

/* What the loop below works with, in registers: a byte that is put into a column could be one of
 * any of these if they stood in memory. */
typedef struct {
    uint8_t *size, *allocator, *stack, *freed; /* where the next byte of each column goes */
    int64_t last_stack_id, last_distance;
    uint64_t next_id;
    uint32_t run_events;
    uint64_t allocations, frees;
    uint64_t bytes_allocated, bytes_freed; /* unweighted */
    int64_t not_of_heap; /* allocations less frees, of what is no memory that was asked for */
    double live_bytes, live_count;
} drain_state;

/* Of an allocation, or the free of one, that was recorded under this sampling. Its weight. */
ML_INLINE double account(drain_state *state, uint64_t size, int sign, unsigned sampling, bool exact)
{
    if (exact) {
        *(sign > 0 ? &state->bytes_allocated : &state->bytes_freed) += size;
        return 1;
    }
    const double weight = ml_sample_weight(&ml_recording.samplings[sampling], size);
    state->live_bytes += sign * (double)size * weight;
    state->live_count += sign * weight;
    return weight;
}

static inline uint8_t *column_end(ml_columns *columns, int column)
{
    return columns->columns[column].data + columns->columns[column].size;
}

static inline void set_column_end(ml_columns *columns, int column, const uint8_t *end)
{
    columns->columns[column].size = (size_t)(end - columns->columns[column].data);
}

ML_INLINE void begin(drain_state *state, ml_event_encoder *encoder, const ml_thread *thread)
{
    *state = (drain_state){
        .size = column_end(&encoder->columns, SIZE),
        .allocator = column_end(&encoder->columns, ALLOCATOR),
        .stack = column_end(&encoder->columns, STACK),
        .freed = column_end(&encoder->columns, FREED),
        .last_stack_id = encoder->last_stack_id,
        .last_distance = encoder->last_distance,
        .next_id = thread->drained.next_allocation_id,
        .run_events = encoder->run_events,
    };
}

ML_INLINE void finish(const drain_state *state, ml_event_encoder *encoder, ml_thread *thread)
{
    set_column_end(&encoder->columns, SIZE, state->size);
    set_column_end(&encoder->columns, ALLOCATOR, state->allocator);
    set_column_end(&encoder->columns, STACK, state->stack);
    set_column_end(&encoder->columns, FREED, state->freed);
    encoder->last_stack_id = state->last_stack_id;
    encoder->last_distance = state->last_distance;
    thread->drained.next_allocation_id = state->next_id;
    encoder->run_events = state->run_events;
    encoder->allocations += state->allocations;
    encoder->frees += state->frees;
    if (ml_recording.exact) {
        encoder->live_bytes += (double)(int64_t)(state->bytes_allocated - state->bytes_freed);
        encoder->live_count +=
            (double)((int64_t)(state->allocations - state->frees) - state->not_of_heap);
    } else {
        encoder->live_bytes += state->live_bytes;
        encoder->live_count += state->live_count;
    }
}

/* The stack of a mapping, which a rest of another one has from that. */
static ML_NOINLINE int64_t begin_mapping(ml_event_encoder *encoder, uint64_t allocation_id,
                                         int64_t stack_id, uint64_t origin)
{
    if (origin)
        stack_id = ml_mapping_stack(&encoder->mappings, origin);
    ml_mapping_stack_begins(&encoder->mappings, allocation_id, (uint32_t)stack_id);
    return stack_id;
}

/* Of a trace with bounded size. */
static ML_NOINLINE void begin_carried(ml_event_encoder *encoder, const ml_thread *thread,
                                      uint64_t allocation_id, uint64_t size, uint32_t allocator,
                                      int64_t stack_id)
{
    ml_carried_begins(&encoder->carried, &(ml_carried_block){.allocation_id = allocation_id,
                                                             .size = size,
                                                             .time_ns = thread->drained.time_ns,
                                                             .stack_id = (uint32_t)stack_id,
                                                             .thread_id = thread->thread_id,
                                                             .window_id = thread->drained.window_id,
                                                             .allocator = (uint8_t)allocator,
                                                             .sampling = thread->drained.sampling});
}

/* Everything but allocations and frees. The words that it took. */
static ML_NOINLINE uint32_t drain_rare(ml_event_encoder *encoder, ml_thread *thread, uint64_t word,
                                       uint64_t next_word)
{
    switch (ML_WORD_KIND(word)) {
    case ML_WORD_STACK: {
        uint64_t code_id = ML_WORD_STACK_CODE(word);
        uint64_t instruction = ML_WORD_STACK_INSTRUCTION(word);
        const bool is_wide = code_id == ML_STACK_WIDE;
        if (ML_UNLIKELY(is_wide)) {
            code_id = next_word >> 32;
            instruction = next_word & UINT32_MAX;
        }
        if (ML_UNLIKELY(code_id == 0)) {
            thread->drained.stack_numbers = 0;
            return 1;
        }
        const uint32_t parent_id = thread->stack_ids[ML_WORD_STACK_PARENT(word)];
        thread->stack_ids[++thread->drained.stack_numbers] =
            ml_stack_child(&ml_stacks, parent_id, (uint32_t)code_id, (uint32_t)instruction);
        return is_wide ? 2 : 1;
    }
    case ML_WORD_TIME:
        ml_event_encoder_close_run(encoder);
        thread->drained.time_ns = (int64_t)ML_WORD_VALUE(word);
        return 1;
    case ML_WORD_WINDOW:
        ml_event_encoder_close_run(encoder);
        thread->drained.window_id = (uint32_t)ML_WORD_VALUE(word);
        thread->drained.sampling = (uint8_t)(ML_WORD_VALUE(word) >> 32);
        return 1;
    case ML_WORD_ID:
        ml_event_encoder_close_run(encoder);
        thread->drained.next_allocation_id = ML_WORD_VALUE(word);
        return 1;
    default:
        return 1;
    }
}

ML_INLINE uint64_t drain(ml_event_encoder *encoder, ml_thread *thread, uint64_t tail, uint64_t end,
                         bool exact)
{
    const uint64_t *const words = thread->ring.words;
    const uint64_t mask = thread->ring.mask, first_id = encoder->first_id;
    const bool carries = encoder->carried.keeps, paced = ml_recording.sampling_count > 1;
    drain_state state;
    begin(&state, encoder, thread);
    while (tail < end) {
        const uint64_t word = words[tail & mask];
        const unsigned kind = ML_WORD_KIND(word);
        if (ML_LIKELY(kind == ML_WORD_ALLOCATION || kind == ML_WORD_BIG_ALLOCATION)) {
            const uint32_t allocator = word >> 3 & 31;
            uint64_t size = word >> 8 & 0xffffff;
            int64_t stack_id = thread->stack_ids[word >> 32];
            if (ML_UNLIKELY(kind == ML_WORD_BIG_ALLOCATION)) {
                size = words[++tail & mask];
                if (ml_is_mapping(allocator))
                    stack_id =
                        begin_mapping(encoder, state.next_id, stack_id, words[++tail & mask]);
            }
            tail++;
            if (ML_UNLIKELY(carries))
                begin_carried(encoder, thread, state.next_id, size, allocator, stack_id);
            if (ML_UNLIKELY(!state.run_events++))
                open_run(encoder, thread, state.next_id);
            state.size = ml_uvarint_at(state.size, size + 1);
            *state.allocator++ = (uint8_t)allocator;
            state.stack = ml_svarint_at(state.stack, stack_id - state.last_stack_id);
            state.last_stack_id = stack_id;
            state.next_id++;
            state.allocations++;
            double weight = 1;
            if (ML_LIKELY(!ml_is_mapping(allocator)))
                weight = account(&state, ml_live_size(size), 1, thread->drained.sampling,
                                 exact); /* as its free will say it */
            else if (ml_is_of_heap(allocator))
                weight = account(&state, size, 1, thread->drained.sampling, exact);
            else
                state.not_of_heap++;
            if (!exact && ML_UNLIKELY(paced))
                ml_pace_count(&encoder->pace, size, weight);
        } else if (ML_LIKELY(kind == ML_WORD_FREE || kind == ML_WORD_BIG_FREE)) {
            uint64_t size = ML_WORD_FREED_SIZE(word);
            bool is_of_heap = true;
            if (ML_UNLIKELY(kind == ML_WORD_BIG_FREE)) {
                size = words[++tail & mask];
                const uint32_t allocator = (uint32_t)(size >> ML_FREED_ALLOCATOR_SHIFT);
                size &= ((uint64_t)1 << ML_FREED_ALLOCATOR_SHIFT) - 1;
                is_of_heap = ml_is_of_heap(allocator);
                if (ml_is_mapping(allocator))
                    ml_mapping_stack_ends(&encoder->mappings, ML_WORD_FREED_ID(word));
            }
            tail++;
            if (ML_UNLIKELY(ML_WORD_FREED_ID(word) < first_id))
                continue; /* entered by a thread that was in a hook while a recording ended and
                             this one began */
            if (ML_UNLIKELY(carries))
                ml_carried_ends(&encoder->carried, ML_WORD_FREED_ID(word));
            if (ML_UNLIKELY(!state.run_events++))
                open_run(encoder, thread, state.next_id);
            /* Blocks die in the order, or the reverse order, in which they were born, and one by
             * one or in heaps: the change of the distance repeats itself in all of these cases,
             * which is what compresses. */
            const int64_t distance = (int64_t)(state.next_id - ML_WORD_FREED_ID(word));
            state.size = ml_uvarint_at(state.size, 0);
            state.freed = ml_svarint_at(state.freed, distance - state.last_distance);
            state.last_distance = distance;
            state.frees++;
            if (ML_LIKELY(is_of_heap))
                account(&state, size, -1, paced ? ML_WORD_FREED_SAMPLING(word) : 0, exact);
            else
                state.not_of_heap--;
        } else {
            encoder->run_events = state.run_events;
            tail += drain_rare(encoder, thread, word, words[(tail + 1) & mask]);
            state.run_events = encoder->run_events;
            if (kind == ML_WORD_ID)
                state.next_id = thread->drained.next_allocation_id;
        }
    }
    finish(&state, encoder, thread);
    return tail;
}

bool ml_event_encoder_drain(ml_event_encoder *encoder, ml_thread *thread)
{
    ml_columns *columns = &encoder->columns;
    ml_ring *ring = &thread->ring;
    const uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    const uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
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
    const uint64_t done = ml_recording.exact ? drain(encoder, thread, tail, end, true)
                                             : drain(encoder, thread, tail, end, false);
    atomic_store_explicit(&ring->tail, done, memory_order_release);
    return more;
}

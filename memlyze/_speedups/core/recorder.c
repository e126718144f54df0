#include "recorder.h"

#include "writer.h"

#include <string.h>
#include <time.h>

ml_recorder ml_recording;

/* Waits for room in the ring, or gives the event up, as configured. `reserve` words are left to others. */
static ML_NOINLINE bool make_room(ml_thread *thread, bool is_free)
{
    ml_ring *ring = &thread->ring;
    const uint64_t capacity = ml_ring_capacity(ring);
    /* Where events may be dropped, a quarter is kept for frees: a lost free would show a leak that is none. */
    const uint64_t usable = ml_recording.drop_when_full && !is_free ? capacity / 4 * 3 : capacity;
    int64_t waiting_since = 0;
    for (;;) {
        uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
        uint64_t used = ring->head_private - tail;
        if (used + ML_WORDS_PER_EVENT <= usable) {
            ring->limit = tail + (used + ML_WORDS_PER_EVENT <= capacity / 2 ? capacity / 2 : usable);
            if (used >= capacity / 2)
                ml_writer_wake();
            break;
        }
        if (thread->session != atomic_load_explicit(&ml_session, memory_order_relaxed))
            return false; /* stopped while waiting */
        if (ml_recording.drop_when_full) {
            atomic_fetch_add_explicit(
                is_free ? &ml_recording.frees_dropped : &ml_recording.allocations_dropped, 1,
                memory_order_relaxed);
            ml_writer_wake();
            return false;
        }
        if (!waiting_since) {
            waiting_since = ml_monotonic_ns();
            atomic_fetch_add_explicit(&ml_recording.waits, 1, memory_order_relaxed);
        }
        ml_writer_wake();
        struct timespec moment = {0, 50000};
        nanosleep(&moment, NULL);
    }
    if (waiting_since)
        atomic_fetch_add_explicit(&ml_recording.wait_ns,
                                  (uint64_t)(ml_monotonic_ns() - waiting_since),
                                  memory_order_relaxed);
    return true;
}

ML_INLINE bool open_event(ml_thread *thread, bool is_free)
{
    ml_ring *ring = &thread->ring;
    if (ML_UNLIKELY(!ml_ring_has_room(ring)) && !make_room(thread, is_free))
        return false;
    int64_t now = ml_now_ns();
    if (now != thread->last_time_ns) {
        thread->last_time_ns = now;
        ml_ring_put(ring, ML_MAKE_WORD(ML_WORD_TIME, now));
    }
    return true;
}

/* Only the owner writes these counters: a load and a store, no locked instruction. */
#define ADD(counter, value)                                                                         \
    atomic_store_explicit(&(counter), atomic_load_explicit(&(counter), memory_order_relaxed) + (value), \
                          memory_order_relaxed)

static inline void account(ml_thread *thread, size_t size, int sign)
{
    if (ml_recording.exact) {
        ADD(thread->live_bytes, sign * (int64_t)size);
        ADD(thread->live_count, sign);
    } else {
        double weight = ml_sample_weight(&ml_recording.sampling, size);
        ADD(thread->live_bytes, sign * (int64_t)((double)size * weight));
        ADD(thread->live_count, sign * (int64_t)weight);
    }
}

static ML_NOINLINE void close_stale(ml_thread *thread, uintptr_t address, ml_live stale)
{
    atomic_fetch_add_explicit(&ml_recording.stale_closed, stale.allocation_id != 0,
                              memory_order_relaxed);
    ml_record_free(thread, address, stale);
}

void ml_record_allocation(ml_thread *thread, uintptr_t address, size_t size, uint32_t allocator,
                          uint32_t stack_id)
{
    ml_ring *ring = &thread->ring;
    if (!open_event(thread, false))
        return;
    if (ML_UNLIKELY(thread->next_allocation_id == thread->next_range_id)) {
        ml_thread_next_range(thread);
        if (thread->next_range_id > ML_MAX_ALLOCATION_ID) {
            thread->next_allocation_id = thread->next_range_id;
            atomic_fetch_add(&ml_recording.allocations_dropped, 1);
            return;
        }
        ml_ring_put(ring, ML_MAKE_WORD(ML_WORD_ID, thread->next_allocation_id));
    }
    if (ML_UNLIKELY(thread->window_id != thread->last_window_id)) {
        thread->last_window_id = thread->window_id;
        ml_ring_put(ring, ML_MAKE_WORD(ML_WORD_WINDOW, thread->window_id));
    }
    ml_live live = {thread->next_allocation_id, size, false}, stale;
    bool inserted;
    if (ML_UNLIKELY(ml_live_table_insert(&ml_recording.live, address, live, &stale, &inserted)))
        close_stale(thread, address, stale);
    if (ML_UNLIKELY(!inserted)) {
        atomic_fetch_add(&ml_recording.allocations_dropped, 1);
        return;
    }
    thread->next_allocation_id++;
    uint64_t word = (uint64_t)stack_id << 32 | allocator << 3;
    if (ML_LIKELY(size < ML_SMALL_SIZE_LIMIT)) {
        ml_ring_put(ring, word | (uint64_t)size << 8 | ML_WORD_ALLOCATION);
    } else {
        ml_ring_put(ring, word | ML_WORD_BIG_ALLOCATION);
        ml_ring_put(ring, size);
    }
    ml_ring_publish(ring);
    account(thread, size, 1);
    ADD(thread->allocations, 1);
}

void ml_record_free(ml_thread *thread, uintptr_t address, ml_live live)
{
    if (ML_UNLIKELY(live.is_code))
        ml_code_died(&ml_stacks, address);
    if (ML_UNLIKELY(live.allocation_id == 0))
        return;
    if (!open_event(thread, true))
        return;
    ml_ring_put(&thread->ring, ML_MAKE_WORD(ML_WORD_FREE, live.allocation_id));
    ml_ring_publish(&thread->ring);
    account(thread, live.size, -1);
    ADD(thread->frees, 1);
}

void ml_recorder_restore(uintptr_t address, ml_live live)
{
    ml_live stale;
    bool inserted;
    ml_live_table_insert(&ml_recording.live, address, live, &stale, &inserted);
}

ml_totals ml_recorder_totals(void)
{
    ml_totals totals = {
        atomic_load(&ml_recording.ended_allocations), atomic_load(&ml_recording.ended_frees),
        atomic_load(&ml_recording.ended_live_bytes), atomic_load(&ml_recording.ended_live_count)};
    const uint64_t session = atomic_load(&ml_session);
    ml_lock(&ml_threads_lock);
    for (ml_thread *thread = ml_threads; thread; thread = thread->next) {
        if (session && __atomic_load_n(&thread->session, __ATOMIC_ACQUIRE) != session)
            continue;
        totals.allocations += atomic_load_explicit(&thread->allocations, memory_order_relaxed);
        totals.frees += atomic_load_explicit(&thread->frees, memory_order_relaxed);
        totals.live_bytes += atomic_load_explicit(&thread->live_bytes, memory_order_relaxed);
        totals.live_count += atomic_load_explicit(&thread->live_count, memory_order_relaxed);
    }
    ml_unlock(&ml_threads_lock);
    return totals;
}

void ml_recorder_abandon(void)
{
    atomic_store(&ml_session, 0);
}

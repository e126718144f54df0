#include "recorder.h"

#include "helper_thread.h"

#include <string.h>
#include <time.h>

ml_recorder ml_recording;

ML_NOINLINE bool ml_recorder_make_room(ml_thread *thread, uint32_t more_words, bool is_free)
{
    const uint32_t words = more_words + ML_WORDS_PER_EVENT;
    ml_ring *ring = &thread->ring;
    const uint64_t capacity = ml_ring_capacity(ring);
    /* Where events may be dropped, a quarter is kept for frees: a lost free would show a leak that
     * is none. */
    const uint64_t for_allocations = ml_recording.drop_when_full ? capacity / 4 * 3 : capacity;
    const uint64_t usable = is_free ? capacity : for_allocations;
    int64_t waiting_since = 0;
    for (;;) {
        uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
        uint64_t used = ml_ring_head(ring) - tail;
        if (used + words <= usable) {
            ring->limit = tail + (used + words <= capacity / 2 ? capacity / 2 : for_allocations);
            if (used >= capacity / 2)
                ml_helper_wake();
            break;
        }
        if (thread->session != atomic_load_explicit(&ml_session, memory_order_relaxed))
            return false; /* stopped while waiting */
        if (ml_recording.drop_when_full || ml_helper_is_paused()) {
            atomic_fetch_add_explicit(is_free ? &ml_recording.frees_dropped
                                              : &ml_recording.allocations_dropped,
                                      1, memory_order_relaxed);
            if (!ml_recording.drop_when_full)
                atomic_fetch_add_explicit(&ml_recording.dropped_in_fork, 1, memory_order_relaxed);
            ml_helper_wake();
            return false;
        }
        if (!ml_helper_is_here()) { /* nobody would ever make room */
            ml_recorder_abandon();
            return false;
        }
        if (!waiting_since) {
            waiting_since = ml_monotonic_ns();
            atomic_fetch_add_explicit(&ml_recording.waits, 1, memory_order_relaxed);
        }
        ml_helper_wake();
        struct timespec moment = {0, 50000};
        nanosleep(&moment, NULL);
    }
    if (waiting_since)
        atomic_fetch_add_explicit(&ml_recording.wait_ns,
                                  (uint64_t)(ml_monotonic_ns() - waiting_since),
                                  memory_order_relaxed);
    return true;
}

static void put(ml_thread *thread, uint64_t word)
{
    uint64_t head = ml_ring_head(&thread->ring);
    ml_ring_put(&thread->ring, &head, word);
    ml_ring_publish(&thread->ring, head);
}

void ml_recorder_raise_clock(int64_t now_ns)
{
    int64_t known_ns = atomic_load_explicit(&ml_recording.coarse_now_ns, memory_order_relaxed);
    while (known_ns < now_ns &&
           !atomic_compare_exchange_weak_explicit(&ml_recording.coarse_now_ns, &known_ns, now_ns,
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
}

int64_t ml_recorder_step_clock(void)
{
    const int64_t now_ns = ml_monotonic_ns() - ml_recording.start_monotonic_ns;
    if (ml_recording.coarse_clock)
        ml_recorder_raise_clock(now_ns);
    return now_ns;
}

ML_NOINLINE void ml_recorder_put_time(ml_thread *thread)
{
    const int64_t now_ns = ml_now_ns();
    if (now_ns == thread->last_time_ns)
        return;
    thread->last_time_ns = now_ns;
    if (now_ns >= thread->stacks.next_look_ns)
        thread->stacks.seen_to_epoch = 0;
    put(thread, ML_MAKE_WORD(ML_WORD_TIME, now_ns));
}

ML_NOINLINE bool ml_recorder_open_allocation(ml_thread *thread)
{
    if (ML_UNLIKELY(thread->is_late))
        ml_thread_allocates(thread);
    if (thread->next_allocation_id == thread->next_range_id) {
        ml_thread_next_range(thread);
        /* A range taken after the recording ended may be one of the next recording. */
        if (thread->session != atomic_load(&ml_session)) {
            thread->next_allocation_id = thread->attention_id = thread->next_range_id;
            return false;
        }
        if (thread->next_range_id > ML_MAX_ALLOCATION_ID) {
            thread->next_allocation_id = thread->attention_id = thread->next_range_id;
            atomic_fetch_add(&ml_recording.allocations_dropped, 1);
            return false;
        }
        put(thread, ML_MAKE_WORD(ML_WORD_ID, thread->next_allocation_id));
    }
    if (ml_thread_has_news(thread)) {
        thread->last_window_id = thread->window_id;
        thread->last_sampling = thread->sampling;
        put(thread,
            ML_MAKE_WORD(ML_WORD_WINDOW, (uint64_t)thread->sampling << 32 | thread->window_id));
    }
    thread->attention_id = thread->next_range_id;
    return true;
}

static void put_free(ml_thread *thread, ml_live live)
{
    uint64_t head = ml_ring_head(&thread->ring);
    const uint64_t word = live.allocation_id << 3 | ML_FREED_SAMPLING(live.sampling);
    if (live.size < ML_SMALL_FREE_LIMIT) {
        ml_ring_put(&thread->ring, &head, word | (uint64_t)live.size << 52 | ML_WORD_FREE);
    } else {
        ml_ring_put(&thread->ring, &head, word | ML_WORD_BIG_FREE);
        ml_ring_put(&thread->ring, &head, live.size);
    }
    ml_ring_publish(&thread->ring, head);
}

ML_NOINLINE bool ml_recorder_enter_slowly(ml_thread *thread, uintptr_t address, size_t size)
{
    if (ml_live_table_insert_marked(&ml_recording.live, address, thread->next_allocation_id, size))
        return true;
    const ml_live live = {thread->next_allocation_id, size, false, thread->sampling};
    ml_live stale;
    bool inserted;
    if (ml_live_table_insert(&ml_recording.live, address, live, &stale, &inserted)) {
        if (stale.is_watched)
            ml_threads_end_anchor(address);
        if (stale.allocation_id != 0) {
            atomic_fetch_add_explicit(&ml_recording.stale_closed, 1, memory_order_relaxed);
            put_free(thread, stale);
        }
    }
    if (!inserted) {
        atomic_fetch_add(&ml_recording.allocations_dropped, 1);
        atomic_fetch_add(&ml_recording.dropped_for_memory, 1);
    }
    return inserted;
}

void ml_record_taken(ml_thread *thread, uintptr_t address, ml_live live)
{
    if (live.is_watched)
        ml_threads_end_anchor(address);
    if (live.allocation_id == 0 || !ml_recorder_has_room(thread, 0, true))
        return;
    ml_recorder_put_time(thread);
    put_free(thread, live);
}

ML_NOINLINE int64_t ml_record_free_slowly(ml_thread *thread, uintptr_t address, uint64_t entry)
{
    ml_live live = ml_direct_unpack(entry);
    if (entry == 0 && !ml_live_table_take(&ml_recording.live, address, &live))
        return -1;
    ml_record_taken(thread, address, live);
    return (int64_t)live.size;
}

void ml_recorder_restore(uintptr_t address, ml_live live)
{
    ml_live stale;
    bool inserted;
    ml_live_table_insert(&ml_recording.live, address, live, &stale, &inserted);
}

uint64_t ml_record_mapping(ml_thread *thread, size_t size, uint32_t allocator, uint32_t stack,
                           uint64_t origin, uint8_t sampling)
{
    const uint8_t present_sampling = thread->sampling;
    uint64_t allocation_id = 0;
    if (!ml_recorder_has_room(thread, 0, false))
        return 0;
    ml_thread_set_sampling(thread, sampling);
    ml_recorder_put_time(thread);
    if (thread->next_allocation_id != thread->attention_id || ml_recorder_open_allocation(thread)) {
        uint64_t head = ml_ring_head(&thread->ring);
        ml_ring_put(&thread->ring, &head,
                    (uint64_t)stack << 32 | allocator << 3 | ML_WORD_BIG_ALLOCATION);
        ml_ring_put(&thread->ring, &head, size);
        ml_ring_put(&thread->ring, &head, origin);
        ml_ring_publish(&thread->ring, head);
        allocation_id = thread->next_allocation_id++;
    }
    ml_thread_set_sampling(thread, present_sampling);
    return allocation_id;
}

void ml_record_unmapping(ml_thread *thread, uint64_t allocation_id, size_t size, uint32_t allocator,
                         uint8_t sampling)
{
    if (!ml_recorder_has_room(thread, 0, true))
        return;
    ml_recorder_put_time(thread);
    uint64_t head = ml_ring_head(&thread->ring);
    ml_ring_put(&thread->ring, &head,
                allocation_id << 3 | ML_FREED_SAMPLING(sampling) | ML_WORD_BIG_FREE);
    ml_ring_put(&thread->ring, &head, size | (uint64_t)allocator << ML_FREED_ALLOCATOR_SHIFT);
    ml_ring_publish(&thread->ring, head);
}

ML_NOINLINE void ml_recorder_follow_pace(ml_thread *thread, bool has_sampled)
{
    if (has_sampled)
        ml_pace_sampled(&ml_recording.pace);
    ml_thread_set_sampling(thread, ml_pace_wished(&ml_recording.pace));
}

ML_NOINLINE bool ml_recorder_is_due_anew(ml_thread *thread, size_t size)
{
    ml_recorder_follow_pace(thread, false);
    ml_sampler_refill(&thread->sampler, &ml_recording.samplings[thread->sampling]);
    return ml_sampler_spend(&thread->sampler, size, thread->surcharge_bytes);
}

void ml_recorder_abandon(void)
{
    ml_session_close();
}

#include "recorder.h"

#include "writer.h"

#include <string.h>
#include <time.h>

ml_recorder ml_recording;

ML_NOINLINE bool ml_recorder_make_room(ml_thread *thread, bool is_free)
{
    ml_ring *ring = &thread->ring;
    const uint64_t capacity = ml_ring_capacity(ring);
    /* Where events may be dropped, a quarter is kept for frees: a lost free would show a leak that
     * is none. */
    const uint64_t usable = ml_recording.drop_when_full && !is_free ? capacity / 4 * 3 : capacity;
    int64_t waiting_since = 0;
    for (;;) {
        uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
        uint64_t used = ml_ring_head(ring) - tail;
        if (used + ML_WORDS_PER_EVENT <= usable) {
            ring->limit =
                tail + (used + ML_WORDS_PER_EVENT <= capacity / 2 ? capacity / 2 : usable);
            if (used >= capacity / 2)
                ml_writer_wake();
            break;
        }
        if (thread->session != atomic_load_explicit(&ml_session, memory_order_relaxed))
            return false; /* stopped while waiting */
        if (ml_recording.drop_when_full || ml_writer_is_paused()) {
            atomic_fetch_add_explicit(is_free ? &ml_recording.frees_dropped
                                              : &ml_recording.allocations_dropped,
                                      1, memory_order_relaxed);
            ml_writer_wake();
            return false;
        }
        if (!ml_writer_is_here()) { /* nobody would ever make room */
            ml_recorder_abandon();
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

ML_NOINLINE bool ml_recorder_open_allocation(ml_thread *thread, uint64_t *head)
{
    if (thread->next_allocation_id == thread->next_range_id) {
        ml_thread_next_range(thread);
        /* A range taken after the recording ended may be one of the next recording. */
        if (thread->session != atomic_load(&ml_session)) {
            thread->next_allocation_id = thread->next_range_id;
            return false;
        }
        if (thread->next_range_id > ML_MAX_ALLOCATION_ID) {
            thread->next_allocation_id = thread->next_range_id;
            atomic_fetch_add(&ml_recording.allocations_dropped, 1);
            return false;
        }
        ml_ring_put(&thread->ring, head, ML_MAKE_WORD(ML_WORD_ID, thread->next_allocation_id));
    }
    if (thread->window_id != thread->last_window_id) {
        thread->last_window_id = thread->window_id;
        ml_ring_put(&thread->ring, head, ML_MAKE_WORD(ML_WORD_WINDOW, thread->window_id));
    }
    return true;
}

ML_NOINLINE void ml_recorder_close_stale(ml_thread *thread, uint64_t *head, uintptr_t address,
                                         ml_live stale)
{
    if (stale.is_code)
        ml_code_died(&ml_stacks, address);
    if (stale.allocation_id == 0)
        return;
    atomic_fetch_add_explicit(&ml_recording.stale_closed, 1, memory_order_relaxed);
    ml_recorder_put_free(thread, head, stale);
}

void ml_recorder_restore(uintptr_t address, ml_live live)
{
    ml_live stale;
    bool inserted;
    ml_live_table_insert(&ml_recording.live, address, live, &stale, &inserted);
}

void ml_recorder_abandon(void)
{
    atomic_store(&ml_session, 0);
}

/* The recorder: what a hook calls when memory was had or is about to be given back.
 *
 * It knows nothing of Python. A hook finds its thread's state (thread_state.h), asks the sampler
 * (sampler.h), captures a stack in its own way, and reports here. */
#ifndef MEMLYZE_RECORDER_H
#define MEMLYZE_RECORDER_H

#include "clock.h"
#include "live_table.h"
#include "sampler.h"
#include "stack_table.h"
#include "thread_state.h"

enum { ML_ALLOCATOR_RAW = 0, ML_ALLOCATOR_MEM = 1, ML_ALLOCATOR_OBJECT = 2 };

typedef struct {
    const char *output_file; /* UTF-8 or file-system bytes */
    bool overwrite;
    const char *header_metadata_json;
    double interval_bytes; /* 0: exact */
    double rate;
    int64_t surcharge_bytes;
    uint32_t max_stack_depth;
    uint32_t memory_interval_ms;
    bool drop_when_full; /* otherwise the program waits */
    uint64_t seed;       /* 0: from the system's random source */
} ml_options;

typedef struct {
    ml_sampling sampling;
    bool exact;
    /* Times are those of the helper thread's last turn: reading a clock at each event would cost
     * too much where events are many. Also, events of one moment share a run in the trace. */
    bool coarse_clock;
    bool drop_when_full;
    uint32_t max_stack_depth;
    uint64_t seed;
    int64_t start_monotonic_ns;
    _Atomic int64_t coarse_now_ns; /* advanced by the helper thread, about once a millisecond */
    uint64_t ring_words;
    uint32_t known_children;
    ml_live_table live;

    _Atomic uint64_t allocations_dropped, frees_dropped, waits, wait_ns, stale_closed;
    _Atomic uint64_t next_range;
    uint64_t first_range; /* of this session */
    _Atomic uint32_t next_thread_id;
    _Atomic int64_t mapped_bytes; /* of thread states */
} ml_recorder;

extern ML_INTERNAL ml_recorder ml_recording;

/* Starts recording. 0, or -1 with the reason in `error`. Not thread-safe: the binding serialises
 * start and stop. */
int ml_recorder_start(const ml_options *options, char *error, size_t error_bytes);
/* Stops, writes what is left, closes the file. `reason` goes into the metadata. */
int ml_recorder_stop(const char *reason, char *error, size_t error_bytes);
/* Nothing is recorded any more from now on; used when the trace cannot be written. Any thread. */
void ml_recorder_abandon(void);

/* Draws the next budget after a sample. An exact recording has one for good: it starts so far below
 * zero. */
ML_INLINE void ml_recorder_refill(ml_thread *thread)
{
    if (!ml_recording.exact)
        ml_sampler_refill(&thread->sampler, &ml_recording.sampling);
}

/* Takes the block at an address out of the books before it is given back. Ask
 * ml_live_table_may_hold first. */
ML_INLINE bool ml_recorder_take(uintptr_t address, ml_live *taken)
{
    return ml_live_table_take(&ml_recording.live, address, taken);
}

/* The block was not given back after all (a failed realloc). */
void ml_recorder_restore(uintptr_t address, ml_live live);

ML_INLINE int64_t ml_now_ns(void)
{
    if (ml_recording.coarse_clock)
        return atomic_load_explicit(&ml_recording.coarse_now_ns, memory_order_relaxed);
    return ml_monotonic_ns() - ml_recording.start_monotonic_ns;
}

/* Waits for room in the ring, or gives the event up, as configured. */
bool ml_recorder_make_room(ml_thread *thread, bool is_free);
/* What happens rarely before an allocation is put down: a new range of ids, a new window. False: no
 * ids are left. */
bool ml_recorder_open_allocation(ml_thread *thread, uint64_t *head);
/* Another block was still in the books at this address. */
void ml_recorder_close_stale(ml_thread *thread, uint64_t *head, uintptr_t address, ml_live stale);

ML_INLINE uint64_t ml_recorder_open_event(ml_thread *thread)
{
    uint64_t head = ml_ring_head(&thread->ring);
    const int64_t now = ml_now_ns();
    if (now != thread->last_time_ns) {
        thread->last_time_ns = now;
        ml_ring_put(&thread->ring, &head, ML_MAKE_WORD(ML_WORD_TIME, now));
    }
    return head;
}

ML_INLINE void ml_recorder_put_free(ml_thread *thread, uint64_t *head, ml_live live)
{
    const uint64_t word = live.allocation_id << 3;
    if (ML_LIKELY(live.size < ML_SMALL_FREE_LIMIT)) {
        ml_ring_put(&thread->ring, head, word | (uint64_t)live.size << 46 | ML_WORD_FREE);
    } else {
        ml_ring_put(&thread->ring, head, word | ML_WORD_BIG_FREE);
        ml_ring_put(&thread->ring, head, live.size);
    }
}

/* A block of `size` bytes was had at `address`. */
ML_INLINE void ml_record_allocation(ml_thread *thread, uintptr_t address, size_t size,
                                    uint32_t allocator, uint32_t stack_id)
{
    ml_ring *ring = &thread->ring;
    if (!ml_ring_has_room(ring) && !ml_recorder_make_room(thread, false))
        return;
    uint64_t head = ml_recorder_open_event(thread);
    if (ML_UNLIKELY(thread->next_allocation_id == thread->next_range_id ||
                    thread->window_id != thread->last_window_id) &&
        !ml_recorder_open_allocation(thread, &head))
        return;
    const ml_live live = {thread->next_allocation_id, size, false};
    ml_live stale;
    bool inserted;
    if (ML_UNLIKELY(ml_live_table_insert(&ml_recording.live, address, live, &stale, &inserted)))
        ml_recorder_close_stale(thread, &head, address, stale);
    if (ML_UNLIKELY(!inserted)) {
        atomic_fetch_add(&ml_recording.allocations_dropped, 1);
        ml_ring_publish(ring, head);
        return;
    }
    thread->next_allocation_id++;
    const uint64_t word = (uint64_t)stack_id << 32 | allocator << 3;
    if (ML_LIKELY(size < ML_SMALL_SIZE_LIMIT)) {
        ml_ring_put(ring, &head, word | (uint64_t)size << 8 | ML_WORD_ALLOCATION);
    } else {
        ml_ring_put(ring, &head, word | ML_WORD_BIG_ALLOCATION);
        ml_ring_put(ring, &head, size);
    }
    ml_ring_publish(ring, head);
}

/* A recorded block (as ml_recorder_take told) is gone, or will be in a moment. */
ML_INLINE void ml_record_free(ml_thread *thread, uintptr_t address, ml_live live)
{
    if (ML_UNLIKELY(live.is_code)) {
        ml_code_died(&ml_stacks, address);
        if (live.allocation_id == 0)
            return;
    }
    if (!ml_ring_has_room(&thread->ring) && !ml_recorder_make_room(thread, true))
        return;
    uint64_t head = ml_recorder_open_event(thread);
    ml_recorder_put_free(thread, &head, live);
    ml_ring_publish(&thread->ring, head);
}

#endif

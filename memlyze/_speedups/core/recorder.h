/* The recorder: what a hook calls when memory was had or is about to be given back.
 *
 * It knows nothing of Python. A hook finds its thread's state (thread_state.h), asks the sampler
 * (sampler.h), captures a stack in its own way, and reports here. */
#ifndef MEMLYZE_RECORDER_H
#define MEMLYZE_RECORDER_H

#include "clock.h"
#include "code_table.h"
#include "live_table.h"
#include "sampler.h"
#include "sampling_pace.h"
#include "thread_state.h"

/* By which function an allocation was made; the numbers of docs/format-spec.md. The first three are
 * CPython's domains, the next the C library's malloc and its kin, the last ones mappings. */
enum {
    ML_ALLOCATOR_RAW = 0,
    ML_ALLOCATOR_MEM = 1,
    ML_ALLOCATOR_OBJECT = 2,
    ML_ALLOCATOR_MALLOC = 3,
    ML_ALLOCATOR_MMAP = 4,         /* anonymous memory that may be used */
    ML_ALLOCATOR_MMAP_FILE = 5,    /* a file's pages */
    ML_ALLOCATOR_MMAP_RESERVE = 6, /* addresses alone */
};

typedef struct {
    const char *output_file; /* UTF-8 or file-system bytes */
    bool overwrite;
    const char *header_metadata_json;
    double interval_bytes; /* 0: exact */
    /* The interval is none of the option's, but as close as the program's pace allows
     * (sampling_pace.h). Only without a rate. */
    bool goes_by_pace;
    double rate;
    int64_t surcharge_bytes;
    uint32_t max_stack_depth;
    uint32_t memory_interval_ms;
    bool drop_when_full;           /* otherwise the program waits */
    uint64_t seed;                 /* 0: from the system's random source */
    uint64_t max_trace_bytes;      /* 0: no bound */
    const char *working_directory; /* that relative names of source files are meant in, or NULL */
    bool include_source;           /* the text of source files goes into the trace */
} ml_options;

typedef struct {
    /* More than one, from the closest on, where the interval changes. */
    ml_sampling samplings[ML_MOST_SAMPLINGS];
    uint32_t sampling_count;
    ml_pace pace;
    bool exact;
    /* Times are those of the helper thread's last turn: reading a clock at each event would cost
     * too much where events are many. Also, events of one moment share a run in the trace. */
    bool coarse_clock;
    bool drop_when_full;
    uint32_t max_stack_depth;
    uint64_t seed;
    int64_t start_monotonic_ns;
    uint32_t known_children, stack_numbers; /* of each thread */
    _Atomic int64_t coarse_now_ns; /* advanced by the helper thread, about once a millisecond */
    uint64_t ring_words;
    ml_live_table live;

    _Atomic uint64_t allocations_dropped, frees_dropped, waits, wait_ns, stale_closed;
    /* Of those dropped: while there was no helper thread, for want of memory for the tables. */
    _Atomic uint64_t dropped_in_fork, dropped_for_memory;
    _Atomic uint64_t calls_unrecorded; /* of threads for which there was no memory */
    _Atomic uint64_t stacks_truncated; /* captures that found the stack too deep */
    _Atomic uint64_t next_range;
    uint64_t first_range; /* of this session */
    _Atomic uint32_t next_thread_id;
} ml_recorder;

extern ML_INTERNAL ml_recorder ml_recording;

/* What one of `samplings` is called in the trace. */
#define ML_SAMPLING_ID(sampling) ((sampling) + 1)

/* Starts recording. 0, or -1 with the reason in `error`. Not thread-safe: the binding serialises
 * start and stop. */
int ml_recorder_start(const ml_options *options, char *error, size_t error_bytes);
/* Stops, writes what is left, closes the file. `reason` goes into the metadata. */
int ml_recorder_stop(const char *reason, char *error, size_t error_bytes);
/* From a thread that ends: stop where no other but the recorder's is left, so that the process ends
 * as it would. */
void ml_recorder_end_with_last_thread(void);
/* Nothing is recorded any more from now on; used when the trace cannot be written. Any thread. */
void ml_recorder_abandon(void);

/* Where the interval changes: the thread goes on under the sampling that is wished now. */
void ml_recorder_follow_pace(ml_thread *thread, bool has_sampled);
/* The thread's budget was taken away: another is drawn, and this allocation spends of that. Whether
 * it is to be recorded. */
bool ml_recorder_is_due_anew(ml_thread *thread, size_t size);

/* Inside: whether this allocation is to be recorded. */
ML_INLINE bool ml_recorder_is_due(ml_thread *thread, size_t size)
{
    if (!ml_sampler_spend(&thread->sampler, size, thread->surcharge_bytes))
        return false;
    return ML_LIKELY(!ml_thread_has_debt(thread)) || ml_recording.exact ||
           ml_recorder_is_due_anew(thread, size);
}

/* Draws the next budget after a sample. An exact recording has one for good: it starts so far below
 * zero.
 *
 * Here, and where a budget that was taken away is drawn anew, a thread may change to another
 * sampling, and nowhere else. Which one is in force at an allocation then follows from what was
 * before it (samples, and the clock) and never from the budget that decides about it: whatever the
 * past, it is kept with the probability p of that sampling. So 1/p stays unbiased, allocation by
 * allocation and in all sums, however the interval goes up and down. */
ML_INLINE void ml_recorder_refill(ml_thread *thread)
{
    if (ml_recording.exact)
        return;
    if (ml_recording.sampling_count > 1)
        ml_recorder_follow_pace(thread, true);
    ml_sampler_refill(&thread->sampler, &ml_recording.samplings[thread->sampling]);
}

/* The block was not given back after all (a failed realloc). */
void ml_recorder_restore(uintptr_t address, ml_live live);

ML_INLINE int64_t ml_now_ns(void)
{
    if (ml_recording.coarse_clock)
        return atomic_load_explicit(&ml_recording.coarse_now_ns, memory_order_relaxed);
    return ml_monotonic_ns() - ml_recording.start_monotonic_ns;
}

/* The time now, after which no event is put at an earlier one: what happens before and after it can
 * be told apart, however coarse the clock of events is. For what is rare, such as the end of a
 * window. */
int64_t ml_recorder_step_clock(void);
/* Moves the coarse clock on to a time, never back. */
void ml_recorder_raise_clock(int64_t now_ns);

/* Waits for room in the ring for an event and so many words more, or gives the event up, as
 * configured. */
bool ml_recorder_make_room(ml_thread *thread, uint32_t more_words, bool is_free);

ML_INLINE bool ml_recorder_has_room(ml_thread *thread, uint32_t more_words, bool is_free)
{
    const ml_ring *ring = &thread->ring;
    return ML_LIKELY(ml_ring_head(ring) + more_words + ML_WORDS_PER_EVENT <= ring->limit) ||
           ml_recorder_make_room(thread, more_words, is_free);
}

/* Whether the thread's last event was at the time that is in the coarse clock still. Without that
 * clock (ML_NO_COARSE_TIME) it never was. */
#define ML_NO_COARSE_TIME INT64_MIN
ML_INLINE bool ml_recorder_time_stands(const ml_thread *thread)
{
    return ML_LIKELY(atomic_load_explicit(&ml_recording.coarse_now_ns, memory_order_relaxed) ==
                     thread->last_time_ns);
}

/* What happens rarely before an event is put down: another time. */
void ml_recorder_put_time(ml_thread *thread);
/* What happens rarely before an allocation is: a new range of ids, a new window. False: no ids are
 * left. */
bool ml_recorder_open_allocation(ml_thread *thread);
/* Enters a block that has no direct entry, or whose entry another block still has: that one is
 * closed. False: no memory. */
bool ml_recorder_enter_slowly(ml_thread *thread, uintptr_t address, size_t size);
/* A free of a block whose direct entry was taken (`entry`), or is looked for (0). The size of the
 * block, -1 when none was recorded at this address. */
int64_t ml_record_free_slowly(ml_thread *thread, uintptr_t address, uint64_t entry);
/* A block that was taken from the table is gone. */
void ml_record_taken(ml_thread *thread, uintptr_t address, ml_live live);

/* A block of `size` bytes was had at `address`. `entry`: ml_live_table_new_entry's. `stack`: its
 * number among the thread's. */
ML_INLINE void ml_record_allocation(ml_thread *thread, uintptr_t address, size_t size,
                                    uint64_t *entry, uint32_t allocator, uint32_t stack)
{
    ml_ring *ring = &thread->ring;
    if (!ml_recorder_has_room(thread, 0, false))
        return;
    if (ML_UNLIKELY(!ml_recorder_time_stands(thread)))
        ml_recorder_put_time(thread);
    if (ML_UNLIKELY(thread->next_allocation_id == thread->attention_id) &&
        !ml_recorder_open_allocation(thread))
        return;
    if (ML_UNLIKELY(
            !ml_live_table_insert_directly(entry, address, thread->next_allocation_id, size)) &&
        ML_UNLIKELY(!ml_recorder_enter_slowly(thread, address, size)))
        return;
    thread->next_allocation_id++;
    uint64_t head = ml_ring_head(ring);
    const uint64_t word = (uint64_t)stack << 32 | allocator << 3;
    if (ML_LIKELY(size < ML_SMALL_SIZE_LIMIT)) {
        ml_ring_put(ring, &head, word | (uint64_t)size << 8 | ML_WORD_ALLOCATION);
    } else {
        ml_ring_put(ring, &head, word | ML_WORD_BIG_ALLOCATION);
        ml_ring_put(ring, &head, size);
    }
    ml_ring_publish(ring, head);
}

/* A block whose direct entry was just taken will be gone in a moment. False: this is not the usual
 * case, use ml_record_free_slowly. */
ML_INLINE bool ml_record_free_directly(ml_thread *thread, uint64_t entry)
{
    ml_ring *ring = &thread->ring;
    uint64_t head = ml_ring_head(ring);
    if (ML_UNLIKELY((entry & ML_DIRECT_WATCHED) || head + ML_WORDS_PER_EVENT > ring->limit ||
                    !ml_recorder_time_stands(thread)))
        return false;
    ml_ring_put(ring, &head, entry);
    ml_ring_publish(ring, head);
    return true;
}

/* A mapping of `size` bytes was had. `stack`: its number among the thread's; or, with an `origin`,
 * that of the mapping that this is a rest of. `sampling`: under which it was kept. The allocation's
 * id, 0 when it was given up. */
uint64_t ml_record_mapping(ml_thread *thread, size_t size, uint32_t allocator, uint32_t stack,
                           uint64_t origin, uint8_t sampling);
/* A recorded mapping is gone as a whole. */
void ml_record_unmapping(ml_thread *thread, uint64_t allocation_id, size_t size, uint32_t allocator,
                         uint8_t sampling);

/* Whether an allocation by this allocator is one of a range of addresses. */
ML_INLINE bool ml_is_mapping(uint32_t allocator)
{
    return allocator >= ML_ALLOCATOR_MMAP;
}

/* Whether its bytes are memory that was asked for: addresses, and pages of files, may never be. */
ML_INLINE bool ml_is_of_heap(uint32_t allocator)
{
    return allocator <= ML_ALLOCATOR_MMAP;
}

#endif

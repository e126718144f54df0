/* The recorder: what a hook calls when memory was had or is about to be given back.
 *
 * It knows nothing of Python. A hook finds its thread's state (thread_state.h), asks the sampler (sampler.h), captures
 * a stack in its own way, and reports here. */
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
    bool drop_when_full;
    uint32_t max_stack_depth;
    uint64_t seed;
    int64_t start_monotonic_ns;
    _Atomic int64_t coarse_now_ns; /* advanced by the helper thread, about once a millisecond */
    uint64_t ring_words;
    uint32_t known_children;
    ml_live_table live;

    _Atomic uint64_t allocations_dropped, frees_dropped, waits, wait_ns, stale_closed;
    /* Of threads that have ended. */
    _Atomic int64_t ended_live_bytes, ended_live_count;
    _Atomic uint64_t ended_allocations, ended_frees;
    _Atomic uint64_t next_range;
    _Atomic uint32_t next_thread_id;
    _Atomic int64_t mapped_bytes; /* of thread states */
} ml_recorder;

extern ml_recorder ml_recording;

/* Starts recording. 0, or -1 with the reason in `error`. Not thread-safe: the binding serialises start and stop. */
int ml_recorder_start(const ml_options *options, char *error, size_t error_bytes);
/* Stops, writes what is left, closes the file. `reason` goes into the metadata. */
int ml_recorder_stop(const char *reason, char *error, size_t error_bytes);
/* Nothing is recorded any more from now on; used when the trace cannot be written. Any thread. */
void ml_recorder_abandon(void);

/* A block of `size` bytes was had at `address`. */
void ml_record_allocation(ml_thread *thread, uintptr_t address, size_t size, uint32_t allocator,
                          uint32_t stack_id);
/* A recorded block (as ml_live_table_take told) is gone, or will be in a moment. */
void ml_record_free(ml_thread *thread, uintptr_t address, ml_live live);

/* Draws the next budget after a sample. */
ML_INLINE void ml_recorder_refill(ml_thread *thread)
{
    ml_sampler_refill(&thread->sampler, &ml_recording.sampling);
}

/* Takes the block at an address out of the books before it is given back. The cheap answer first. */
ML_INLINE bool ml_recorder_take(uintptr_t address, ml_live *taken)
{
    if (!ml_recording.exact && ML_LIKELY(!ml_live_table_may_hold(&ml_recording.live, address)))
        return false;
    return ml_live_table_take(&ml_recording.live, address, taken);
}

/* The block was not given back after all (a failed realloc). */
void ml_recorder_restore(uintptr_t address, ml_live live);

ML_INLINE int64_t ml_now_ns(void)
{
    /* Exact recording has no time for a clock at each event; samples are rare enough. */
    if (ml_recording.exact)
        return atomic_load_explicit(&ml_recording.coarse_now_ns, memory_order_relaxed);
    return ml_monotonic_ns() - ml_recording.start_monotonic_ns;
}

typedef struct {
    uint64_t allocations, frees;
    int64_t live_bytes, live_count;
} ml_totals;
ml_totals ml_recorder_totals(void);

#endif

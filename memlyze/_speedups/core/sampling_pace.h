/* How closely a recording samples whose interval is left to memlyze.
 *
 * Every sample costs a microsecond or two, of the program and of the helper thread. So the interval
 * is the closest one under which there are not too many of them: of the samplings that a recording
 * has, each twice as wide as the one before, it begins with the closest. Dense programs are at a
 * wide one within some hundred samples; one that allocates little is recorded all the more closely.
 *
 * How many are too many goes by the interval. Up to ML_PACE_DENSE_BYTES a thousand in a second
 * tell all that there is to tell of what happens in it. Beyond it, where a program allocates some
 * hundred MB a second, what matters may be a small part of that: there they are as many as may be
 * without taking more than a hundredth of its time.
 *
 * - Up, by the helper thread at its turns: when there were more than that in the last second. By
 *   any thread, at once: when there were many since the last turn (a burst), up to that interval.
 *   The helper thread does not count large blocks, which are recorded under any sampling: a server
 *   that receives into buffers of 256 KiB would have its small objects recorded a hundred times
 *   more rarely for nothing.
 * - Down, by the helper thread: when half as many would have been had under the closer sampling
 *   throughout the last second, and the last step up is a second ago. It
 * takes their budgets away from the threads that are under a wider one (thread_state.h): what is
 * left of 64 KiB may be minutes to a slow program.
 * - What is recorded and live takes memory. The more there is of it, the wider the closest interval
 *   that is wished.
 *
 * A wish is of all threads. Each goes by it where it draws a budget, and nowhere else (recorder.h
 * says why). */
#ifndef MEMLYZE_SAMPLING_PACE_H
#define MEMLYZE_SAMPLING_PACE_H

#include "platform.h"
#include "sampler.h"

/* A live block's sampling has four bits (live_hash.h). */
#define ML_MOST_SAMPLINGS 11
extern ML_INTERNAL const double ml_pace_intervals[ML_MOST_SAMPLINGS];
#define ML_PACE_DENSE_BYTES 65536
/* Of the whole process in a second: before that interval, and from it on. */
#define ML_PACE_SAMPLES 1000
#define ML_PACE_DENSE_SAMPLES 10000
/* And so many more than the latter, once: a dense program that runs for a second or two is recorded
 * at ML_PACE_DENSE_BYTES throughout, since it has no more than that to show small things by. */
#define ML_PACE_CREDIT_SAMPLES 20000
/* From so many live samples on, and from half as many more each time, the closest interval is the
 * next one. Of memory that grows slowly from nothing these are 16 MiB, 32 MiB, and so on; at 1 GiB
 * it is 64 KiB. There are some hundred thousand then, of 20 to 40 bytes each. */
#define ML_PACE_LIVE_SAMPLES ((uint64_t)1 << 15)

/* What all threads look at. */
typedef struct {
    _Atomic uint8_t wished;
    uint8_t widest;
    uint8_t dense; /* the first sampling of ML_PACE_DENSE_BYTES, or the widest */
    /* Samples between two turns of the helper thread that call for the next step, up to `dense`. */
    uint32_t burst;
    _Atomic uint32_t samples; /* since its last turn, or the last step */
} ml_pace;

/* The helper thread's. */
#define ML_PACE_SLICES 5
typedef struct {
    /* Samples that would have been had under each sampling, at most: in a quarter of a second each,
     * one of which is going on. */
    double expected[ML_PACE_SLICES][ML_MOST_SAMPLINGS];
    double per_byte[ML_MOST_SAMPLINGS]; /* one over the interval */
    int slice;
    int64_t slice_ends_ns, raised_ns, turn_ns;
    double credit; /* what is left of ML_PACE_CREDIT_SAMPLES */
    uint8_t known_wish;
} ml_pace_counts;

/* `longest_turn_ns`: of the helper thread. */
void ml_pace_init(ml_pace *pace, const ml_sampling *samplings, uint32_t sampling_count,
                  int64_t longest_turn_ns);
void ml_pace_counts_init(ml_pace_counts *counts, const ml_sampling *samplings,
                         uint32_t sampling_count);

/* The number of the sampling under which the threads are to go on. */
ML_INLINE uint8_t ml_pace_wished(const ml_pace *pace)
{
    return atomic_load_explicit(&pace->wished, memory_order_relaxed);
}

/* There was one more. By the thread that recorded it. */
ML_INLINE void ml_pace_sampled(ml_pace *pace)
{
    if (atomic_fetch_add_explicit(&pace->samples, 1, memory_order_relaxed) + 1 < pace->burst)
        return;
    atomic_store_explicit(&pace->samples, 0, memory_order_relaxed);
    uint8_t wished = ml_pace_wished(pace);
    if (wished < pace->dense)
        atomic_compare_exchange_strong(&pace->wished, &wished, (uint8_t)(wished + 1));
}

/* A sample, and how many allocations it stands for. */
ML_INLINE void ml_pace_count(ml_pace_counts *counts, size_t size, double weight)
{
    double *expected = counts->expected[counts->slice];
    if (size >= ML_PACE_DENSE_BYTES)
        return;
    for (int i = 0; i < ML_MOST_SAMPLINGS; i++) {
        const double share = (double)size * counts->per_byte[i]; /* 1 - exp(-x) is less than x */
        expected[i] += weight * (share < 1 ? share : 1);
    }
}

/* The helper thread's turn: wishes what fits what was counted. */
void ml_pace_turn(ml_pace *pace, ml_pace_counts *counts, int64_t now_ns, uint64_t live_samples);

#endif

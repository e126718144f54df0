#include "sampling_pace.h"

#include <string.h>

#define SLICE_NS 250000000
#define CALM_NS 1000000000 /* after a step up there is none down for so long */
/* A burst is no less than this, nor less than four times what would be usual between two turns. */
#define LEAST_BURST 64

const double ml_pace_intervals[ML_MOST_SAMPLINGS] = {512,   1024,  2048,   4096,   8192,  16384,
                                                     32768, 65536, 131072, 262144, 524288};

void ml_pace_init(ml_pace *pace, const ml_sampling *samplings, uint32_t sampling_count,
                  int64_t longest_turn_ns)
{
    const int64_t usual = longest_turn_ns * ML_PACE_SAMPLES / 1000000000;
    atomic_store(&pace->wished, 0);
    atomic_store(&pace->samples, 0);
    pace->widest = (uint8_t)(sampling_count - 1);
    pace->dense = 0;
    while (pace->dense < pace->widest &&
           samplings[pace->dense].interval_bytes < ML_PACE_DENSE_BYTES)
        pace->dense++;
    pace->burst = usual * 4 > LEAST_BURST ? (uint32_t)usual * 4 : LEAST_BURST;
}

void ml_pace_counts_init(ml_pace_counts *counts, const ml_sampling *samplings,
                         uint32_t sampling_count)
{
    *counts = (ml_pace_counts){.raised_ns = -CALM_NS, .credit = ML_PACE_CREDIT_SAMPLES};
    for (uint32_t i = 0; i < sampling_count; i++)
        counts->per_byte[i] = samplings[i].interval_bytes > 0 ? 1 / samplings[i].interval_bytes : 0;
}

static void begin_slices(ml_pace_counts *counts, int64_t now_ns)
{
    for (int i = 0; i < ML_PACE_SLICES && now_ns >= counts->slice_ends_ns; i++) {
        counts->slice = (counts->slice + 1) % ML_PACE_SLICES;
        memset(counts->expected[counts->slice], 0, sizeof counts->expected[0]);
        counts->slice_ends_ns += SLICE_NS;
    }
    if (now_ns >= counts->slice_ends_ns)
        counts->slice_ends_ns = now_ns + SLICE_NS;
}

static double expected_samples(const ml_pace_counts *counts, uint8_t sampling)
{
    double sum = 0;
    for (int i = 0; i < ML_PACE_SLICES; i++)
        sum += counts->expected[i][sampling];
    return sum;
}

/* How many there may be in a second under a sampling. */
static double most_samples(const ml_pace *pace, uint8_t sampling)
{
    return sampling < pace->dense ? ML_PACE_SAMPLES : ML_PACE_DENSE_SAMPLES;
}

/* Whether a sampling gives more samples than there may be; what is above that may be credited. */
static bool has_too_many(const ml_pace *pace, ml_pace_counts *counts, uint8_t sampling,
                         double elapsed_s)
{
    const double excess = expected_samples(counts, sampling) - most_samples(pace, sampling);
    if (excess <= 0)
        return false;
    if (sampling < pace->dense || counts->credit <= 0)
        return true;
    counts->credit -= excess * elapsed_s;
    return false;
}

/* The closest sampling where so many samples live. */
static uint8_t closest(const ml_pace *pace, uint64_t live_samples)
{
    uint8_t sampling = 0;
    for (uint64_t most = ML_PACE_LIVE_SAMPLES; live_samples >= most && sampling < pace->widest;
         most += ML_PACE_LIVE_SAMPLES / 2)
        sampling++;
    return sampling;
}

void ml_pace_turn(ml_pace *pace, ml_pace_counts *counts, int64_t now_ns, uint64_t live_samples)
{
    const double elapsed_s = (double)(now_ns - counts->turn_ns) / 1e9;
    counts->turn_ns = now_ns;
    begin_slices(counts, now_ns);
    atomic_store_explicit(&pace->samples, 0, memory_order_relaxed);
    uint8_t present = ml_pace_wished(pace);
    if (present > counts->known_wish)
        counts->raised_ns = now_ns; /* by a thread, meanwhile */
    uint8_t wished = present;
    const uint8_t least = closest(pace, live_samples);
    if (wished < least)
        wished = least;
    while (wished < pace->widest && has_too_many(pace, counts, wished, elapsed_s))
        wished++;
    if (wished > present) {
        counts->raised_ns = now_ns;
    } else if (now_ns - counts->raised_ns >= CALM_NS) {
        /* With room to spare, here as there, so that it does not go up and down. */
        const uint8_t spared = closest(pace, live_samples + live_samples / 8);
        while (wished > spared && expected_samples(counts, (uint8_t)(wished - 1)) <=
                                      most_samples(pace, (uint8_t)(wished - 1)) / 2)
            wished--;
    }
    /* A thread may take a step up just now: that goes before. */
    if (wished != present)
        atomic_compare_exchange_strong(&pace->wished, &present, wished);
    counts->known_wish = ml_pace_wished(pace);
}

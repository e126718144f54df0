/* Which allocations are recorded.
 *
 * An allocation of n bytes spends n + a bytes of a budget that is drawn from an exponential
 * distribution with mean R; it is recorded when the budget runs out. The exponential distribution
 * has no memory, so whatever came before, an allocation is kept with probability
 *
 *     p = 1 - exp(-(n + a) / R),      and stands for 1 / p allocations of its kind.
 *
 * Worked numbers for R = 65536 (64 KiB) and a = 0: of 48-byte objects one in 1366 is kept and
 * counts as that many; of 64 KiB buffers 63 % are kept and count as 1.58 each. With sample_rate =
 * 0.01, a = 659, and of the 48-byte objects one in 93 is kept.
 *
 * R = 0 keeps everything with weight 1: the budget is then always far below zero. */
#ifndef MEMLYZE_SAMPLER_H
#define MEMLYZE_SAMPLER_H

#include "platform.h"
#include <math.h>

typedef struct {
    double interval_bytes;   /* R; 0: exact */
    int64_t surcharge_bytes; /* a */
} ml_sampling;

typedef struct {
    int64_t budget_bytes;
    uint64_t random_state;
} ml_sampler;

/* xorshift64*: period 2^64 - 1, never zero, no lock that a fork could leave taken (Vigna 2016). */
ML_INLINE uint64_t ml_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545f4914f6cdd1dull;
}

/* In (0, 1]: log of it is always finite. */
ML_INLINE double ml_random_unit(uint64_t *state)
{
    return (double)((ml_random(state) >> 11) + 1) * 0x1.0p-53;
}

ML_INLINE void ml_sampler_seed(ml_sampler *sampler, uint64_t seed)
{
    sampler->random_state = ml_mix(seed);
    if (sampler->random_state == 0)
        sampler->random_state = 0x9e3779b97f4a7c15ull;
}

/* Draws what may be allocated until the next sample; at least one byte. Bounded, so that no sum
 * overflows. */
ML_INLINE void ml_sampler_refill(ml_sampler *sampler, const ml_sampling *sampling)
{
    if (sampling->interval_bytes <= 0) {
        sampler->budget_bytes = INT64_MIN / 2;
        return;
    }
    /* In single precision, which is off by less than one in ten million. */
    const double draw =
        -(double)logf((float)ml_random_unit(&sampler->random_state)) * sampling->interval_bytes;
    sampler->budget_bytes = draw < 0x1.0p60 ? (int64_t)draw : (int64_t)1 << 60;
}

/* More than there is: who asks for it gets nothing. No more is spent of a budget, so that no sum
 * overflows. */
#define ML_VAST_BYTES ((size_t)1 << 48)

/* True when this allocation is to be recorded. */
ML_INLINE bool ml_sampler_spend(ml_sampler *sampler, size_t size, int64_t surcharge_bytes)
{
    sampler->budget_bytes -=
        (int64_t)(ML_LIKELY(size < ML_VAST_BYTES) ? size : ML_VAST_BYTES) + surcharge_bytes;
    return ML_UNLIKELY(sampler->budget_bytes < 0);
}

ML_INLINE double ml_sample_weight(const ml_sampling *sampling, size_t size)
{
    if (sampling->interval_bytes <= 0)
        return 1.0;
    double p =
        -expm1(-((double)size + (double)sampling->surcharge_bytes) / sampling->interval_bytes);
    return p > 0 ? 1.0 / p : 1.0; /* a zero-byte allocation is never kept when a = 0 */
}

#endif

/* core/sampler.h: the distribution, not an example. Seeded; bounds are five standard errors. */
#include <math.h>

#include "check.h"
#include "core/sampler.h"

#define DRAWS 2000000

static double kept_fraction(size_t size, ml_sampling sampling, uint64_t seed)
{
    ml_sampler sampler;
    ml_sampler_seed(&sampler, seed);
    ml_sampler_refill(&sampler, &sampling);
    int kept = 0;
    for (int i = 0; i < DRAWS; i++)
        if (ml_sampler_spend(&sampler, size, sampling.surcharge_bytes)) {
            kept++;
            ml_sampler_refill(&sampler, &sampling);
        }
    return (double)kept / DRAWS;
}

static void check_probability(size_t size, double interval_bytes, int64_t surcharge_bytes)
{
    const ml_sampling sampling = {interval_bytes, surcharge_bytes};
    const double p = 1 / ml_sample_weight(&sampling, size);
    const double error = sqrt(p * (1 - p) / DRAWS);
    CHECK(fabs(kept_fraction(size, sampling, 12345) - p) <= 5 * error + 1e-12);
}

static void test_each_size_is_kept_as_often_as_its_weight_says(void)
{
    check_probability(48, 4096, 0);
    check_probability(512, 4096, 0);
    check_probability(4096, 4096, 0);
    check_probability(100000, 4096, 0);
    check_probability(1, 64, 0);
    check_probability(48, 524288, 5270);
    check_probability(0, 524288, 55240);
}

static void test_the_estimate_over_mixed_sizes_is_unbiased(void)
{
    const ml_sampling sampling = {8192, 0};
    ml_sampler sampler;
    uint64_t sizes = 99;
    double truth = 0, estimate = 0, variance = 0;
    ml_sampler_seed(&sampler, 7);
    ml_sampler_refill(&sampler, &sampling);
    for (int i = 0; i < DRAWS; i++) {
        const size_t size = (size_t)(ml_random(&sizes) % 2000);
        truth += (double)size;
        if (ml_sampler_spend(&sampler, size, 0)) {
            const double weight = ml_sample_weight(&sampling, size), p = 1 / weight;
            estimate += (double)size * weight;
            variance += (double)size * (double)size * (1 - p) / (p * p);
            ml_sampler_refill(&sampler, &sampling);
        }
    }
    CHECK(fabs(estimate - truth) <= 5 * sqrt(variance));
}

static void test_an_exact_recording_keeps_everything_with_weight_one(void)
{
    const ml_sampling exact = {0, 0};
    CHECK(kept_fraction(0, exact, 1) == 1.0);
    CHECK(kept_fraction(1 << 20, exact, 1) == 1.0);
    CHECK(ml_sample_weight(&exact, 48) == 1.0);
}

static void test_a_draw_is_finite_and_sampling_goes_on_whatever_the_generator_says(void)
{
    uint64_t state = 1;
    double least = 1, greatest = 0;
    for (int i = 0; i < DRAWS; i++) {
        const double unit = ml_random_unit(&state);
        least = unit < least ? unit : least;
        greatest = unit > greatest ? unit : greatest;
    }
    CHECK(least > 0 && greatest <= 1);
    ml_sampler sampler;
    ml_sampler_seed(&sampler, 0);
    CHECK(sampler.random_state != 0);
    const ml_sampling vast = {0x1.0p62, 0};
    for (int i = 0; i < 1000; i++) {
        ml_sampler_refill(&sampler, &vast);
        CHECK(sampler.budget_bytes >= 0 && sampler.budget_bytes <= (int64_t)1 << 60);
    }
}

int main(void)
{
    test_each_size_is_kept_as_often_as_its_weight_says();
    test_the_estimate_over_mixed_sizes_is_unbiased();
    test_an_exact_recording_keeps_everything_with_weight_one();
    test_a_draw_is_finite_and_sampling_goes_on_whatever_the_generator_says();
    return 0;
}

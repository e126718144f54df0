/* core/sampling_pace.c: which interval is wished for a program, and that estimates stay unbiased
 * while it changes. Time is simulated: a program says how much it allocates in each turn of the
 * helper thread. */
#include <math.h>
#include <string.h>

#include "check.h"
#include "core/recorder.h"

#define SAMPLINGS ML_MOST_SAMPLINGS
#define WIDEST (SAMPLINGS - 1)
#define DENSE 7 /* 64 KiB */
#define TURN_NS 10000000
#define TURNS_PER_SECOND 100
#define SIZES 3

static const size_t sizes[SIZES] = {48, 700, 20000};

/* A program of one thread, and what its recorder did. */
static ml_thread thread;
static ml_pace_counts counts;
static int64_t now_ns;
static uint64_t random_sizes, samples, live_samples;
static double truth[SIZES], estimate[SIZES], variance[SIZES];

static void begin(uint64_t seed)
{
    memset(&thread, 0, sizeof thread);
    memset(&ml_recording, 0, sizeof ml_recording);
    for (int i = 0; i < SAMPLINGS; i++)
        ml_recording.samplings[i] = (ml_sampling){ml_pace_intervals[i], 0};
    ml_recording.sampling_count = SAMPLINGS;
    ml_pace_init(&ml_recording.pace, ml_recording.samplings, SAMPLINGS, TURN_NS);
    CHECK(ml_recording.pace.dense == DENSE);
    ml_pace_counts_init(&counts, ml_recording.samplings, SAMPLINGS);
    now_ns = 0;
    random_sizes = ml_mix(seed) | 1;
    samples = live_samples = 0;
    memset(truth, 0, sizeof truth);
    memset(estimate, 0, sizeof estimate);
    memset(variance, 0, sizeof variance);
    ml_sampler_seed(&thread.sampler, seed);
    ml_sampler_refill(&thread.sampler, &ml_recording.samplings[0]);
    ml_thread_leave(&thread);
}

static void allocate(int kind)
{
    const size_t size = sizes[kind];
    truth[kind] += (double)size;
    if (ml_thread_may_have(&thread, size)) /* as a hook does */
        return;
    ml_thread_enter(&thread);
    if (!ml_recorder_is_due(&thread, size)) {
        ml_thread_leave(&thread);
        return;
    }
    const double weight = ml_sample_weight(&ml_recording.samplings[thread.sampling], size);
    samples++;
    estimate[kind] += (double)size * weight;
    variance[kind] += (double)size * (double)size * weight * (weight - 1);
    ml_pace_count(&counts, size, weight);
    ml_recorder_refill(&thread);
    ml_thread_leave(&thread);
}

static void turn(void)
{
    now_ns += TURN_NS;
    ml_pace_turn(&ml_recording.pace, &counts, now_ns, live_samples);
    if (thread.sampling > ml_pace_wished(&ml_recording.pace))
        ml_thread_take_budget(&thread);
}

/* Blocks of all sizes, the smaller the more of them. */
static void run(double bytes_per_second, double seconds)
{
    double due = 0;
    for (int i = 0; i < (int)(seconds * TURNS_PER_SECOND); i++) {
        due += bytes_per_second / TURNS_PER_SECOND;
        while (due > 0) {
            const uint64_t draw = ml_random(&random_sizes) >> 40;
            const int kind = draw % 50 == 0 ? 2 : draw % 5 == 0 ? 1 : 0;
            allocate(kind);
            due -= (double)sizes[kind];
        }
        turn();
    }
}

static void test_a_program_that_allocates_little_is_recorded_as_closely_as_can_be(void)
{
    begin(1);
    run(200e3, 10);
    CHECK(ml_pace_wished(&ml_recording.pace) == 0);
    CHECK(thread.sampling == 0);
}

static void test_the_denser_a_program_the_wider_the_interval_at_which_it_ends(void)
{
    begin(2);
    run(400e6, 0.1); /* at once: by its own burst */
    CHECK(thread.sampling == DENSE);
    run(400e6, 3);
    CHECK(thread.sampling == DENSE);
    run(1.3e9, 1.5); /* for a moment it may have more samples */
    CHECK(thread.sampling == DENSE);
    run(5e9, 1.5);
    CHECK(thread.sampling == WIDEST);
}

static void test_samples_keep_within_their_number_whatever_the_pace(void)
{
    for (double pace = 50e3; pace < 40e6; pace *= 1.7) {
        begin(3);
        run(pace, 4);
        const uint64_t before = samples;
        run(pace, 4);
        CHECK((double)(samples - before) <= 4 * 1.2 * ML_PACE_SAMPLES);
    }
    for (double pace = 60e6; pace < 4e9; pace *= 1.9) {
        begin(3);
        run(pace, 2);
        CHECK((double)samples <= 2 * 1.2 * ML_PACE_DENSE_SAMPLES + 2 * ML_PACE_CREDIT_SAMPLES);
    }
}

static void test_a_slow_phase_is_recorded_closely_soon_after_a_dense_one(void)
{
    begin(4);
    run(4e9, 2);
    CHECK(thread.sampling > DENSE);
    run(7e3, 6); /* it goes by the wish at its next allocation */
    CHECK(thread.sampling == 0);
    double expected = 0; /* at the closest interval */
    const uint64_t before = samples;
    for (int i = 0; i < SIZES; i++)
        expected -=
            truth[i] / (double)sizes[i] / ml_sample_weight(ml_recording.samplings, sizes[i]);
    run(7e3, 20);
    for (int i = 0; i < SIZES; i++)
        expected +=
            truth[i] / (double)sizes[i] / ml_sample_weight(ml_recording.samplings, sizes[i]);
    CHECK(expected > 50);
    CHECK((double)(samples - before) >= expected / 2);
}

/* As of a server that receives each request into a buffer of 256 KiB. */
static void test_large_blocks_leave_the_small_ones_as_closely_recorded(void)
{
    const size_t large = 256 << 10;
    begin(9);
    run(2e6, 4);
    const uint8_t before = thread.sampling;
    CHECK(before < DENSE);
    for (int i = 0; i < 4 * TURNS_PER_SECOND; i++) {
        for (int j = 0; j < 30; j++) { /* 3000 a second: no burst */
            const double weight = ml_sample_weight(&ml_recording.samplings[thread.sampling], large);
            ml_pace_count(&counts, large, weight);
        }
        run(2e6, 1.0 / TURNS_PER_SECOND);
        CHECK(thread.sampling <= before + 1); /* turns are a little fuller here */
    }
}

static void test_bursts_cost_a_bounded_number_of_samples(void)
{
    begin(5);
    run(1e3, 3);
    for (int i = 0; i < 10; i++) {
        const uint64_t before = samples;
        for (int j = 0; j < 20000; j++) /* 0.96 MB, between two turns */
            allocate(0);
        CHECK(samples - before <= 64 * DENSE + 100);
        run(1e3, 2);
        CHECK(ml_pace_wished(&ml_recording.pace) == 0);
    }
}

static void test_it_does_not_go_up_and_down(void)
{
    for (double pace = 300e3; pace < 3e6; pace *= 1.2) {
        int changes = 0;
        begin(6);
        run(pace, 5);
        for (int i = 0; i < 20; i++) {
            const uint8_t before = ml_pace_wished(&ml_recording.pace);
            run(pace, 0.5);
            changes += ml_pace_wished(&ml_recording.pace) != before;
        }
        CHECK(changes <= 2);
    }
}

static void test_the_more_lives_the_wider_the_closest_interval(void)
{
    begin(7);
    live_samples = ML_PACE_LIVE_SAMPLES - 1;
    run(1e3, 2);
    CHECK(ml_pace_wished(&ml_recording.pace) == 0);
    live_samples = ML_PACE_LIVE_SAMPLES + 1;
    turn();
    CHECK(ml_pace_wished(&ml_recording.pace) == 1);
    live_samples = 100 * ML_PACE_LIVE_SAMPLES;
    turn();
    CHECK(ml_pace_wished(&ml_recording.pace) == WIDEST);
    live_samples = 10;
    run(1e3, 2);
    CHECK(ml_pace_wished(&ml_recording.pace) == 0);
}

/* Of estimates over many seeds as many lie within their 95 % interval as should; and their mean is
 * the truth, by its own error. */
static void test_estimates_are_unbiased_while_the_interval_changes(void)
{
    enum { SEEDS = 300 };
    int within[SIZES] = {0};
    double errors[SIZES] = {0}, variances[SIZES] = {0};
    unsigned seen = 0; /* samplings that were in force */
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        begin(seed);
        for (int phase = 0; phase < 2; phase++) {
            run(600e6, 0.05);
            seen |= 1u << thread.sampling;
            run(40e3, 1.8);
            seen |= 1u << thread.sampling;
            run(2e6, 0.8);
            seen |= 1u << thread.sampling;
        }
        for (int i = 0; i < SIZES; i++) {
            within[i] += fabs(estimate[i] - truth[i]) <= 1.96 * sqrt(variance[i]);
            errors[i] += estimate[i] - truth[i];
            variances[i] += variance[i];
        }
    }
    CHECK(seen & 1 && seen >> DENSE && seen & ((1u << DENSE) - 2));
    for (int i = 0; i < SIZES; i++) {
        CHECK(within[i] >= SEEDS * 0.90 && within[i] <= SEEDS * 0.99);
        CHECK(fabs(errors[i]) <= 4 * sqrt(variances[i]));
    }
}

/* A budget that is taken away is drawn anew before the allocation that finds that out. */
static void test_a_budget_that_was_taken_away_keeps_as_many(void)
{
    enum { DRAWS = 400000 };
    int kept = 0;
    begin(8);
    for (int i = 0; i < DRAWS; i++) {
        if (i % 3 == 0)
            ml_thread_take_budget(&thread);
        if (ml_thread_may_have(&thread, 100))
            continue;
        ml_thread_enter(&thread);
        if (ml_recorder_is_due(&thread, 100)) {
            kept++;
            atomic_store(&ml_recording.pace.samples, 0); /* no burst */
            ml_recorder_refill(&thread);
        }
        ml_thread_leave(&thread);
    }
    const double p = 1 / ml_sample_weight(&ml_recording.samplings[0], 100);
    CHECK(fabs((double)kept / DRAWS - p) <= 5 * sqrt(p * (1 - p) / DRAWS));
}

int main(void)
{
    test_a_program_that_allocates_little_is_recorded_as_closely_as_can_be();
    test_the_denser_a_program_the_wider_the_interval_at_which_it_ends();
    test_samples_keep_within_their_number_whatever_the_pace();
    test_a_slow_phase_is_recorded_closely_soon_after_a_dense_one();
    test_large_blocks_leave_the_small_ones_as_closely_recorded();
    test_bursts_cost_a_bounded_number_of_samples();
    test_it_does_not_go_up_and_down();
    test_the_more_lives_the_wider_the_closest_interval();
    test_estimates_are_unbiased_while_the_interval_changes();
    test_a_budget_that_was_taken_away_keeps_as_many();
    return 0;
}

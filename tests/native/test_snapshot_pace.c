/* core/snapshot_pace.h: how often, with a clock and a memory of the test's own. */
#include "check.h"
#include "core/snapshot_pace.h"

#define MS 1000000
#define MIB ((int64_t)1 << 20)
#define TICK_NS (10 * (int64_t)MS)

typedef struct {
    int snapshots;
    int64_t spent_ns, greatest_explained;
} outcome;

/* A program that has `bytes[i]` in its i-th tick, and snapshots that cost so much. */
static outcome run(ml_snapshot_pace *pace, const int64_t *bytes, int ticks, int64_t cost_ns)
{
    outcome seen = {0, 0, 0};
    for (int i = 0; i < ticks; i++) {
        const int64_t now_ns = i * TICK_NS;
        if (!ml_snapshot_is_due(pace, now_ns, bytes[i]))
            continue;
        ml_snapshot_is_done(pace, now_ns, bytes[i], cost_ns);
        seen.snapshots++;
        seen.spent_ns += cost_ns;
        if (bytes[i] > seen.greatest_explained)
            seen.greatest_explained = bytes[i];
    }
    return seen;
}

#define TICKS 60000 /* ten minutes */
static int64_t bytes[TICKS];

static void test_all_together_cost_a_five_hundredth_of_the_time(void)
{
    for (int64_t cost_ns = MS; cost_ns <= 1000 * (int64_t)MS; cost_ns *= 10) {
        ml_snapshot_pace pace = {.has_begun = false};
        for (int i = 0; i < TICKS; i++) /* up and down, always a little higher */
            bytes[i] = (100 + i / 100 + i % 50) * MIB;
        const outcome seen = run(&pace, bytes, TICKS, cost_ns);
        CHECK(seen.snapshots > 1);
        CHECK(seen.spent_ns <= TICKS * TICK_NS / 500 + ML_SNAPSHOT_FIRST_CREDIT_NS + 4 * cost_ns);
    }
}

static void test_memory_that_stays_is_looked_at_now_and_then(void)
{
    ml_snapshot_pace pace = {.has_begun = false};
    for (int i = 0; i < TICKS; i++)
        bytes[i] = 100 * MIB;
    const outcome seen = run(&pace, bytes, TICKS, MS);
    CHECK(seen.snapshots >= 250 && seen.snapshots <= 610);
}

static void test_a_short_peak_is_seen(void)
{
    ml_snapshot_pace pace = {.has_begun = false};
    for (int i = 0; i < TICKS; i++)
        bytes[i] = (i >= 1000 && i < 1010 ? 300 : 100) * MIB;
    CHECK(run(&pace, bytes, TICKS, MS).greatest_explained == 300 * MIB);
}

static void test_a_peak_that_lasts_is_seen_although_the_way_to_it_was_dear(void)
{
    ml_snapshot_pace pace = {.has_begun = false};
    for (int i = 0; i < 60; i++)
        bytes[i] = (i < 10 ? 10 + i * 10 : 113) * MIB;
    CHECK(run(&pace, bytes, 60, 3 * MS).greatest_explained == 113 * MIB);
}

static void test_growth_is_followed_to_its_end_however_dear_a_snapshot_is(void)
{
    ml_snapshot_pace pace = {.has_begun = false};
    int64_t grown = 10 * MIB;
    for (int i = 0; i < 300; i++, grown += grown / 20)
        bytes[i] = grown < 4096 * MIB ? grown : 4096 * MIB;
    const outcome seen = run(&pace, bytes, 300, 20 * MS);
    CHECK(seen.greatest_explained >= 2048 * MIB);
    CHECK(seen.snapshots <= 14);
}

static void test_a_snapshot_that_was_given_up_explains_nothing(void)
{
    ml_snapshot_pace pace = {.has_begun = false};
    CHECK(ml_snapshot_is_due(&pace, 0, 10 * MIB));
    ml_snapshot_is_done(&pace, 0, 0, MS);
    CHECK(ml_snapshot_is_due(&pace, TICK_NS, 10 * MIB));
    ml_snapshot_is_done(&pace, TICK_NS, 10 * MIB, MS);
    CHECK(!ml_snapshot_is_due(&pace, 2 * TICK_NS, 10 * MIB));
}

static void test_the_end_does_not_wait_for_what_takes_long(void)
{
    ml_snapshot_pace pace = {.has_begun = false};
    CHECK(ml_snapshot_is_due(&pace, 0, MIB));
    ml_snapshot_is_done(&pace, 0, MIB, 10 * MS);
    CHECK(ml_snapshot_is_worth_waiting(&pace, 20 * MS));
    ml_snapshot_is_done(&pace, 0, MIB, 500 * (int64_t)MS);
    CHECK(!ml_snapshot_is_worth_waiting(&pace, 20000 * (int64_t)MS));
    CHECK(ml_snapshot_is_worth_waiting(&pace, 60000 * (int64_t)MS));
}

int main(void)
{
    test_all_together_cost_a_five_hundredth_of_the_time();
    test_memory_that_stays_is_looked_at_now_and_then();
    test_a_short_peak_is_seen();
    test_a_peak_that_lasts_is_seen_although_the_way_to_it_was_dear();
    test_growth_is_followed_to_its_end_however_dear_a_snapshot_is();
    test_a_snapshot_that_was_given_up_explains_nothing();
    test_the_end_does_not_wait_for_what_takes_long();
    return 0;
}

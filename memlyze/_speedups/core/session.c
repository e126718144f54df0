/* Beginning and end of a recording, and what becomes of it in a forked child. */
#include "recorder.h"

#include "helper_thread.h"
#include "live_threads.h"
#include "mapping_table.h"
#include "side_rows.h"
#include "stack_table.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Bounds of the tables. Exact recordings meet every stack of the program; samples are few, and
 * there memory is to be flat from the start: what is met again after a table was emptied is written
 * once more, which costs little. */
#define MAX_STACKS_EXACT (1u << 20)
#define MAX_STACKS_SAMPLED (1u << 14)
#define MAX_CODES_EXACT (1u << 17)
#define MAX_CODES_SAMPLED (1u << 12)
/* Rings: a millisecond and more of what the fastest program allocates; samples need little. */
#define RING_WORDS_EXACT (1u << 16)
#define RING_WORDS_SAMPLED (1u << 12)
#define RING_WORDS_RATE (1u << 15)

/* More than there are in the deepest stack. */
#define STACK_NUMBERS_SAMPLED 8192

#define SMALL_OBJECT_BYTES 64

/* The longest rest of the helper thread. */
#define LONGEST_TURN_MS 100

static uint64_t sessions_begun;

static void after_fork_in_child(void)
{
    ml_session_close();
    ml_threads_after_fork();
    ml_live_table_after_fork(&ml_recording.live);
    ml_mapping_table_after_fork(&ml_mappings);
    atomic_store(&ml_codes.lock, 0);
    atomic_store(&ml_sides.lock, 0);
    ml_helper_after_fork();
}

/* A child that was made behind the back of the fork handlers, by the bare system call, may find a
 * lock held by a thread that it does not have. */
static bool forked_unseen(void)
{
    return ml_helper_is_running() && !ml_helper_is_here();
}

ML_NOINLINE void ml_lock_wait(const ml_spinlock *lock)
{
    for (int turn = 1; atomic_load_explicit(lock, memory_order_relaxed) != 0; turn++)
        if (turn % 200 == 0) {
            sched_yield();
            if (turn % 20000 == 0 && forked_unseen())
                after_fork_in_child();
        }
}

ML_THREAD_LOCAL volatile int ml_locks_held, ml_signal_put_off;

ML_NOINLINE void ml_raise_put_off(void)
{
    const int error = errno, number = ml_signal_put_off;
    ml_signal_put_off = 0;
    raise(number);
    errno = error;
}

static void register_fork_handler(void)
{
    pthread_atfork(NULL, NULL, after_fork_in_child);
}

static uint64_t random_seed(void)
{
    uint64_t seed = (uint64_t)ml_monotonic_ns() ^ (uint64_t)getpid() << 32;
    return ml_mix(seed);
}

static void clear_tables(void)
{
    ml_live_table_clear(&ml_recording.live);
    ml_mapping_table_clear(&ml_mappings);
    ml_code_table_clear(&ml_codes);
    ml_stack_table_clear(&ml_stacks);
}

/* From the closest on. */
static void set_samplings(const ml_options *options)
{
    const uint32_t turn_ms = options->memory_interval_ms;
    const uint32_t count = options->goes_by_pace ? ML_MOST_SAMPLINGS : 1;
    for (uint32_t i = 0; i < count; i++) {
        const double interval =
            options->goes_by_pace ? ml_pace_intervals[i] : options->interval_bytes;
        ml_recording.samplings[i] = (ml_sampling){interval, options->surcharge_bytes};
    }
    ml_recording.sampling_count = count;
    ml_pace_init(&ml_recording.pace, ml_recording.samplings, count,
                 (int64_t)(turn_ms < LONGEST_TURN_MS ? turn_ms : LONGEST_TURN_MS) * 1000000);
}

int ml_recorder_start(const ml_options *options, char *error, size_t error_bytes)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_fork_handler);
    if (ml_helper_is_running()) /* its stop was interrupted */
        ml_recorder_stop("interrupted", error, error_bytes);
    const bool exact = options->interval_bytes <= 0;
    set_samplings(options);
    ml_recording.exact = exact;
    ml_recording.coarse_clock = exact || options->rate > 0;
    ml_recording.drop_when_full = options->drop_when_full;
    ml_recording.max_stack_depth = options->max_stack_depth;
    ml_recording.seed = options->seed ? options->seed : random_seed();
    ml_recording.ring_words = exact               ? RING_WORDS_EXACT
                              : options->rate > 0 ? RING_WORDS_RATE
                                                  : RING_WORDS_SAMPLED;
    /* The deepest stack has to fit, all of it new, into what allocations may use. */
    while (ml_recording.ring_words / 4 * 3 <
           (options->max_stack_depth + 2) * ML_WORDS_PER_STACK + ML_WORDS_PER_EVENT)
        ml_recording.ring_words *= 2;
    const bool many = exact || options->rate > 0;
    ml_recording.known_children = many ? ML_KNOWN_CHILDREN_EXACT : ML_KNOWN_CHILDREN_SAMPLED;
    ml_recording.stack_numbers = many ? ML_STACK_NUMBERS : STACK_NUMBERS_SAMPLED;
    ml_recording.allocations_dropped = ml_recording.frees_dropped = 0;
    ml_recording.waits = ml_recording.wait_ns = ml_recording.stale_closed = 0;
    ml_recording.dropped_in_fork = ml_recording.dropped_for_memory = 0;
    ml_recording.calls_unrecorded = ml_recording.stacks_truncated = 0;
    /* Ids go on from one recording to the next: what a thread that is late with the last one still
     * does is told by its id. */
    ml_recording.first_range = ml_recording.next_range +=
        ml_recording.next_range == 0; /* id 0 means none */
    ml_recording.next_thread_id = 1;
    /* Of small objects, which are the most. Where the interval changes it is by pace that the
     * samples are few, or some. */
    const bool paced = ml_recording.sampling_count > 1;
    const double share = options->rate + SMALL_OBJECT_BYTES / (options->interval_bytes + 1);
    const ml_live_kind kind = exact           ? ML_LIVE_EXACT
                              : paced         ? ML_LIVE_SOME_SAMPLES
                              : share < 0.003 ? ML_LIVE_FEW_SAMPLES
                              : share < 0.03  ? ML_LIVE_SOME_SAMPLES
                                              : ML_LIVE_MANY_SAMPLES;
    clear_tables();
    ml_live_table_init(&ml_recording.live, kind);
    if (!ml_code_table_init(&ml_codes, many ? MAX_CODES_EXACT : MAX_CODES_SAMPLED) ||
        !ml_stack_table_init(&ml_stacks, many ? MAX_STACKS_EXACT : MAX_STACKS_SAMPLED)) {
        snprintf(error, error_bytes, "no memory for the recorder's tables");
        return -1;
    }
    ml_side_rows_init(options->max_trace_bytes != 0);
    ml_recording.start_monotonic_ns = ml_monotonic_ns();
    atomic_store(&ml_recording.coarse_now_ns, ml_recording.coarse_clock ? 0 : ML_NO_COARSE_TIME);
    const uint64_t session = ++sessions_begun;
    const char *what = "";
    int failure = ml_helper_start(options, session, &what);
    if (failure) {
        clear_tables();
        snprintf(error, error_bytes, "cannot %s %s: %s", what, options->output_file,
                 strerror(failure));
        return failure;
    }
    ml_session_open(session, exact);
    return 0;
}

void ml_recorder_end_with_last_thread(void)
{
    char error[200];
    if (ml_helper_is_running() && ml_helper_is_here() && !ml_helper_is_paused() &&
        ml_live_threads() == 2)
        ml_recorder_stop("_exit", error, sizeof error);
}

int ml_recorder_stop(const char *reason, char *error, size_t error_bytes)
{
    ml_session_close();
    if (!ml_helper_is_here())
        after_fork_in_child();
    int failure = ml_helper_stop(reason);
    clear_tables();
    if (failure) {
        snprintf(error, error_bytes, "%s", strerror(failure));
        return failure;
    }
    return 0;
}

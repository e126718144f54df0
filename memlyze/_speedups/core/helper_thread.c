#include "helper_thread.h"

#include "descriptor_table.h"
#include "fatal_signals.h"
#include "live_threads.h"
#include "writer.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>
#if defined(__linux__)
#include <linux/futex.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

/* While a recording of many events is busy a turn comes every millisecond: that is the resolution
 * of its times. */
#define BUSY_TURN_NS 1000000
#define IDLE_TURNS_BEFORE_REST 20
#define ENDING_PATIENCE_NS 2000000000
#define LOOK_AT_THREADS_NS 250000000

/* Whose descriptor table the recorder's descriptors are in. While the helper thread begins only it
 * knows. */
enum { TABLE_UNKNOWN, TABLE_OF_PROGRAM, TABLE_OF_HELPER };

static struct {
    pthread_t thread;
    bool running;
    pid_t process_id;
    uint64_t session;
    _Atomic int wake;
    _Atomic bool stopping;
    _Atomic bool ending_wanted;
    _Atomic bool pausing;
    _Atomic bool paused;   /* there is no helper thread for a moment */
    _Atomic bool finished; /* the file is whole: there is nothing to wait for any more */
    pid_t thread_number;
    _Atomic int table;
    ml_handover handover;   /* of the file, from a helper thread that ends */
    pid_t program_thread;   /* that started the helper thread, or ends it */
    bool table_can_be_left; /* known from before the pause */
    const char *reason;     /* of the end */
    ml_thread self;         /* so that a hook that this thread runs into lets it pass */
} helper;

/* ---- waking and sleeping
 * ------------------------------------------------------------------------- */

void ml_helper_wake(void)
{
    if (atomic_exchange_explicit(&helper.wake, 1, memory_order_release) == 0) {
#if defined(__linux__)
        syscall(SYS_futex, &helper.wake, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
#endif
    }
}

static void rest(int64_t ns)
{
    struct timespec time = {ns / 1000000000, ns % 1000000000};
#if defined(__linux__)
    if (atomic_load(&helper.wake) == 0)
        syscall(SYS_futex, &helper.wake, FUTEX_WAIT_PRIVATE, 0, &time, NULL, 0);
#else
    if (time.tv_sec || time.tv_nsec > BUSY_TURN_NS)
        time = (struct timespec){0, BUSY_TURN_NS};
    nanosleep(&time, NULL);
#endif
    atomic_store_explicit(&helper.wake, 0, memory_order_relaxed);
}

static void tell_news(void)
{
    if (!ml_writer_has_news())
        return;
    const bool elsewhere = helper.table == TABLE_OF_HELPER;
    const int descriptor = elsewhere ? ml_descriptor_table_open_program_stderr() : STDERR_FILENO;
    ml_writer_tell_news(descriptor);
    if (elsewhere && descriptor >= 0)
        close(descriptor);
}

/* ---- the thread
 * ---------------------------------------------------------------------------------- */

/* Before anything else is opened: the program waits until it is known where. */
static void begin_table(void)
{
    ml_descriptor *kept = ml_writer_descriptor();
    const bool own = (helper.table_can_be_left ||
                      ml_descriptor_table_can_be_left(helper.program_thread, kept)) &&
                     ml_descriptor_table_unshare(kept);
    ml_writer_begin_thread(own);
    atomic_store(&helper.table, own ? TABLE_OF_HELPER : TABLE_OF_PROGRAM);
#if defined(__linux__)
    syscall(SYS_futex, &helper.table, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
#endif
}

static void wait_for_table(void)
{
    while (atomic_load(&helper.table) == TABLE_UNKNOWN) {
#if defined(__linux__)
        syscall(SYS_futex, &helper.table, FUTEX_WAIT_PRIVATE, TABLE_UNKNOWN, NULL, NULL, 0);
#else
        sched_yield();
#endif
    }
}

static int64_t now(void)
{
    return ml_monotonic_ns() - ml_recording.start_monotonic_ns;
}

static void *run(void *unused)
{
    (void)unused;
#if defined(__linux__)
    prctl(PR_SET_NAME, "memlyze");
    helper.thread_number = (pid_t)syscall(SYS_gettid);
#endif
    helper.self.session = helper.session;
    helper.self.pauses = 1;
    helper.self.active_session = ML_INSIDE;
    ml_current_thread = &helper.self;
    begin_table();
    int idle_turns = 0;
    int64_t next_look_ns = 0;
    bool is_alone = false;
    bool abandoned = ml_writer_failure() != 0; /* before a pause */
    while (!atomic_load_explicit(&helper.stopping, memory_order_acquire)) {
        const int64_t now_ns = now();
        if (now_ns >= next_look_ns) {
            is_alone = ml_live_threads() == 1;
            next_look_ns = now_ns + LOOK_AT_THREADS_NS;
            if (is_alone) {
                helper.reason = "_exit";
                break;
            }
        }
        const bool ending_wanted =
            atomic_load_explicit(&helper.ending_wanted, memory_order_acquire);
        if (ml_recording.coarse_clock)
            ml_recorder_raise_clock(now_ns);
        if (!abandoned) {
            idle_turns = ml_writer_turn(now_ns) ? 0 : idle_turns + 1;
            if (ending_wanted) /* not at the turn's moment, which may have its tick already */
                ml_writer_write_ending(now(), helper.reason);
            if (ml_writer_failure()) {
                ml_recorder_abandon();
                ml_threads_end_reading();
                abandoned = true;
            }
            tell_news();
        }
        if (ending_wanted) /* otherwise it may have come just now */
            atomic_store_explicit(&helper.ending_wanted, false, memory_order_release);
        const bool busy =
            ml_recording.coarse_clock && idle_turns < IDLE_TURNS_BEFORE_REST && !abandoned;
        const int64_t turn_ns = ml_writer_longest_rest_ns();
        if (atomic_load_explicit(&helper.pausing, memory_order_acquire))
            break;
        rest(busy && turn_ns > BUSY_TURN_NS ? BUSY_TURN_NS : turn_ns);
    }
    if (helper.pausing) {
        if (helper.table == TABLE_OF_HELPER) {
            ml_handover_send(&helper.handover, ml_writer_descriptor()->number);
            /* The program may have as many open as it may: there is room to look only here. */
            helper.table_can_be_left = helper.handover.socket.number < 0 &&
                                       ml_descriptor_table_can_be_left(helper.program_thread, NULL);
        }
    } else {
        ml_writer_finish(now(), helper.reason);
        atomic_store_explicit(&helper.finished, true, memory_order_release);
        tell_news();
    }
    ml_writer_end_thread();
#if defined(__linux__)
    /* The last thread that returns has the C library call what the program left to be done at its
     * end: with the descriptors of this one, it would write to other files. */
    if (is_alone)
        syscall(SYS_exit, 0);
#endif
    return NULL; /* and what the C library frees after this is not the program's either */
}

static void note_program_thread(void)
{
#if defined(__linux__)
    helper.program_thread = (pid_t)syscall(SYS_gettid);
#endif
}

static int start_thread(void)
{
    ml_descriptor in_program = *ml_writer_descriptor();
    note_program_thread();
    /* What the C library allocates for a thread is not the program's. */
    ml_thread *caller = ml_current_thread;
    const bool is_recording = ml_thread_is_recording(caller);
    if (is_recording)
        ml_thread_enter(caller);
    atomic_store(&helper.table, TABLE_UNKNOWN);
    /* Signals are the program's: none may be delivered to this thread. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 256 * 1024);
    int error = pthread_create(&helper.thread, &attributes, run, NULL);
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (is_recording)
        ml_thread_leave(caller);
    if (error) {
        helper.table = TABLE_OF_PROGRAM;
        return error;
    }
    wait_for_table();
    if (helper.table == TABLE_OF_HELPER)
        ml_descriptor_close(&in_program);
    return 0;
}

static void join_thread(void)
{
    ml_helper_wake();
    pthread_join(helper.thread, NULL);
    helper.table = TABLE_OF_PROGRAM;
}

int ml_helper_start(const ml_options *options, uint64_t session, const char **what)
{
    *what = "create";
    int error = ml_writer_open(options, session);
    if (error)
        return error;
    helper.session = session;
    helper.wake = 0;
    helper.stopping = helper.ending_wanted = helper.pausing = helper.paused = helper.finished =
        helper.table_can_be_left = false;
    error = start_thread();
    if (error) {
        *what = "start the helper thread for";
        ml_threads_end_reading();
        ml_writer_close();
        unlink(options->output_file);
        return error;
    }
    helper.process_id = getpid();
    helper.running = true;
    ml_fatal_signals_watch();
    return 0;
}

bool ml_helper_is_running(void)
{
    return helper.running;
}

bool ml_helper_is_here(void)
{
    return helper.process_id == getpid();
}

void ml_helper_pause(void)
{
    if (!helper.running || helper.paused || helper.stopping || !ml_helper_is_here())
        return;
    atomic_store_explicit(&helper.paused, true, memory_order_release);
    const bool elsewhere = helper.table == TABLE_OF_HELPER;
    helper.table_can_be_left = false;
    note_program_thread();
    if (elsewhere)
        ml_handover_open(&helper.handover);
    atomic_store_explicit(&helper.pausing, true, memory_order_release);
    join_thread();
    if (elsewhere) /* otherwise it is opened again after the pause */
        ml_descriptor_replace(ml_writer_descriptor(), ml_handover_receive(&helper.handover));
    atomic_store_explicit(&helper.pausing, false, memory_order_release);
#if defined(__linux__)
    /* A joined thread is counted among those of the process for a moment longer. */
    while (syscall(SYS_tgkill, getpid(), helper.thread_number, 0) == 0)
        sched_yield();
#endif
}

void ml_helper_resume(void)
{
    if (!helper.running || !helper.paused)
        return;
    int error = start_thread();
    if (error) {
        /* No more threads are allowed: nobody can write. */
        ml_recorder_abandon();
        ml_writer_give_up(error);
        tell_news();
        return;
    }
    atomic_store_explicit(&helper.paused, false, memory_order_release);
}

bool ml_helper_is_paused(void)
{
    return atomic_load_explicit(&helper.paused, memory_order_acquire);
}

bool ml_helper_is_awaited(void)
{
    return atomic_load_explicit(&helper.pausing, memory_order_acquire) ||
           atomic_load_explicit(&helper.stopping, memory_order_acquire) ||
           atomic_load_explicit(&helper.ending_wanted, memory_order_acquire);
}

int ml_helper_stop(const char *reason)
{
    if (!helper.running)
        return 0;
    helper.reason = reason;
    ml_helper_resume();
    if (!helper.paused) { /* otherwise it could not be resumed */
        atomic_store_explicit(&helper.stopping, true, memory_order_release);
        join_thread();
    }
    helper.running = false;
    ml_fatal_signals_leave();
    ml_writer_close();
    tell_news(); /* where the helper thread could not, perhaps */
    return ml_writer_failure();
}

void ml_helper_write_ending(const char *reason)
{
    if (!helper.running || !ml_helper_is_here() || ml_helper_is_paused())
        return;
    if (!helper.stopping) {
        helper.reason = reason;
        atomic_store_explicit(&helper.ending_wanted, true, memory_order_release);
        ml_helper_wake();
    }
    const int64_t patience_ends_ns = ml_monotonic_ns() + ENDING_PATIENCE_NS;
    while ((atomic_load_explicit(&helper.ending_wanted, memory_order_acquire) ||
            (helper.stopping && helper.running && !helper.finished)) &&
           (ml_monotonic_ns() < patience_ends_ns || ml_writer_has_graphs())) {
        const struct timespec moment = {0, 50000};
        nanosleep(&moment, NULL);
    }
}

void ml_helper_after_fork(void)
{
    if (!helper.running)
        return;
    helper.running = false;
    ml_writer_after_fork(helper.paused, helper.table != TABLE_OF_HELPER);
    helper.paused = false;
}

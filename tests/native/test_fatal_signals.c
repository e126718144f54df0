/* A signal that ends the process, and comes while its thread holds a lock of the recorder's. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "recorder.h"

static char trace[64];

static void start(void)
{
    char error[5000];
    const ml_options options = {.output_file = trace,
                                .overwrite = true,
                                .header_metadata_json = "{}",
                                .rate = 1.0,
                                .max_stack_depth = 64,
                                .memory_interval_ms = 10};
    CHECK(signal(SIGTERM, SIG_DFL) != SIG_ERR);
    CHECK(ml_recorder_start(&options, error, sizeof error) == 0);
}

static bool is_finished(void)
{
    char end[4] = "";
    FILE *file = fopen(trace, "r");
    CHECK(file && fseek(file, -4, SEEK_END) == 0 && fread(end, 1, 4, file) == 4);
    fclose(file);
    return memcmp(end, "MLZE", 4) == 0;
}

/* A process that does this is ended by the signal, and its trace is finished. */
static void check_ends_in_full(void (*act)(void))
{
    int status;
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        act();
        _exit(1); /* it was to be ended */
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    CHECK(is_finished());
}

static void be_ended(void)
{
    start();
    raise(SIGTERM);
}

static void test_signal_ends_the_process_when_all_is_written(void)
{
    check_ends_in_full(be_ended);
}

/* The helper thread takes this lock to read the rings: it could not write the ending before the
 * handler, which waits for it, has returned. */
static void be_ended_with_lock(void)
{
    start();
    ml_lock(&ml_threads_lock);
    raise(SIGTERM);
    CHECK(!is_finished());
    ml_unlock(&ml_threads_lock);
}

static void test_signal_waits_until_no_lock_is_held(void)
{
    check_ends_in_full(be_ended_with_lock);
}

static void be_ended_with_locks(void)
{
    start();
    ml_lock(&ml_codes.lock);
    ml_lock(&ml_threads_lock);
    raise(SIGTERM);
    ml_unlock(&ml_codes.lock); /* in any order */
    CHECK(!is_finished());
    ml_unlock(&ml_threads_lock);
}

static void test_signal_waits_for_the_last_lock(void)
{
    check_ends_in_full(be_ended_with_locks);
}

int main(void)
{
    char directory[] = "/tmp/memlyze-test-XXXXXX";
    CHECK(mkdtemp(directory));
    snprintf(trace, sizeof trace, "%s/a.mlyze", directory);
    test_signal_ends_the_process_when_all_is_written();
    test_signal_waits_until_no_lock_is_held();
    test_signal_waits_for_the_last_lock();
    CHECK(unlink(trace) == 0 && rmdir(directory) == 0);
    return 0;
}

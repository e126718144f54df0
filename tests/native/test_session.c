/* A child that was made by the bare system call does not wait for threads that it does not have. */
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "code_table.h"
#include "recorder.h"

int main(void)
{
    char directory[] = "/tmp/memlyze-test-XXXXXX", error[5000];
    char file[sizeof directory + 16];
    CHECK(mkdtemp(directory));
    snprintf(file, sizeof file, "%s/a.mlyze", directory);
    const ml_options options = {.output_file = file,
                                .header_metadata_json = "{}",
                                .rate = 1.0,
                                .max_stack_depth = 64,
                                .memory_interval_ms = 10};
    CHECK(ml_recorder_start(&options, error, sizeof error) == 0);

    ml_lock(&ml_codes.lock);
    pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (child == 0) {
        alarm(20);
        ml_lock(&ml_codes.lock);
        ml_unlock(&ml_codes.lock);
        _exit(atomic_load(&ml_session) == 0 ? 0 : 1);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(atomic_load(&ml_codes.lock) == 1); /* the parent's own */
    ml_unlock(&ml_codes.lock);

    CHECK(ml_recorder_stop("stop", error, sizeof error) == 0);
    CHECK(unlink(file) == 0 && rmdir(directory) == 0);
    return 0;
}

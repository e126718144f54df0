#include "fatal_signals.h"

#include "helper_thread.h"
#include "platform.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>

static const struct {
    int number;
    const char *reason;
} watched[] = {{SIGTERM, "SIGTERM"}, {SIGHUP, "SIGHUP"}};

#define WATCHED (sizeof watched / sizeof watched[0])

/* Only what a signal handler may do: writing the ending takes atomics, a futex and naps here, and
 * the helper thread does the rest. */
static void end_by(int number)
{
    const int error = errno;
    if (ml_locks_held) { /* by the code that this interrupts; the helper thread may need them */
        ml_signal_put_off = number;
        return;
    }
    for (size_t i = 0; i < WATCHED; i++) {
        if (watched[i].number == number)
            ml_helper_write_ending(watched[i].reason);
    }
    /* Delivered when this returns: until then the signal is blocked, so that who sends it twice
     * does not cut the ending off. The first process of a container survives it. */
    const struct sigaction by_default = {.sa_handler = SIG_DFL};
    sigaction(number, &by_default, NULL);
    raise(number);
    errno = error;
}

static void replace(void (*present)(int), const struct sigaction *new_action)
{
    for (size_t i = 0; i < WATCHED; i++) {
        struct sigaction action;
        if (sigaction(watched[i].number, NULL, &action) == 0 && !(action.sa_flags & SA_SIGINFO) &&
            action.sa_handler == present)
            sigaction(watched[i].number, new_action, NULL);
    }
}

void ml_fatal_signals_watch(void)
{
    if (!ml_helper_is_running() || !ml_helper_is_here())
        return;
    struct sigaction action = {.sa_flags = SA_RESTART | SA_ONSTACK};
    action.sa_handler = end_by;
    sigemptyset(&action.sa_mask);
    replace(SIG_DFL, &action);
}

void ml_fatal_signals_leave(void)
{
    struct sigaction action = {.sa_flags = 0};
    action.sa_handler = SIG_DFL;
    sigemptyset(&action.sa_mask);
    replace(end_by, &action);
}

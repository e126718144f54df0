#include "signal_wait.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

#define SECOND_NS 1000000000ll
#define LAST_SIGNAL 64

static sigset_t set_of(uint64_t signals)
{
    sigset_t set;
    sigemptyset(&set);
    for (int number = 1; number <= LAST_SIGNAL; number++)
        if (signals >> (number - 1) & 1)
            sigaddset(&set, number);
    return set;
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECOND_NS + now.tv_nsec;
}

#if defined(__linux__)

bool ml_wait_for_signal(uint64_t signals, int64_t timeout_ns, ml_received_signal *received)
{
    const sigset_t set = set_of(signals);
    const int64_t end_ns = now_ns() + timeout_ns;
    int64_t left_ns = timeout_ns;
    for (;;) {
        const struct timespec left = {left_ns / SECOND_NS, left_ns % SECOND_NS};
        siginfo_t info;
        if (sigtimedwait(&set, &info, &left) > 0) {
            *received = (ml_received_signal){info.si_signo, info.si_code, (int)info.si_pid};
            return true;
        }
        if (errno != EINTR)
            return false;
        /* One that came meanwhile is taken without a wait. */
        left_ns = end_ns - now_ns();
        left_ns = left_ns > 0 ? left_ns : 0;
    }
}

#else

/* Who sent it is not told: as if a process had. */
bool ml_wait_for_signal(uint64_t signals, int64_t timeout_ns, ml_received_signal *received)
{
    const sigset_t set = set_of(signals);
    const int64_t end_ns = now_ns() + timeout_ns;
    for (;;) {
        sigset_t pending;
        sigpending(&pending);
        for (int number = 1; number <= LAST_SIGNAL; number++) {
            if (sigismember(&set, number) != 1 || sigismember(&pending, number) != 1)
                continue;
            sigset_t one;
            int taken;
            sigemptyset(&one);
            sigaddset(&one, number);
            sigwait(&one, &taken);
            *received = (ml_received_signal){number, 0, 0};
            return true;
        }
        if (now_ns() >= end_ns)
            return false;
        const struct timespec moment = {0, 5000000};
        nanosleep(&moment, NULL);
    }
}

#endif

/* Time since the start of the trace. */
#ifndef MEMLYZE_CLOCK_H
#define MEMLYZE_CLOCK_H

#include "platform.h"
#include <time.h>

ML_INLINE int64_t ml_monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

ML_INLINE int64_t ml_thread_cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

#endif

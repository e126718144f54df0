/* How much a program has worked: its CPU time, and how often its threads went to sleep of their own
 * accord. The former tells of what computes, the latter of what does a little and waits again: a
 * program that is idle has neither. */
#ifndef MEMLYZE_WORK_DONE_H
#define MEMLYZE_WORK_DONE_H

#include "platform.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

typedef struct {
    int64_t cpu_us;
    int64_t waits; /* voluntary context switches */
} ml_work;

/* False: the system does not say. */
ML_INLINE bool ml_read_work(int who, ml_work *work)
{
    struct rusage usage;
    if (getrusage(who, &usage) != 0)
        return false;
    work->cpu_us = (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
                   usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
    work->waits = usage.ru_nvcsw;
    return true;
}

ML_INLINE bool ml_work_of_process(ml_work *work)
{
    return ml_read_work(RUSAGE_SELF, work);
}

/* Of the calling thread. */
ML_INLINE bool ml_work_of_thread(ml_work *work)
{
#if defined(__linux__)
    return ml_read_work(RUSAGE_THREAD, work);
#else
    (void)work;
    return false;
#endif
}

#endif

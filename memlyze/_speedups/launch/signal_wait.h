/* Waiting for blocked signals, for some time. CPython's own `sigtimedwait` tells, where the wait
 * was interrupted (as by a stop of the process) and its time is over, of a signal that never came.
 */
#ifndef MEMLYZE_SIGNAL_WAIT_H
#define MEMLYZE_SIGNAL_WAIT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int number;
    int code;       /* above 0: the kernel's own */
    int process_id; /* that sent it */
} ml_received_signal;

/* Bit k of `signals` stands for signal k + 1; the calling thread has them blocked. False: none came
 * in that time. */
bool ml_wait_for_signal(uint64_t signals, int64_t timeout_ns, ml_received_signal *received);

#endif

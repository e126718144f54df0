/* What waits in the rings of the threads and in the tables of the recorder, on its way into blocks
 * of the present trace. The helper thread's. */
#ifndef MEMLYZE_DRAIN_H
#define MEMLYZE_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

void ml_drain_init(void);
void ml_drain_free(void);
/* Takes everything that waits in the rings. True: something was there. */
bool ml_drain(int64_t now_ns);
/* The same while something takes long, so that the rings do not fill up. `goes_on`: and so does the
 * program, whose clock is moved on. */
void ml_drain_meanwhile(bool goes_on);
/* Writes all that was taken, and what it names, with threads, collector runs and windows. */
void ml_drain_write(void);
/* In a forked child. `is_whole`: the helper thread was not at work. */
void ml_drain_after_fork(bool is_whole);

#endif

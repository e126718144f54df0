/* How many threads a process still has. The system ends a process when its last thread ends, which
 * must not be the recorder's. */
#ifndef MEMLYZE_LIVE_THREADS_H
#define MEMLYZE_LIVE_THREADS_H

/* Those that have not ended; -1: not known. */
int ml_live_threads(void);

#endif

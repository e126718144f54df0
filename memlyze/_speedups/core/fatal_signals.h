/* Signals that end the process without telling anybody. Those with which programs are ended every
 * day, SIGTERM and SIGHUP, leave a complete trace: where the program leaves them to the system, a
 * handler waits until all is in the file, and then lets the system do what it would have done.
 *
 * The program keeps the say. A handler of its own replaces this one, and a signal that it ignores
 * is none of ours. Python does not see the handler: what `signal.getsignal` tells, it remembers. A
 * program that is executed begins with the default again. */
#ifndef MEMLYZE_FATAL_SIGNALS_H
#define MEMLYZE_FATAL_SIGNALS_H

/* Recording has begun, or the program may have left a signal to the system again. */
void ml_fatal_signals_watch(void);
/* Recording ends. */
void ml_fatal_signals_leave(void);

#endif

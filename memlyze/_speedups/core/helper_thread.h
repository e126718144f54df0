/* The helper thread: its life, its rests, and whose descriptor table it works in. What it does in
 * between is the writer's. It needs no lock of the program's and no interpreter, has all signals
 * blocked, and records nothing of itself. */
#ifndef MEMLYZE_HELPER_THREAD_H
#define MEMLYZE_HELPER_THREAD_H

#include "recorder.h"

/* Creates the file and the thread. 0, or an errno with what failed in *what. */
int ml_helper_start(const ml_options *options, uint64_t session, const char **what);
/* Asks for an early turn: a ring is filling up. From any hook. */
void ml_helper_wake(void);
/* False in a child that was made without the fork handlers (_Fork, clone): no thread writes there.
 */
bool ml_helper_is_here(void);
/* Around a fork of the program: the helper thread ends, and another begins. A process that forks is
 * then as single-threaded as it would be without a recording (CPython warns of forks in others),
 * and what the helper thread works on is whole in the child. Meanwhile nobody makes room, and the
 * file is in the program's descriptor table: that of the helper thread ends with it. */
void ml_helper_pause(void);
void ml_helper_resume(void);
bool ml_helper_is_paused(void);
/* Within the helper thread: the program waits for its end, and it should come to one. */
bool ml_helper_is_awaited(void);
/* Between start and stop. */
bool ml_helper_is_running(void);
/* Writes all that the session has recorded, closes the file, ends the thread. 0, or the errno that
 * ended writing earlier. */
int ml_helper_stop(const char *reason);
/* The process may end or be replaced in a moment, at which nobody is told any more: all that was
 * recorded goes into the file, which is then complete. If the process lives on, so does the
 * recording. Waits for the helper thread, but not for long: it may need what this thread holds. */
void ml_helper_write_ending(const char *reason);
/* In a forked child: there is no helper thread here, and the file is the parent's. */
void ml_helper_after_fork(void);

#endif

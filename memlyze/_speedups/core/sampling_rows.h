/* The samplings that came into force, as rows of the present trace: there is none of those that
 * never did, so the widest interval of them says how much may have gone unseen. The helper
 * thread's. */
#ifndef MEMLYZE_SAMPLING_ROWS_H
#define MEMLYZE_SAMPLING_ROWS_H

#include "thread_state.h"
#include "trace_file.h"

/* `rate`: of all. The first is in force: with that all threads begin. */
void ml_sampling_rows_init(double rate);
void ml_sampling_rows_free(void);
/* Those of these bits are in force, too. */
void ml_sampling_rows_note(uint32_t samplings);
/* Notes that of the thread, which may have let allocations pass under it since it recorded one.
 * Where closer samples are wished, its budget is taken away. */
void ml_sampling_rows_look_at(ml_thread *thread);
/* Writes what was not written yet; or into a file that has none, all. False: no memory. */
bool ml_sampling_rows_write(ml_trace_file *file);
bool ml_sampling_rows_write_all(ml_trace_file *file);

#endif

/* The trace's metadata on its way into the file: keys, and values that are JSON. The helper thread
 * puts what it knows itself; everybody else tells. */
#ifndef MEMLYZE_TRACE_METADATA_H
#define MEMLYZE_TRACE_METADATA_H

#include "columns.h"

/* `keeps`: what is told is put into later parts of the trace, too. */
void ml_metadata_init(bool keeps);
void ml_metadata_free(void);

/* From any thread, at most 64 KiB in all between two writes. */
void ml_metadata_tell(const char *key, const char *json);

/* The rest is the helper thread's. */
void ml_metadata_put(const char *key, const char *json);
void ml_metadata_put_number(const char *key, uint64_t value);
/* What was told since the last time. */
void ml_metadata_put_told(void);
/* What was told from the beginning on, as far as it is kept. */
void ml_metadata_put_kept(void);
/* All that was put, to be written. */
ml_columns *ml_metadata_rows(void);
/* In a forked child. `is_whole`: the helper thread was not at work. */
void ml_metadata_after_fork(bool is_whole);

#endif

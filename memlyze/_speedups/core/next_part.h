/* A trace of bounded size goes on in a next part: when that is due, and what the part begins with,
 * so that it is a trace by itself. Their files are trace_parts.h's. The helper thread's. */
#ifndef MEMLYZE_NEXT_PART_H
#define MEMLYZE_NEXT_PART_H

#include "recorder.h"

/* The present trace is the first part: writes what each part begins with, and remembers what later
 * ones need. False: no memory. */
bool ml_first_part_begin(const ml_options *options);
void ml_next_part_free(void);

bool ml_next_part_is_due(int64_t now_ns);
/* Not before this time. */
void ml_next_part_put_off(int64_t from_ns);
/* The present trace has its ending: it becomes the earlier part, and another the present one. 0, or
 * errno: then all files are as they were. */
int ml_next_part_begin(int64_t now_ns);
/* The path where the next part could not be made; NULL: nothing was in its way. */
const char *ml_next_part_failed_path(void);

/* How often the earlier part was deleted before its time, since the disk was full. */
uint64_t ml_parts_dropped_early(void);

/* In a forked child. `is_whole`: the helper thread was not at work. */
void ml_next_part_after_fork(bool is_whole);

#endif

/* A trace of bounded size has two parts, each a trace by itself: `trace.mlyze`, which is written
 * to, and beside it `trace.earlier.mlyze`, what was written before that. Both may be put elsewhere
 * or replaced by others meanwhile: only files that this recording has made are taken away. */
#ifndef MEMLYZE_TRACE_PARTS_H
#define MEMLYZE_TRACE_PARTS_H

#include "descriptor.h"
#include "platform.h"

#define ML_PART_PATH_BYTES 4200

/* `trace.earlier.mlyze` of `trace.mlyze`: until the next part begins. */
void ml_part_earlier_path(char to[ML_PART_PATH_BYTES], const char *path);
/* `trace.next-4711.mlyze`, of this process: while that is made. */
void ml_part_next_path(char to[ML_PART_PATH_BYTES], const char *path);

/* What is at `path`, which is `present`, becomes the earlier part, in place of the one before, and
 * the one at `next_path` takes its place. At every moment in between a whole trace is at `path`,
 * where the file system has hard links. 0, or errno of what cannot be done at `in_the_way`. */
int ml_parts_move_on(const char *path, const ml_descriptor *present, ml_descriptor *earlier,
                     const char *next_path, char in_the_way[ML_PART_PATH_BYTES]);
/* Gives the room of the earlier part back. False: it is not there. */
bool ml_parts_drop_earlier(const char *path, ml_descriptor *earlier);

#endif

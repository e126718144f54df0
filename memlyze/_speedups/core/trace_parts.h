/* A trace of bounded size has two parts, each a trace by itself: `trace.mlyze`, which is written
 * to, and beside it `trace.earlier.mlyze`, what was written before that. */
#ifndef MEMLYZE_TRACE_PARTS_H
#define MEMLYZE_TRACE_PARTS_H

#include "platform.h"

#define ML_PART_PATH_BYTES 4200
#define ML_PART_EARLIER "earlier" /* until the next part begins */
#define ML_PART_NEXT "next"       /* while that is made */

/* `trace.<word>.mlyze` of `trace.mlyze`. */
void ml_part_path(char to[ML_PART_PATH_BYTES], const char *path, const char *word);

/* What is at `path` becomes the earlier part, and the next one takes its place. At every moment in
 * between a whole trace is at `path`, where the file system has hard links. 0, or errno. */
int ml_parts_move_on(const char *path);
/* Gives the room of the earlier part back. */
void ml_parts_drop_earlier(const char *path);

#endif

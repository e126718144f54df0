/* The trace that is being written, for the files that do so: writer.c, which takes the turns,
 * drain.c and next_part.c. The helper thread's. */
#ifndef MEMLYZE_PRESENT_TRACE_H
#define MEMLYZE_PRESENT_TRACE_H

#include "event_encoder.h"
#include "source_files.h"
#include "trace_file.h"

typedef struct {
    uint64_t session;
    ml_trace_file file;
    ml_event_encoder encoder;
    ml_source_files source_files;
    ml_columns sources; /* rows of those that were read */
} ml_present_trace;

extern ML_INTERNAL ml_present_trace ml_trace;

#endif

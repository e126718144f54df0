/* What frees say: when an allocation ended, and how many others its thread had made by then. Those
 * whose allocation is not known yet wait until ml_events_finish. */
#ifndef MEMLYZE_DECODER_FREES_H
#define MEMLYZE_DECODER_FREES_H

#include "decoder_events.h"

/* A run of events, with what its events turned out to be. */
typedef struct ml_run {
    uint64_t first_id;
    uint64_t first_row;
    uint64_t allocations;
    uint64_t frees;
    int64_t time_ns;
    int32_t thread_id;
} ml_run;

/* The frees of all runs of a block whose rows are filled. `freed`: their ids; `freed_before`: the
 * rows before which they stand, NULL where nobody asks for made_between. */
ml_status ml_frees_resolve(ml_events *events, const ml_run *runs, size_t run_count,
                           const uint64_t *freed, const uint64_t *freed_before, ml_error *error);

#endif

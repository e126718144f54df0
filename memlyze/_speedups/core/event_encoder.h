/* From the words of the rings to the columns of an `events` block. Used by the helper thread alone.
 */
#ifndef MEMLYZE_EVENT_ENCODER_H
#define MEMLYZE_EVENT_ENCODER_H

#include "carried.h"
#include "columns.h"
#include "mapping_stacks.h"
#include "sampling_pace.h"
#include "thread_state.h"

/* A block is written when it has this many events, or when its time has come. */
#define ML_EVENTS_PER_BLOCK 65536

typedef struct {
    ml_columns columns; /* of the block in the making */
    uint32_t run_events;
    uint32_t run_thread_id;
    int64_t run_time_ns;
    uint32_t run_window_id;
    uint8_t run_sampling;
    uint32_t samplings_named; /* a bit each: by runs so far */
    uint64_t first_id;        /* of this session: lower ones are of an earlier */
    uint64_t run_first_id;
    int64_t last_stack_id, last_distance;

    /* What went through: counted here, so that the hooks need not. Live figures are estimates where
     * sampled. */
    uint64_t allocations, frees;
    double live_bytes, live_count;
    ml_mapping_stacks mappings;
    ml_carried carried;
    ml_pace_counts pace;
} ml_event_encoder;

/* False: no memory. */
bool ml_event_encoder_init(ml_event_encoder *encoder);
void ml_event_encoder_free(ml_event_encoder *encoder);
/* Takes what a thread has put into its ring, as much as fits into the block. True: there may be
 * more. */
bool ml_event_encoder_drain(ml_event_encoder *encoder, ml_thread *thread);
/* Closes the run in the making; the columns are then ready to be written. */
void ml_event_encoder_close_run(ml_event_encoder *encoder);
/* After the columns were written. */
void ml_event_encoder_next_block(ml_event_encoder *encoder);

#endif

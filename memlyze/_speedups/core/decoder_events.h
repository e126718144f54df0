/* The `events` blocks of a trace, decoded into one row an allocation.
 *
 * A block is decoded whole or not at all: rows are written past the last good one first, and taken
 * in once the block has proved sound. Frees are resolved block by block; those whose allocation is
 * not known yet wait until ml_events_finish. */
#ifndef MEMLYZE_DECODER_EVENTS_H
#define MEMLYZE_DECODER_EVENTS_H

#include "decoder_ids.h"
#include "decoder_made.h"
#include "decoder_weights.h"

/* Memory of the caller, for `capacity` rows each. Rows of window_id must be 0 at first: nothing is
 * written for allocations outside any window, so that memory which only they would use is never
 * touched. */
typedef struct ml_allocation_columns {
    int64_t *allocation_id;
    int64_t *time_ns;
    int64_t *freed_ns; /* -1: not freed */
    int32_t *size;     /* 0 where it needs more bits: see ml_large_size */
    double *weight;    /* NULL: all are 1 */
    uint8_t *allocator;
    int32_t *stack_id;
    int32_t *thread_id;
    int32_t *window_id;
    double
        *made_between; /* NULL, or see decoder_made.h; -1: not freed by the thread that made it */
    uint64_t capacity;
} ml_allocation_columns;

/* An allocation of 2 GiB or more. */
typedef struct ml_large_size {
    uint64_t row;
    int64_t size;
} ml_large_size;

typedef struct ml_pending_free {
    uint64_t id;
    int64_t time_ns;
} ml_pending_free;

typedef struct ml_events {
    ml_allocation_columns columns;
    ml_weights weights;

    uint64_t rows;
    uint64_t frees; /* that were resolved */
    uint64_t
        frees_unmatched;     /* whose allocation is not in the file; known after ml_events_finish */
    uint64_t frees_repeated; /* whose allocation was freed already */
    uint64_t weights_guessed; /* allocations whose sampling is not in the file */
    ml_large_size *large;
    size_t large_count, large_capacity;

    /* internal */
    ml_ids ids;
    ml_made made;
    ml_pending_free *pending;
    size_t pending_count, pending_capacity;
    void *work; /* of one block */
    size_t work_bytes;
} ml_events;

/* The samplings stay the caller's, and in place. */
ml_status ml_events_init(ml_events *events, const ml_allocation_columns *columns,
                         const ml_sampling *samplings, size_t sampling_count, ml_error *error);
void ml_events_free(ml_events *events);

ml_status ml_events_add(ml_events *events, const ml_payload *payload, ml_error *error);
/* A `carried` block, after all `events` blocks: of its allocations those are added that no block
 * before it has given. */
ml_status ml_events_add_carried(ml_events *events, const ml_payload *payload, ml_error *error);
/* Remembers a size of 2 GiB or more beside `count` others. */
ml_status ml_events_add_large(ml_events *events, size_t *count, uint64_t row, uint64_t size,
                              ml_error *error);
/* After the last block that there is. More blocks may be added later, and this be called again,
 * unless made_between is filled. */
void ml_events_finish(ml_events *events);
/* Go on in other columns, into which the rows so far were copied. */
void ml_events_move(ml_events *events, const ml_allocation_columns *columns);

#endif

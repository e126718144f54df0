/* How many allocations each thread has made so far, by the weights of those that were recorded.
 *
 * The difference between the moment of an allocation and that of its free tells how many the thread
 * made in between: exactly where all were recorded, else an estimate without bias. */
#ifndef MEMLYZE_DECODER_MADE_H
#define MEMLYZE_DECODER_MADE_H

#include "decoder_map.h"

/* Start with zeros. */
typedef struct ml_made {
    double *allocations;
    uint32_t used;
    uint32_t capacity;
    ml_map places; /* thread id -> place in allocations */
} ml_made;

void ml_made_free(ml_made *made);

/* The count of a thread, in place until the next call. */
ml_status ml_made_by(ml_made *made, int32_t thread_id, double **allocations, ml_error *error);

#endif

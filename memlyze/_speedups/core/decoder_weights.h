/* How many allocations a sampled one stands for. */
#ifndef MEMLYZE_DECODER_WEIGHTS_H
#define MEMLYZE_DECODER_WEIGHTS_H

#include "decoder_payload.h"

/* A row of the `samplings` table. */
typedef struct ml_sampling {
    int64_t sampling_id;
    double interval_bytes;
    double surcharge_bytes;
} ml_sampling;

struct ml_weight_entry;

typedef struct ml_weights {
    const ml_sampling *samplings; /* the caller's, in the order of their ids */
    size_t count;
    struct ml_weight_entry *known; /* computed before */
} ml_weights;

ml_status ml_weights_init(ml_weights *weights, const ml_sampling *samplings, size_t count,
                          ml_error *error);
void ml_weights_free(ml_weights *weights);

/* The sampling with this id; where it is not in the file, the one before, else the first. NULL:
 * there is none at all. */
const ml_sampling *ml_weights_sampling(const ml_weights *weights, int64_t sampling_id);

/* 1/p of an allocation of so many bytes under that sampling. */
double ml_weight(ml_weights *weights, const ml_sampling *sampling, int64_t size);

#endif

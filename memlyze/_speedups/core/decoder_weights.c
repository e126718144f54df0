#include "decoder_weights.h"

#include <math.h>
#include <stdlib.h>

/* Programs ask for few distinct sizes, so most weights were computed before. */
enum { KNOWN_WEIGHTS = 1024 };

typedef struct ml_weight_entry {
    const ml_sampling *sampling;
    int64_t size;
    double weight;
} ml_weight_entry;

ml_status ml_weights_init(ml_weights *weights, const ml_sampling *samplings, size_t count,
                          ml_error *error)
{
    *weights = (ml_weights){samplings, count, calloc(KNOWN_WEIGHTS, sizeof(ml_weight_entry))};
    return weights->known == NULL ? ml_no_memory(error) : ML_OK;
}

void ml_weights_free(ml_weights *weights)
{
    free(weights->known);
    *weights = (ml_weights){0};
}

const ml_sampling *ml_weights_sampling(const ml_weights *weights, int64_t sampling_id)
{
    const ml_sampling *found = weights->count > 0 ? weights->samplings : NULL;
    size_t low = 0, high = weights->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (weights->samplings[middle].sampling_id <= sampling_id) {
            found = &weights->samplings[middle];
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return found;
}

double ml_weight(ml_weights *weights, const ml_sampling *sampling, int64_t size)
{
    if (sampling == NULL || sampling->interval_bytes == 0) {
        return 1;
    }
    uint64_t mixed = (uint64_t)size ^ (uint64_t)size >> 10 ^ (uint64_t)sampling->sampling_id * 37;
    ml_weight_entry *entry = &weights->known[mixed % KNOWN_WEIGHTS];
    if (entry->sampling != sampling || entry->size != size) {
        double x = ((double)size + sampling->surcharge_bytes) / sampling->interval_bytes;
        double weight = -1 / expm1(-x);
        /* x = 0 is an allocation that could not have been recorded. */
        *entry = (ml_weight_entry){sampling, size, x > 0 && isfinite(weight) ? weight : 1};
    }
    return entry->weight;
}

#include "decoder_made.h"

#include <stdlib.h>

void ml_made_free(ml_made *made)
{
    free(made->allocations);
    ml_map_free(&made->places);
    *made = (ml_made){0};
}

ml_status ml_made_by(ml_made *made, int32_t thread_id, double **allocations, ml_error *error)
{
    if (made->used == made->capacity) {
        uint32_t capacity = made->capacity == 0 ? 16 : made->capacity * 2;
        double *grown = realloc(made->allocations, capacity * sizeof *grown);
        if (grown == NULL) {
            return ml_no_memory(error);
        }
        made->allocations = grown;
        made->capacity = capacity;
    }
    uint32_t place;
    bool added;
    ml_status status =
        ml_map_intern(&made->places, (uint64_t)thread_id, made->used, &place, &added, error);
    if (status != ML_OK) {
        return status;
    }
    if (added) {
        made->allocations[made->used++] = 0;
    }
    *allocations = &made->allocations[place];
    return ML_OK;
}

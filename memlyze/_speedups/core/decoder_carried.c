#include "decoder_events.h"

#include <stdlib.h>

/* Columns of a `carried` block. */
enum {
    CARRIED_ID,
    CARRIED_TIME,
    CARRIED_THREAD,
    CARRIED_WINDOW,
    CARRIED_SAMPLING,
    CARRIED_SIZE,
    CARRIED_ALLOCATOR,
    CARRIED_STACK,
    CARRIED_COLUMNS
};

static ml_status read_carried(const ml_payload *payload, int64_t *columns[CARRIED_COLUMNS],
                              ml_error *error)
{
    static const int64_t low[] = {0, INT64_MIN, 0, 0, 0, 0, 0, 0};
    static const int64_t high[] = {INT64_MAX - 1, INT64_MAX, INT32_MAX, INT32_MAX,
                                   INT32_MAX,     INT64_MAX, UINT8_MAX, INT32_MAX};
    for (unsigned k = 0; k < CARRIED_COLUMNS; k++) {
        ml_status status =
            ml_column_integers(payload, k, payload->row_count, low[k], high[k], columns[k], error);
        if (status != ML_OK) {
            return status;
        }
    }
    return ML_OK;
}

/* Of a block that has proved sound; what fails then is for want of memory. */
static ml_status add_carried_row(ml_events *events, int64_t *const columns[CARRIED_COLUMNS],
                                 size_t k, ml_error *error)
{
    const ml_allocation_columns *to = &events->columns;
    const uint64_t row = events->rows, id = (uint64_t)columns[CARRIED_ID][k];
    const int64_t size = columns[CARRIED_SIZE][k], sampling_id = columns[CARRIED_SAMPLING][k];
    if (ml_ids_overlap(&events->ids, id, 1)) {
        return ML_OK;
    }
    ml_status status = ml_ids_insert(&events->ids, id, 1, row, error);
    if (status == ML_OK && size > INT32_MAX) {
        status = ml_events_add_large(events, &events->large_count, row, (uint64_t)size, error);
    }
    if (status != ML_OK) {
        return status;
    }
    to->allocation_id[row] = (int64_t)id;
    to->time_ns[row] = columns[CARRIED_TIME][k] < 0 ? 0 : columns[CARRIED_TIME][k];
    to->freed_ns[row] = -1;
    to->size[row] = size > INT32_MAX ? 0 : (int32_t)size;
    to->allocator[row] = (uint8_t)columns[CARRIED_ALLOCATOR][k];
    to->stack_id[row] = (int32_t)columns[CARRIED_STACK][k];
    to->thread_id[row] = (int32_t)columns[CARRIED_THREAD][k];
    if (columns[CARRIED_WINDOW][k] != 0) {
        to->window_id[row] = (int32_t)columns[CARRIED_WINDOW][k];
    }
    const ml_sampling *sampling = ml_weights_sampling(&events->weights, sampling_id);
    if (sampling == NULL || sampling->sampling_id != sampling_id) {
        events->weights_guessed++;
    }
    if (to->weight != NULL) {
        to->weight[row] = ml_weight(&events->weights, sampling, size);
    }
    if (to->made_between != NULL) {
        to->made_between[row] = -1; /* what came before is in no part of the trace */
    }
    events->rows++;
    return ML_OK;
}

ml_status ml_events_add_carried(ml_events *events, const ml_payload *payload, ml_error *error)
{
    const size_t count = payload->row_count;
    for (unsigned k = 0; k < CARRIED_COLUMNS; k++) {
        ml_status status = ml_column_check(payload, k, ML_U8, count, error);
        if (status != ML_OK) {
            return status;
        }
    }
    if (count > events->columns.capacity - events->rows) {
        return ml_corrupt(error, "it holds more allocations than were announced");
    }
    int64_t *values = malloc((count + 1) * CARRIED_COLUMNS * sizeof *values);
    if (values == NULL) {
        return ml_no_memory(error);
    }
    int64_t *columns[CARRIED_COLUMNS];
    for (unsigned k = 0; k < CARRIED_COLUMNS; k++) {
        columns[k] = values + k * count;
    }
    ml_status status = read_carried(payload, columns, error);
    for (size_t k = 0; k < count && status == ML_OK; k++) {
        status = add_carried_row(events, columns, k, error);
    }
    free(values);
    return status;
}

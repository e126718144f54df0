#include "decoder_events.h"

#include <stdlib.h>
#include <string.h>

#include "decoder_frees.h"
#include "decoder_varint.h"

/* Column numbers. */
enum {
    THREAD_ID,
    TIME_NS,
    WINDOW_ID,
    SAMPLING_ID,
    FIRST_ID,
    EVENT_COUNT,
    SIZE_CODE,
    ALLOCATOR,
    STACK_ID,
    FREED
};

/* The cursors into the columns that have a value an event. */
typedef struct cursors {
    ml_cursor size_code, allocator, stack_id, freed;
} cursors;

/* One block's memory: its run columns, its runs, and the ids it frees, with the row before which
 * each free stands: NULL where nobody asks. */
typedef struct work {
    size_t run_count;
    int64_t *columns[EVENT_COUNT + 1];
    ml_run *runs;
    uint64_t *freed;
    uint64_t *freed_before;
    size_t freed_count;
} work;

ml_status ml_events_init(ml_events *events, const ml_allocation_columns *columns,
                         const ml_sampling *samplings, size_t sampling_count, ml_error *error)
{
    *events = (ml_events){.columns = *columns};
    return ml_weights_init(&events->weights, samplings, sampling_count, error);
}

void ml_events_free(ml_events *events)
{
    ml_weights_free(&events->weights);
    ml_ids_free(&events->ids);
    ml_made_free(&events->made);
    free(events->pending);
    free(events->work);
    free(events->large);
    *events = (ml_events){0};
}

/* Check that the columns are there and long enough, and make room for what they hold. */
static ml_status reserve_work(ml_events *events, const ml_payload *payload, work *work,
                              ml_error *error)
{
    size_t runs = ml_column_values(&payload->columns[EVENT_COUNT]);
    size_t frees = ml_column_values(&payload->columns[FREED]);
    for (unsigned k = 0; k <= FREED; k++) {
        size_t values = k <= EVENT_COUNT ? runs : k == SIZE_CODE ? payload->row_count : 0;
        ml_status status = ml_column_check(payload, k, ML_U8, values, error);
        if (status != ML_OK) {
            return status;
        }
    }
    size_t bytes = runs * (sizeof(ml_run) + (EVENT_COUNT + 1) * sizeof(int64_t)) +
                   2 * frees * sizeof(uint64_t);
    if (bytes > events->work_bytes) {
        free(events->work);
        events->work = malloc(bytes);
        events->work_bytes = events->work == NULL ? 0 : bytes;
        if (events->work == NULL) {
            return ml_no_memory(error);
        }
    }
    work->run_count = runs;
    work->runs = events->work;
    int64_t *at = (int64_t *)(work->runs + runs);
    for (unsigned k = 0; k <= EVENT_COUNT; k++, at += runs) {
        work->columns[k] = at;
    }
    work->freed = (uint64_t *)at;
    work->freed_before = events->columns.made_between == NULL ? NULL : work->freed + frees;
    work->freed_count = frees;
    return ML_OK;
}

static ml_status read_run_columns(const ml_payload *payload, work *work, ml_error *error)
{
    static const int64_t low[] = {0, INT64_MIN, 0, 0, 0, 1};
    static const int64_t high[] = {INT32_MAX, INT64_MAX, INT32_MAX,
                                   INT32_MAX, INT64_MAX, INT64_MAX};
    for (unsigned k = THREAD_ID; k <= EVENT_COUNT; k++) {
        ml_status status = ml_column_integers(payload, k, work->run_count, low[k], high[k],
                                              work->columns[k], error);
        if (status != ML_OK) {
            return status;
        }
    }
    uint64_t left = payload->row_count;
    for (size_t k = 0; k < work->run_count; k++) {
        uint64_t events = (uint64_t)work->columns[EVENT_COUNT][k];
        if (events > left || (uint64_t)work->columns[FIRST_ID][k] > INT64_MAX - events) {
            return ml_corrupt(error, "its runs do not add up to its %u events", payload->row_count);
        }
        left -= events;
        if (work->columns[TIME_NS][k] < 0) {
            work->columns[TIME_NS][k] = 0; /* a coarse clock lags behind the start of the trace */
        }
    }
    if (left != 0) {
        return ml_corrupt(error, "its runs do not add up to its %u events", payload->row_count);
    }
    return ML_OK;
}

ml_status ml_events_add_large(ml_events *events, size_t *count, uint64_t row, uint64_t size,
                              ml_error *error)
{
    if (*count == events->large_capacity) {
        size_t capacity = *count == 0 ? 16 : *count * 2;
        ml_large_size *large = realloc(events->large, capacity * sizeof *large);
        if (large == NULL) {
            return ml_no_memory(error);
        }
        events->large = large;
        events->large_capacity = capacity;
    }
    events->large[(*count)++] = (ml_large_size){row, (int64_t)size};
    return ML_OK;
}

/* Decode the events of all runs into rows from events->rows on. This is where the time goes: as the
 * encodings are constants of the caller's, their switches vanish. */
static inline __attribute__((always_inline)) ml_status decode_runs(ml_events *events, work *work,
                                                                   cursors *at,
                                                                   const ml_encoding encodings[4],
                                                                   size_t *large_count,
                                                                   ml_error *error)
{
    const ml_allocation_columns *to = &events->columns;
    uint64_t row = events->rows;
    uint64_t *freed = work->freed;
    const uint64_t *freed_end = freed + work->freed_count;
    uint64_t *freed_before = work->freed_before;
    cursors c = *at;
    bool bad = false;
    for (size_t k = 0; k < work->run_count; k++) {
        uint64_t first_row = row;
        uint64_t first_id = (uint64_t)work->columns[FIRST_ID][k];
        int64_t time_ns = work->columns[TIME_NS][k];
        uint64_t next_id = first_id;
        uint64_t *first_freed = freed;
        for (int64_t left = work->columns[EVENT_COUNT][k]; left > 0; left--) {
            uint64_t code = ml_next(&c.size_code, encodings[0]);
            if (code == 0) {
                if (__builtin_expect(freed == freed_end, 0)) {
                    return ml_corrupt(error, "its column %d does not match its events", FREED);
                }
                uint64_t distance = ml_next(&c.freed, encodings[3]);
                bad |= encodings[3] == ML_UVARINT && distance > INT64_MAX;
                *freed++ = next_id - distance;
                if (freed_before != NULL) {
                    *freed_before++ = row;
                }
                continue;
            }
            if (__builtin_expect(row == to->capacity, 0)) {
                return ml_corrupt(error, "it holds more events than were announced");
            }
            uint64_t size = code - 1;
            if (__builtin_expect(size > INT32_MAX, 0)) {
                bad |= size >= INT64_MAX;
                ml_status status = ml_events_add_large(events, large_count, row, size, error);
                if (status != ML_OK) {
                    return status;
                }
                size = 0;
            }
            uint64_t allocator = ml_next(&c.allocator, encodings[1]);
            uint64_t stack_id = ml_next(&c.stack_id, encodings[2]);
            bad |= (allocator > UINT8_MAX) | (stack_id > INT32_MAX);
            to->allocation_id[row] = (int64_t)next_id++;
            to->time_ns[row] = time_ns;
            to->freed_ns[row] = -1;
            to->size[row] = (int32_t)size;
            to->allocator[row] = (uint8_t)allocator;
            to->stack_id[row] = (int32_t)stack_id;
            row++;
        }
        work->runs[k] = (ml_run){first_id,        first_row,
                                 row - first_row, (uint64_t)(freed - first_freed),
                                 time_ns,         (int32_t)work->columns[THREAD_ID][k]};
    }
    *at = c;
    if (bad) {
        return ml_corrupt(error, "a value of an event is out of range");
    }
    return ML_OK;
}

static ml_status decode_block(ml_events *events, const ml_payload *payload, work *work,
                              size_t *large_count, ml_error *error)
{
    static const ml_encoding usual[4] = {ML_UVARINT, ML_U8, ML_DELTA, ML_DELTA};
    static const unsigned numbers[4] = {SIZE_CODE, ALLOCATOR, STACK_ID, FREED};
    ml_encoding encodings[4];
    bool is_usual = true;
    for (unsigned k = 0; k < 4; k++) {
        encodings[k] = (ml_encoding)payload->columns[numbers[k]].encoding;
        is_usual &= encodings[k] == usual[k];
    }
    cursors at = {ml_cursor_start(&payload->columns[SIZE_CODE]),
                  ml_cursor_start(&payload->columns[ALLOCATOR]),
                  ml_cursor_start(&payload->columns[STACK_ID]),
                  ml_cursor_start(&payload->columns[FREED])};
    ml_status status = is_usual ? decode_runs(events, work, &at, usual, large_count, error)
                                : decode_runs(events, work, &at, encodings, large_count, error);
    if (status == ML_OK &&
        !(ml_cursor_finished(&at.size_code) && ml_cursor_finished(&at.allocator) &&
          ml_cursor_finished(&at.stack_id) && ml_cursor_finished(&at.freed))) {
        return ml_corrupt(error, "its columns do not match its %u events", payload->row_count);
    }
    return status;
}

static int compare_runs(const void *a, const void *b)
{
    const ml_run *left = a, *right = b;
    return (left->first_id > right->first_id) - (left->first_id < right->first_id);
}

/* Refuse a block that gives an id which was given before. Runs with allocations are then in
 * `sorted`. */
static ml_status check_ids(ml_events *events, const work *work, ml_run **sorted,
                           size_t *sorted_count, ml_error *error)
{
    ml_run *runs = malloc((work->run_count + 1) * sizeof *runs);
    if (runs == NULL) {
        return ml_no_memory(error);
    }
    size_t count = 0;
    bool in_order = true;
    for (size_t k = 0; k < work->run_count; k++) {
        if (work->runs[k].allocations > 0) {
            in_order &= count == 0 || runs[count - 1].first_id < work->runs[k].first_id;
            runs[count++] = work->runs[k];
        }
    }
    if (!in_order) {
        qsort(runs, count, sizeof *runs, compare_runs);
    }
    bool taken = false;
    for (size_t k = 0; k < count && !taken; k++) {
        taken = (k > 0 && runs[k - 1].first_id + runs[k - 1].allocations > runs[k].first_id) ||
                ml_ids_overlap(&events->ids, runs[k].first_id, runs[k].allocations);
    }
    if (taken) {
        free(runs);
        return ml_corrupt(error, "it gives an allocation id that was given before");
    }
    *sorted = runs;
    *sorted_count = count;
    return ML_OK;
}

/* Fill the columns whose values are the run's. Sizes of 2 GiB and more are taken from
 * events->large[large ..]. */
static void fill_run_columns(ml_events *events, const work *work, size_t large)
{
    const ml_allocation_columns *to = &events->columns;
    for (size_t k = 0; k < work->run_count; k++) {
        const ml_run *run = &work->runs[k];
        uint64_t end = run->first_row + run->allocations;
        int32_t window_id = (int32_t)work->columns[WINDOW_ID][k];
        int64_t sampling_id = work->columns[SAMPLING_ID][k];
        for (uint64_t row = run->first_row; row < end; row++) {
            to->thread_id[row] = run->thread_id;
        }
        for (uint64_t row = run->first_row; row < end && window_id != 0; row++) {
            to->window_id[row] = window_id;
        }
        if (run->allocations == 0) {
            continue;
        }
        const ml_sampling *sampling = ml_weights_sampling(&events->weights, sampling_id);
        if (sampling == NULL || sampling->sampling_id != sampling_id) {
            events->weights_guessed += run->allocations;
        }
        for (uint64_t row = run->first_row; row < end && to->weight != NULL; row++) {
            int64_t size = to->size[row];
            if (large < events->large_count && events->large[large].row == row) {
                size = events->large[large++].size;
            }
            to->weight[row] = ml_weight(&events->weights, sampling, size);
        }
    }
}

ml_status ml_events_add(ml_events *events, const ml_payload *payload, ml_error *error)
{
    work work = {0};
    ml_run *sorted = NULL;
    size_t sorted_count = 0;
    size_t large_before = events->large_count;
    size_t large_count = large_before;
    ml_status status = reserve_work(events, payload, &work, error);
    if (status == ML_OK) {
        status = read_run_columns(payload, &work, error);
    }
    if (status == ML_OK) {
        status = decode_block(events, payload, &work, &large_count, error);
    }
    if (status == ML_OK) {
        status = check_ids(events, &work, &sorted, &sorted_count, error);
    }
    if (status != ML_OK) {
        return status;
    }
    /* The block is sound: what follows can fail for want of memory only, which ends the decoding.
     */
    for (size_t k = 0; k < sorted_count && status == ML_OK; k++) {
        status = ml_ids_insert(&events->ids, sorted[k].first_id, sorted[k].allocations,
                               sorted[k].first_row, error);
        events->rows += sorted[k].allocations;
    }
    free(sorted);
    if (status != ML_OK) {
        return status;
    }
    events->large_count = large_count;
    fill_run_columns(events, &work, large_before);
    return ml_frees_resolve(events, work.runs, work.run_count, work.freed, work.freed_before,
                            error);
}

void ml_events_move(ml_events *events, const ml_allocation_columns *columns)
{
    events->columns = *columns;
}

#include "decoder_events.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* A run of events, with what its events turned out to be. */
typedef struct run {
    uint64_t first_id;
    uint64_t first_row;
    uint64_t allocations;
    uint64_t frees;
    int64_t time_ns;
} run;

/* The cursors into the columns that have a value an event. */
typedef struct cursors {
    ml_cursor size_code, allocator, stack_id, freed;
} cursors;

/* Which allocations are counted as made: what follows is mapped, and need not be memory. */
enum { LAST_COUNTED_ALLOCATOR = 4, NO_THREAD = -1 };

/* One block's memory: its run columns, its runs, and the ids it frees, with the row before which
 * each free stands: NULL where nobody asks. */
typedef struct work {
    size_t run_count;
    int64_t *columns[EVENT_COUNT + 1];
    run *runs;
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
    size_t bytes =
        runs * (sizeof(run) + (EVENT_COUNT + 1) * sizeof(int64_t)) + 2 * frees * sizeof(uint64_t);
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

static ml_status add_large(ml_events *events, size_t *count, uint64_t row, uint64_t size,
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
                ml_status status = add_large(events, large_count, row, size, error);
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
        work->runs[k] =
            (run){first_id, first_row, row - first_row, (uint64_t)(freed - first_freed), time_ns};
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
    const run *left = a, *right = b;
    return (left->first_id > right->first_id) - (left->first_id < right->first_id);
}

/* Refuse a block that gives an id which was given before. Runs with allocations are then in
 * `sorted`. */
static ml_status check_ids(ml_events *events, const work *work, run **sorted, size_t *sorted_count,
                           ml_error *error)
{
    run *runs = malloc((work->run_count + 1) * sizeof *runs);
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
        const run *run = &work->runs[k];
        uint64_t end = run->first_row + run->allocations;
        int32_t thread_id = (int32_t)work->columns[THREAD_ID][k];
        int32_t window_id = (int32_t)work->columns[WINDOW_ID][k];
        int64_t sampling_id = work->columns[SAMPLING_ID][k];
        for (uint64_t row = run->first_row; row < end; row++) {
            to->thread_id[row] = thread_id;
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

/* Who frees, and how many allocations it had made by then. Those in rows from `rows` on came later,
 * or are not counted yet. */
typedef struct freeing {
    int32_t thread_id;
    double made;
    uint64_t rows;
} freeing;

static bool resolve_free(ml_events *events, uint64_t id, int64_t time_ns, const freeing *by)
{
    uint64_t row;
    if (!ml_ids_find(&events->ids, id, &row)) {
        return false;
    }
    const ml_allocation_columns *to = &events->columns;
    if (to->freed_ns[row] != -1) {
        events->frees_repeated++;
        return true;
    }
    /* Clocks are coarse: no allocation is freed before it was made. */
    to->freed_ns[row] = time_ns > to->time_ns[row] ? time_ns : to->time_ns[row];
    if (to->made_between != NULL) {
        bool is_known = row < by->rows && to->thread_id[row] == by->thread_id;
        to->made_between[row] = is_known ? by->made - to->made_between[row] : -1;
    }
    events->frees++;
    return true;
}

/* Count the rows [row, end) of a thread as made. Until they are freed, they hold the count at their
 * birth. */
static double count_made(const ml_allocation_columns *to, uint64_t row, uint64_t end, double made)
{
    for (; row < end; row++) {
        if (to->allocator[row] <= LAST_COUNTED_ALLOCATOR) {
            made += to->weight != NULL ? to->weight[row] : 1;
        }
        /* What another thread's run of this block freed has its answer. */
        to->made_between[row] = to->freed_ns[row] == -1 ? made : -1;
    }
    return made;
}

static ml_status resolve_frees(ml_events *events, const work *work, ml_error *error)
{
    const uint64_t *freed = work->freed, *freed_before = work->freed_before;
    const bool is_counting = freed_before != NULL;
    for (size_t k = 0; k < work->run_count; k++) {
        const run *run = &work->runs[k];
        freeing by = {(int32_t)work->columns[THREAD_ID][k], 0, run->first_row};
        double *made = &by.made;
        if (is_counting) {
            ml_status status = ml_made_by(&events->made, by.thread_id, &made, error);
            if (status != ML_OK) {
                return status;
            }
            by.made = *made;
        }
        for (uint64_t left = run->frees; left > 0; left--, freed++) {
            if (is_counting) {
                by.made = count_made(&events->columns, by.rows, *freed_before, by.made);
                by.rows = *freed_before++;
            }
            if (__builtin_expect(resolve_free(events, *freed, run->time_ns, &by), 1)) {
                continue;
            }
            if (events->pending_count == events->pending_capacity) {
                size_t capacity =
                    events->pending_capacity == 0 ? 1024 : events->pending_capacity * 2;
                ml_pending_free *pending = realloc(events->pending, capacity * sizeof *pending);
                if (pending == NULL) {
                    return ml_no_memory(error);
                }
                events->pending = pending;
                events->pending_capacity = capacity;
            }
            events->pending[events->pending_count++] = (ml_pending_free){*freed, run->time_ns};
        }
        if (is_counting) {
            const uint64_t end = run->first_row + run->allocations;
            *made = count_made(&events->columns, by.rows, end, by.made);
        }
    }
    return ML_OK;
}

ml_status ml_events_add(ml_events *events, const ml_payload *payload, ml_error *error)
{
    work work = {0};
    run *sorted = NULL;
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
    return resolve_frees(events, &work, error);
}

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
        status = add_large(events, &events->large_count, row, (uint64_t)size, error);
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

void ml_events_finish(ml_events *events)
{
    size_t left = 0;
    for (size_t k = 0; k < events->pending_count; k++) {
        const freeing nobody = {NO_THREAD, 0, 0};
        const ml_pending_free late = events->pending[k];
        if (!resolve_free(events, late.id, late.time_ns, &nobody)) {
            events->pending[left++] = late; /* its allocation may be in a block still to come */
        }
    }
    events->pending_count = left;
    events->frees_unmatched = left;
    const ml_allocation_columns *to = &events->columns;
    for (uint64_t row = 0; row < events->rows && to->made_between != NULL; row++) {
        if (to->freed_ns[row] == -1) {
            to->made_between[row] = -1;
        }
    }
}

void ml_events_move(ml_events *events, const ml_allocation_columns *columns)
{
    events->columns = *columns;
}

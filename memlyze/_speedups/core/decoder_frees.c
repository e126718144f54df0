#include "decoder_frees.h"

#include <stdlib.h>

/* Which allocations are counted as made: what follows is mapped, and need not be memory. */
enum { LAST_COUNTED_ALLOCATOR = 4, NO_THREAD = -1 };

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

static ml_status wait_for_allocation(ml_events *events, uint64_t id, int64_t time_ns,
                                     ml_error *error)
{
    if (events->pending_count == events->pending_capacity) {
        size_t capacity = events->pending_capacity == 0 ? 1024 : events->pending_capacity * 2;
        ml_pending_free *pending = realloc(events->pending, capacity * sizeof *pending);
        if (pending == NULL) {
            return ml_no_memory(error);
        }
        events->pending = pending;
        events->pending_capacity = capacity;
    }
    events->pending[events->pending_count++] = (ml_pending_free){id, time_ns};
    return ML_OK;
}

ml_status ml_frees_resolve(ml_events *events, const ml_run *runs, size_t run_count,
                           const uint64_t *freed, const uint64_t *freed_before, ml_error *error)
{
    const bool is_counting = freed_before != NULL;
    for (size_t k = 0; k < run_count; k++) {
        const ml_run *run = &runs[k];
        freeing by = {run->thread_id, 0, run->first_row};
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
            ml_status status = wait_for_allocation(events, *freed, run->time_ns, error);
            if (status != ML_OK) {
                return status;
            }
        }
        if (is_counting) {
            const uint64_t end = run->first_row + run->allocations;
            *made = count_made(&events->columns, by.rows, end, by.made);
        }
    }
    return ML_OK;
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

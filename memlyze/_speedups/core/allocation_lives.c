#include "allocation_lives.h"

static int16_t cell_of(const ml_cells *cells, int64_t time_ns)
{
    double cell = (double)(time_ns - cells->start_ns) * cells->cells_per_ns;
    double last = cells->cells - 1;
    return (int16_t)(cell < 0 ? 0 : cell > last ? last : cell);
}

/* How many of the requests from `first` on had begun before a time. */
static int64_t begun_before(const ml_requests *requests, int64_t first, int64_t time_ns)
{
    int64_t begun = first, not_begun = requests->count;
    while (begun < not_begun) {
        int64_t middle = begun + (not_begun - begun) / 2;
        if (requests->start_ns[middle] < time_ns) {
            begun = middle + 1;
        } else {
            not_begun = middle;
        }
    }
    return begun;
}

/* Put birth and death of a block into the time of these requests. False: it is of no such. */
static bool count_requests(const ml_requests *requests, int64_t cells, int64_t window_id,
                           int64_t *born, int64_t *died)
{
    int64_t number = -1;
    if (window_id >= 0 && window_id < requests->windows) {
        number = requests->number_of_window[window_id];
    }
    if (number < 0) {
        return false;
    }
    if (*died != -1) {
        bool is_own = *died <= requests->end_ns[number];
        *died = (is_own ? number : begun_before(requests, number, *died)) * cells;
    }
    *born = number * cells;
    return true;
}

bool ml_sort_lives(const ml_allocation_columns *columns, const ml_cells *cells,
                   const ml_requests *requests, ml_lives *lives)
{
    const ml_cells c = *cells;
    const int64_t cohorts = c.cells / c.cells_per_cohort;
    for (size_t row = 0; row < columns->count; row++) {
        if (columns->allocator[row] > ML_LAST_RECORDED_ALLOCATOR) {
            continue;
        }
        int64_t time_ns = columns->time_ns[row], freed_ns = columns->freed_ns[row];
        if (requests && !count_requests(requests, c.cells, ml_value_at(&columns->window_id, row),
                                        &time_ns, &freed_ns)) {
            continue;
        }
        int64_t stack_id = ml_value_at(&columns->stack_id, row);
        if (stack_id < 0 || stack_id >= lives->stacks) {
            return false;
        }
        int16_t born = ML_BORN_BEFORE;
        if (time_ns >= c.start_ns) {
            born = cell_of(&c, time_ns);
            int64_t cohort = stack_id * cohorts + born / c.cells_per_cohort;
            double weight = columns->weight ? columns->weight[row] : 1;
            lives->activity[born]++;
            lives->stack_bytes[cohort] += (double)ml_value_at(&columns->size, row) * weight;
            lives->stack_samples[cohort]++;
        }
        if (time_ns < lives->stack_first_ns[stack_id]) {
            lives->stack_first_ns[stack_id] = time_ns;
        }
        int16_t died = freed_ns == -1 ? c.cells : cell_of(&c, freed_ns);
        if (died > born) {
            lives->row[lives->count] = (int64_t)row;
            lives->born[lives->count] = born;
            lives->died[lives->count] = died;
            lives->count++;
        }
    }
    return true;
}

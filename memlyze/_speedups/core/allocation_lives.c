#include "allocation_lives.h"

static int16_t cell_of(const ml_cells *cells, int64_t time_ns)
{
    double cell = (double)(time_ns - cells->start_ns) * cells->cells_per_ns;
    double last = cells->cells - 1;
    return (int16_t)(cell < 0 ? 0 : cell > last ? last : cell);
}

bool ml_sort_lives(const ml_allocation_columns *columns, const ml_cells *cells, ml_lives *lives)
{
    const ml_cells c = *cells;
    const int64_t cohorts = c.cells / c.cells_per_cohort;
    for (size_t row = 0; row < columns->count; row++) {
        if (columns->allocator[row] > ML_LAST_RECORDED_ALLOCATOR) {
            continue;
        }
        int64_t time_ns = columns->time_ns[row], freed_ns = columns->freed_ns[row];
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

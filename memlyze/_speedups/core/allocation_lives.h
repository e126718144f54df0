/* When each allocation of a process was born and died, in cells that its life is cut into: one pass
 * over the decoded columns. Nearly all die in the cell that they were born in: these are summed up,
 * the others are listed. */
#ifndef MEMLYZE_ALLOCATION_LIVES_H
#define MEMLYZE_ALLOCATION_LIVES_H

#include "event_sums.h"

/* The cell of birth of what was there when the first cell began. */
#define ML_BORN_BEFORE (-1)

/* How a life is cut. A cohort is so many cells of birth. */
typedef struct {
    int64_t start_ns;
    double cells_per_ns;
    int16_t cells;
    int16_t cells_per_cohort;
} ml_cells;

/* Requests of one name, in the order in which they began, where time is counted by them: `cells`
 * units of it are one request. A block is born in its own request, whenever that was served, and
 * dies in it, or when so many requests had begun. */
typedef struct {
    const int32_t *number_of_window; /* by its id; -1: not one of these */
    int64_t windows;
    const int64_t *start_ns; /* of each request */
    const int64_t *end_ns;
    int64_t count;
} ml_requests;

/* Memory of the caller, zeroed where nothing else is said. */
typedef struct {
    int64_t *activity; /* allocations born in each cell */
    /* By stack and cohort, [stacks][cells / cells_per_cohort]. */
    double *stack_bytes;
    int64_t *stack_samples;
    int64_t *stack_first_ns; /* birth of the first of each stack; INT64_MAX before */
    int64_t stacks;
    /* Those that outlive their cell; room for all, not zeroed. */
    int64_t *row;
    int16_t *born;
    int16_t *died; /* ml_cells.cells: live at the end */
    size_t count;
} ml_lives;

/* `requests`: those that time is counted by, and in which the allocations were made that are looked
 * at; NULL: all, by the clock. False: there is a stack that is not below lives->stacks. */
bool ml_sort_lives(const ml_allocation_columns *columns, const ml_cells *cells,
                   const ml_requests *requests, ml_lives *lives);

#endif

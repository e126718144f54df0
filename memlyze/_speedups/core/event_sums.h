/* Sums over allocations, by call stack: one pass over the decoded columns for a question of any
 * range, moment and selection.
 *
 * Allocations come in chunks whose times are known beforehand (ml_chunk_times), so that a question
 * about a short range looks at little of a long recording. */
#ifndef MEMLYZE_EVENT_SUMS_H
#define MEMLYZE_EVENT_SUMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ML_CHUNK_ROWS 65536
#define ML_MAPPED_ALLOCATOR 4        /* mmap */
#define ML_LAST_RECORDED_ALLOCATOR 4 /* what follows is mapped, and need not be memory */

/* A column in either of two widths; NULL for both: 0 everywhere. */
typedef struct {
    const int32_t *narrow;
    const int64_t *wide;
} ml_int_column;

static inline int64_t ml_value_at(const ml_int_column *column, size_t row)
{
    if (column->narrow) {
        return column->narrow[row];
    }
    return column->wide ? column->wide[row] : 0;
}

/* Columns of the table `allocations`, of one length. */
typedef struct {
    size_t count;
    const int64_t *time_ns;
    const int64_t *freed_ns; /* −1: never */
    const double *weight;    /* NULL: 1 everywhere */
    const uint8_t *allocator;
    ml_int_column size, stack_id, thread_id, window_id, process_id;
} ml_allocation_columns;

/* By chunk of ML_CHUNK_ROWS. */
typedef struct {
    int64_t *first_ns;
    int64_t *last_ns;
    int64_t *gone_ns; /* when all had been freed; INT64_MAX: they never were */
} ml_chunk_times;

typedef struct {
    const int64_t *ids; /* in order; NULL: all */
    size_t count;
} ml_id_set;

/* What is told apart. */
enum { ML_IS_LIVE = 1, ML_IS_HELD = 2, ML_IS_TEMPORARY = 4, ML_IS_MAPPED = 8 };

typedef struct {
    int64_t from_ns;
    int64_t to_ns;
    ml_id_set processes, threads, windows;
    ml_id_set ended;            /* processes in which nothing is held at the moment */
    int64_t moment_ns;          /* held is what was made until then and freed later */
    int64_t temporary_ns;       /* temporary is what was freed within this time, */
    const double *made_between; /* or, unless NULL, before its thread had made so many others: */
    double temporary_allocations;
    unsigned told_apart;  /* classes that have rows of their own */
    unsigned wanted;      /* only what is of all of these classes */
    bool is_by_stack;     /* or all stacks together, as 0 */
    ml_int_column groups; /* each value has rows of its own */
} ml_event_question;

typedef struct {
    int64_t stack_id;
    int64_t group_id;
    int64_t classes;
    int64_t samples;
    double bytes;
    double variance;
    double allocations;
    double allocations_variance;
    double lifetimes_ns; /* of those that were freed */
    double largest;      /* size of the greatest of them */
} ml_event_sum;

typedef struct {
    ml_event_sum *sums;
    size_t count;
    size_t room;
    uint32_t *slots; /* number of a sum + 1; 0: free. Twice as many as there is room for sums. */
} ml_event_sums;

void ml_find_chunk_times(const ml_allocation_columns *columns, ml_chunk_times *times);

/* False: no memory. `sums` is to be zeroed before, and freed after in either case. */
bool ml_sum_events(const ml_allocation_columns *columns, const ml_chunk_times *times,
                   const ml_event_question *question, ml_event_sums *sums);
void ml_free_event_sums(ml_event_sums *sums);

#endif

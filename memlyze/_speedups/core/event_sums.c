#include "event_sums.h"

#include <stdlib.h>

#define FIRST_ROOM 1024

void ml_find_chunk_times(const ml_allocation_columns *columns, ml_chunk_times *times)
{
    for (size_t begin = 0, chunk = 0; begin < columns->count; begin += ML_CHUNK_ROWS, chunk++) {
        size_t left = columns->count - begin;
        size_t end = begin + (left < ML_CHUNK_ROWS ? left : ML_CHUNK_ROWS);
        int64_t first = INT64_MAX, last = INT64_MIN, gone = -1;
        for (size_t row = begin; row < end; row++) {
            int64_t time = columns->time_ns[row];
            int64_t freed = columns->freed_ns[row] == -1 ? INT64_MAX : columns->freed_ns[row];
            first = time < first ? time : first;
            last = time > last ? time : last;
            gone = freed > gone ? freed : gone;
        }
        times->first_ns[chunk] = first;
        times->last_ns[chunk] = last;
        times->gone_ns[chunk] = gone;
    }
}

/* Neighbouring allocations mostly have the same ids: the last answer is kept. */
typedef struct {
    const ml_id_set *set;
    int64_t last;
    bool is_known;
    bool was_found;
} id_lookup;

static bool contains(id_lookup *lookup, int64_t id)
{
    if (lookup->is_known && lookup->last == id) {
        return lookup->was_found;
    }
    size_t low = 0, high = lookup->set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (lookup->set->ids[middle] < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    lookup->last = id;
    lookup->is_known = true;
    lookup->was_found = low < lookup->set->count && lookup->set->ids[low] == id;
    return lookup->was_found;
}

static uint64_t hash_of(int64_t stack_id, int64_t group_id, int64_t classes)
{
    uint64_t key = (uint64_t)group_id * 0xC2B2AE3D27D4EB4Fu;
    key = (key ^ ((uint64_t)stack_id * 16 + (uint64_t)classes)) * 0x9E3779B97F4A7C15u;
    return key ^ key >> 32;
}

static bool is_same(const ml_event_sum *sum, int64_t stack_id, int64_t group_id, int64_t classes)
{
    return sum->stack_id == stack_id && sum->group_id == group_id && sum->classes == classes;
}

static bool grow(ml_event_sums *table)
{
    size_t room = table->room ? 2 * table->room : FIRST_ROOM;
    if (room > UINT32_MAX / 2) {
        return false;
    }
    ml_event_sum *sums = realloc(table->sums, room * sizeof *sums);
    if (sums == NULL) {
        return false;
    }
    table->sums = sums;
    uint32_t *slots = calloc(2 * room, sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    for (size_t k = 0; k < table->count; k++) {
        size_t slot = hash_of(sums[k].stack_id, sums[k].group_id, sums[k].classes);
        while (slots[slot &= 2 * room - 1] != 0) {
            slot++;
        }
        slots[slot] = (uint32_t)k + 1;
    }
    free(table->slots);
    table->slots = slots;
    table->room = room;
    return true;
}

/* The number of a sum, a new one where there is none. False: no memory. */
static bool find_sum(ml_event_sums *table, int64_t stack_id, int64_t group_id, int64_t classes,
                     size_t *number)
{
    if (table->count == table->room && !grow(table)) {
        return false;
    }
    size_t slot = hash_of(stack_id, group_id, classes);
    while (table->slots[slot &= 2 * table->room - 1] != 0) {
        *number = table->slots[slot] - 1;
        if (is_same(&table->sums[*number], stack_id, group_id, classes)) {
            return true;
        }
        slot++;
    }
    *number = table->count++;
    table->sums[*number] =
        (ml_event_sum){.stack_id = stack_id, .group_id = group_id, .classes = classes};
    table->slots[slot] = (uint32_t)table->count;
    return true;
}

static void add(ml_event_sum *sum, double size, double weight, int64_t lifetime_ns)
{
    sum->samples += 1;
    sum->bytes += size * weight;
    sum->variance += size * size * weight * (weight - 1);
    sum->allocations += weight;
    sum->allocations_variance += weight * (weight - 1);
    sum->lifetimes_ns += weight * (double)lifetime_ns;
    sum->largest = size > sum->largest ? size : sum->largest;
}

/* What is known of a question beforehand: as these are constants of the caller's, nothing of what
 * they rule out is left in the loop. */
typedef struct {
    bool is_exact;    /* every weight is 1 */
    bool is_of_all;   /* of all processes, threads and windows, none of which has ended */
    bool is_by_times; /* temporary is told by times */
} question_kind;

static inline __attribute__((always_inline)) bool
sum_rows(const ml_allocation_columns *columns, const ml_chunk_times *times,
         const ml_event_question *question, ml_event_sums *sums, const question_kind kind)
{
    const ml_event_question q = *question;
    id_lookup processes = {.set = &q.processes}, threads = {.set = &q.threads};
    id_lookup windows = {.set = &q.windows}, ended = {.set = &q.ended};
    /* Neighbours often belong to the same sum: it is added up apart from the table meanwhile. */
    ml_event_sum sum = {0};
    size_t number = 0;
    bool has_sum = false;
    for (size_t begin = 0, chunk = 0; begin < columns->count; begin += ML_CHUNK_ROWS, chunk++) {
        if (times->last_ns[chunk] < q.from_ns || times->first_ns[chunk] >= q.to_ns) {
            continue;
        }
        if (q.wanted & ML_IS_HELD &&
            (times->first_ns[chunk] > q.moment_ns ||
             (times->gone_ns[chunk] <= q.moment_ns && times->gone_ns[chunk] != INT64_MAX))) {
            continue;
        }
        size_t left = columns->count - begin;
        size_t end = begin + (left < ML_CHUNK_ROWS ? left : ML_CHUNK_ROWS);
        for (size_t row = begin; row < end; row++) {
            int64_t time = columns->time_ns[row], freed = columns->freed_ns[row];
            uint8_t allocator = columns->allocator[row];
            if (time < q.from_ns || time >= q.to_ns || allocator > ML_LAST_RECORDED_ALLOCATOR) {
                continue;
            }
            int64_t process = kind.is_of_all ? 0 : ml_value_at(&columns->process_id, row);
            bool is_live = freed == -1;
            bool is_held = (time <= q.moment_ns) & (is_live | (freed > q.moment_ns));
            if (!kind.is_of_all && q.ended.ids) {
                is_held = is_held && !contains(&ended, process);
            }
            bool is_temporary =
                kind.is_by_times
                    ? !is_live & (freed - time <= q.temporary_ns)
                    : q.made_between[row] >= 0 && q.made_between[row] < q.temporary_allocations;
            unsigned classes = (unsigned)is_live * ML_IS_LIVE | (unsigned)is_held * ML_IS_HELD |
                               (unsigned)is_temporary * ML_IS_TEMPORARY |
                               (unsigned)(allocator == ML_MAPPED_ALLOCATOR) * ML_IS_MAPPED;
            if ((classes & q.wanted) != q.wanted) {
                continue;
            }
            if (!kind.is_of_all &&
                ((q.processes.ids && !contains(&processes, process)) ||
                 (q.threads.ids && !contains(&threads, ml_value_at(&columns->thread_id, row))) ||
                 (q.windows.ids && !contains(&windows, ml_value_at(&columns->window_id, row))))) {
                continue;
            }
            int64_t stack_id = q.is_by_stack ? ml_value_at(&columns->stack_id, row) : 0;
            int64_t group_id = ml_value_at(&q.groups, row);
            classes &= q.told_apart;
            if (!has_sum || !is_same(&sum, stack_id, group_id, classes)) {
                if (has_sum) {
                    sums->sums[number] = sum;
                }
                if (!find_sum(sums, stack_id, group_id, classes, &number)) {
                    return false;
                }
                sum = sums->sums[number];
                has_sum = true;
            }
            double size = (double)ml_value_at(&columns->size, row);
            int64_t lifetime = is_live ? 0 : freed - time;
            if (kind.is_exact) { /* what `add` does, of a weight of 1 */
                sum.samples += 1;
                sum.bytes += size;
                sum.allocations += 1;
                sum.lifetimes_ns += (double)lifetime;
                sum.largest = size > sum.largest ? size : sum.largest;
            } else {
                add(&sum, size, columns->weight[row], lifetime);
            }
        }
    }
    if (has_sum) {
        sums->sums[number] = sum;
    }
    return true;
}

bool ml_sum_events(const ml_allocation_columns *columns, const ml_chunk_times *times,
                   const ml_event_question *question, ml_event_sums *sums)
{
    const ml_event_question *q = question;
    const bool is_exact = columns->weight == NULL, is_by_times = q->made_between == NULL;
    const bool is_of_all = !(q->processes.ids || q->threads.ids || q->windows.ids || q->ended.ids);
    if (!is_by_times) {
        const question_kind kind = {is_exact, false, false};
        return sum_rows(columns, times, q, sums, kind);
    }
    if (!is_of_all) {
        const question_kind kind = {is_exact, false, true};
        return sum_rows(columns, times, q, sums, kind);
    }
    return is_exact ? sum_rows(columns, times, q, sums, (question_kind){true, true, true})
                    : sum_rows(columns, times, q, sums, (question_kind){false, true, true});
}

void ml_free_event_sums(ml_event_sums *sums)
{
    free(sums->sums);
    free(sums->slots);
}

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

static int64_t value_at(const ml_int_column *column, size_t row)
{
    if (column->narrow) {
        return column->narrow[row];
    }
    return column->wide ? column->wide[row] : 0;
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

/* NULL: no memory. */
static ml_event_sum *sum_of(ml_event_sums *table, int64_t stack_id, int64_t group_id,
                            int64_t classes)
{
    if (table->count == table->room && !grow(table)) {
        return NULL;
    }
    size_t slot = hash_of(stack_id, group_id, classes);
    while (table->slots[slot &= 2 * table->room - 1] != 0) {
        ml_event_sum *found = &table->sums[table->slots[slot] - 1];
        if (is_same(found, stack_id, group_id, classes)) {
            return found;
        }
        slot++;
    }
    ml_event_sum *made = &table->sums[table->count++];
    *made = (ml_event_sum){.stack_id = stack_id, .group_id = group_id, .classes = classes};
    table->slots[slot] = (uint32_t)table->count;
    return made;
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

bool ml_sum_events(const ml_allocation_columns *columns, const ml_chunk_times *times,
                   const ml_event_question *question, ml_event_sums *sums)
{
    const ml_event_question q = *question;
    id_lookup processes = {.set = &q.processes}, threads = {.set = &q.threads};
    id_lookup windows = {.set = &q.windows}, ended = {.set = &q.ended};
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
            if (time < q.from_ns || time >= q.to_ns ||
                columns->allocator[row] > ML_LAST_RECORDED_ALLOCATOR) {
                continue;
            }
            int64_t process = value_at(&columns->process_id, row);
            bool is_live = freed == -1;
            bool is_held = time <= q.moment_ns && (is_live || freed > q.moment_ns) &&
                           !(q.ended.ids && contains(&ended, process));
            bool is_temporary =
                q.made_between != NULL
                    ? q.made_between[row] >= 0 && q.made_between[row] < q.temporary_allocations
                    : !is_live && freed - time <= q.temporary_ns;
            unsigned classes = (is_live ? ML_IS_LIVE : 0) | (is_held ? ML_IS_HELD : 0) |
                               (is_temporary ? ML_IS_TEMPORARY : 0) |
                               (columns->allocator[row] == ML_MAPPED_ALLOCATOR ? ML_IS_MAPPED : 0);
            if ((classes & q.wanted) != q.wanted ||
                (q.processes.ids && !contains(&processes, process)) ||
                (q.threads.ids && !contains(&threads, value_at(&columns->thread_id, row))) ||
                (q.windows.ids && !contains(&windows, value_at(&columns->window_id, row)))) {
                continue;
            }
            int64_t stack_id = q.is_by_stack ? value_at(&columns->stack_id, row) : 0;
            ml_event_sum *sum =
                sum_of(sums, stack_id, value_at(&q.groups, row), classes & q.told_apart);
            if (sum == NULL) {
                return false;
            }
            int64_t size = value_at(&columns->size, row);
            add(sum, (double)size, columns->weight ? columns->weight[row] : 1.0,
                is_live ? 0 : freed - time);
        }
    }
    return true;
}

void ml_free_event_sums(ml_event_sums *sums)
{
    free(sums->sums);
    free(sums->slots);
}

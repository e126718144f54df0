#include "decoder_ids.h"

#include <stdlib.h>
#include <string.h>

enum { SEGMENT_LIMIT = 2048, PROBES_FROM_THE_END = 8 };

void ml_ids_free(ml_ids *ids)
{
    for (uint32_t k = 0; k < ids->used; k++) {
        free(ids->ranges[k].segments);
        free(ids->ranges[k].rows_plus_1);
    }
    free(ids->ranges);
    ml_map_free(&ids->places);
    *ids = (ml_ids){0};
}

static ml_range *find_range(ml_ids *ids, uint64_t number)
{
    if (ids->used == 0) {
        return NULL;
    }
    if (ids->ranges[ids->last].number != number) {
        uint32_t place;
        if (!ml_map_find(&ids->places, number, &place)) {
            return NULL;
        }
        ids->last = place;
    }
    return &ids->ranges[ids->last];
}

static ml_status make_range(ml_ids *ids, uint64_t number, ml_range **range, ml_error *error)
{
    *range = find_range(ids, number);
    if (*range != NULL) {
        return ML_OK;
    }
    if (ids->used == ids->capacity) {
        uint32_t capacity = ids->capacity == 0 ? 64 : ids->capacity * 2;
        ml_range *ranges = realloc(ids->ranges, capacity * sizeof *ranges);
        if (ranges == NULL) {
            return ml_no_memory(error);
        }
        ids->ranges = ranges;
        ids->capacity = capacity;
    }
    uint32_t place;
    bool added;
    ml_status status = ml_map_intern(&ids->places, number, ids->used, &place, &added, error);
    if (status != ML_OK) {
        return status;
    }
    ids->ranges[place] = (ml_range){.number = number};
    ids->used++;
    ids->last = place;
    *range = &ids->ranges[place];
    return ML_OK;
}

/* The first segment that ends after the offset; range->used where there is none. */
static uint32_t segment_after(const ml_range *range, uint32_t offset)
{
    uint32_t at = range->used;
    for (int probes = 0; probes < PROBES_FROM_THE_END; probes++) {
        if (at == 0 || range->segments[at - 1].end <= offset) {
            return at;
        }
        at--;
    }
    uint32_t low = 0;
    while (low < at) {
        uint32_t middle = low + (at - low) / 2;
        if (range->segments[middle].end <= offset) {
            low = middle + 1;
        } else {
            at = middle;
        }
    }
    return at;
}

bool ml_ids_find(ml_ids *ids, uint64_t id, uint64_t *row)
{
    const ml_range *range = find_range(ids, id >> ML_RANGE_BITS);
    if (range == NULL) {
        return false;
    }
    uint32_t offset = (uint32_t)(id & (ML_RANGE_IDS - 1));
    if (range->rows_plus_1 != NULL) {
        *row = range->rows_plus_1[offset] - 1;
        return range->rows_plus_1[offset] != 0;
    }
    uint32_t at = segment_after(range, offset);
    if (at == range->used || range->segments[at].first > offset) {
        return false;
    }
    *row = range->segments[at].first_row + (offset - range->segments[at].first);
    return true;
}

static bool range_overlaps(const ml_range *range, uint32_t first, uint32_t end)
{
    if (range->rows_plus_1 != NULL) {
        for (uint32_t k = first; k < end; k++) {
            if (range->rows_plus_1[k] != 0) {
                return true;
            }
        }
        return false;
    }
    uint32_t at = segment_after(range, first);
    return at < range->used && range->segments[at].first < end;
}

bool ml_ids_overlap(ml_ids *ids, uint64_t first, uint64_t count)
{
    while (count > 0) {
        uint64_t offset = first & (ML_RANGE_IDS - 1);
        uint64_t here = count < ML_RANGE_IDS - offset ? count : ML_RANGE_IDS - offset;
        const ml_range *range = find_range(ids, first >> ML_RANGE_BITS);
        if (range != NULL && range_overlaps(range, (uint32_t)offset, (uint32_t)(offset + here))) {
            return true;
        }
        first += here;
        count -= here;
    }
    return false;
}

static ml_status make_dense(ml_range *range, ml_error *error)
{
    range->rows_plus_1 = calloc(ML_RANGE_IDS, sizeof *range->rows_plus_1);
    if (range->rows_plus_1 == NULL) {
        return ml_no_memory(error);
    }
    for (uint32_t k = 0; k < range->used; k++) {
        const ml_segment *segment = &range->segments[k];
        for (uint32_t offset = segment->first; offset < segment->end; offset++) {
            range->rows_plus_1[offset] = segment->first_row + (offset - segment->first) + 1;
        }
    }
    free(range->segments);
    range->segments = NULL;
    return ML_OK;
}

static ml_status insert_here(ml_range *range, uint32_t first, uint32_t end, uint64_t first_row,
                             ml_error *error)
{
    if (range->rows_plus_1 == NULL && range->used == SEGMENT_LIMIT) {
        ml_status status = make_dense(range, error);
        if (status != ML_OK) {
            return status;
        }
    }
    if (range->rows_plus_1 != NULL) {
        for (uint32_t offset = first; offset < end; offset++) {
            range->rows_plus_1[offset] = first_row + (offset - first) + 1;
        }
        return ML_OK;
    }
    uint32_t at = segment_after(range, first);
    if (at > 0) {
        ml_segment *before = &range->segments[at - 1];
        if (before->end == first &&
            before->first_row + (before->end - before->first) == first_row) {
            before->end = end;
            return ML_OK;
        }
    }
    if (range->used == range->capacity) {
        uint32_t capacity = range->capacity == 0 ? 1 : range->capacity * 2;
        ml_segment *segments = realloc(range->segments, capacity * sizeof *segments);
        if (segments == NULL) {
            return ml_no_memory(error);
        }
        range->segments = segments;
        range->capacity = capacity;
    }
    memmove(&range->segments[at + 1], &range->segments[at],
            (range->used - at) * sizeof *range->segments);
    range->segments[at] = (ml_segment){first_row, first, end};
    range->used++;
    return ML_OK;
}

ml_status ml_ids_insert(ml_ids *ids, uint64_t first, uint64_t count, uint64_t first_row,
                        ml_error *error)
{
    while (count > 0) {
        uint64_t offset = first & (ML_RANGE_IDS - 1);
        uint64_t here = count < ML_RANGE_IDS - offset ? count : ML_RANGE_IDS - offset;
        ml_range *range;
        ml_status status = make_range(ids, first >> ML_RANGE_BITS, &range, error);
        if (status == ML_OK) {
            status =
                insert_here(range, (uint32_t)offset, (uint32_t)(offset + here), first_row, error);
        }
        if (status != ML_OK) {
            return status;
        }
        first += here;
        count -= here;
        first_row += here;
    }
    return ML_OK;
}

/* Which row an allocation id stands in.
 *
 * Ids come in ranges of 2^16 that belong to one thread each, and a thread's ids go up by ones, as
 * do the rows of a run. So a range is described by a few segments of consecutive ids in consecutive
 * rows: one, where the thread had the file to itself. Most frees are of recent allocations, so
 * segments are searched from the last one. A range that threads cut into too many segments becomes
 * a plain array of rows; memory stays within a small multiple of what the file spent on it. */
#ifndef MEMLYZE_DECODER_IDS_H
#define MEMLYZE_DECODER_IDS_H

#include "decoder_map.h"

enum { ML_RANGE_BITS = 16, ML_RANGE_IDS = 1 << ML_RANGE_BITS };

typedef struct ml_segment {
    uint64_t first_row;
    uint32_t first; /* offset in the range */
    uint32_t end;
} ml_segment;

typedef struct ml_range {
    uint64_t number;
    ml_segment *segments; /* in order, not touching where they could be one */
    uint32_t used;
    uint32_t capacity;
    uint64_t *rows_plus_1; /* instead of segments, where there are too many */
} ml_range;

/* Start with zeros. */
typedef struct ml_ids {
    ml_range *ranges;
    uint32_t used;
    uint32_t capacity;
    uint32_t last; /* the range that was looked up last */
    ml_map places; /* range number -> place in ranges */
} ml_ids;

void ml_ids_free(ml_ids *ids);

/* Whether any of the ids [first, first + count) is there already. */
bool ml_ids_overlap(ml_ids *ids, uint64_t first, uint64_t count);

/* Put in [first, first + count), in rows from first_row on. They must not overlap with what is
 * there. */
ml_status ml_ids_insert(ml_ids *ids, uint64_t first, uint64_t count, uint64_t first_row,
                        ml_error *error);

bool ml_ids_find(ml_ids *ids, uint64_t id, uint64_t *row);

#endif

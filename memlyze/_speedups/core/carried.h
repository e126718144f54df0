/* What the next part of a trace with bounded size needs of what was written before: the recorded
 * blocks that are live, and the functions, stacks, threads and windows that they, or what comes,
 * may name. The helper thread's alone; nothing is kept where the size is not bounded.
 *
 * Blocks enter and leave one by one. The rows are kept as they go into the file, and thinned out
 * when they have doubled: memory is that of what is live, whatever went through. */
#ifndef MEMLYZE_CARRIED_H
#define MEMLYZE_CARRIED_H

#include "columns.h"
#include "mapping_stacks.h"
#include "side_rows.h"
#include "table_rows.h"
#include "trace_file.h"

typedef struct {
    uint64_t allocation_id; /* 0: empty */
    uint64_t size;
    int64_t time_ns;
    uint32_t stack_id, thread_id, window_id;
    uint8_t allocator, sampling;
    bool is_gone; /* its end was read before its beginning, which is in another thread's ring */
} ml_carried_block;

typedef struct {
    bool keeps;
    uint64_t session;
    ml_carried_block *blocks; /* open addressing, at most half full */
    uint64_t capacity, count, gone;

    ml_buffer stacks;  /* ml_stack_row */
    ml_buffer codes;   /* records, as code_table.h lays them out */
    ml_buffer threads; /* ml_thread_row, a later one in place of an earlier */
    ml_buffer windows; /* records of side_rows.h, the same */
    size_t stacks_after, codes_after, threads_after, windows_after; /* thinned out last */
    ml_buffer spared_codes;           /* bits by id: nobody named them when thinned out last */
    uint64_t blocks_left, bytes_left; /* for want of room in the last part: not carried */
} ml_carried;

void ml_carried_free(ml_carried *carried);
size_t ml_carried_bytes(const ml_carried *carried);

void ml_carried_begins(ml_carried *carried, const ml_carried_block *block);
void ml_carried_ends(ml_carried *carried, uint64_t allocation_id);

void ml_carried_add_stacks(ml_carried *carried, const ml_buffer *rows);
void ml_carried_add_codes(ml_carried *carried, const ml_buffer *records);
void ml_carried_add_thread(ml_carried *carried, const ml_thread_row *row);
void ml_carried_add_windows(ml_carried *carried, ml_buffer *records);

/* What has grown to twice its size is thinned out. `mappings`: their stacks are named, too. */
void ml_carried_thin_out(ml_carried *carried, const ml_mapping_stacks *mappings, int64_t now_ns);
/* All is. False: no memory. */
bool ml_carried_thin_out_all(ml_carried *carried, const ml_mapping_stacks *mappings,
                             int64_t now_ns);
/* The same, and writes it: first the rows, then blocks while the file is smaller than `most_bytes`.
 * False: no memory, the file is of no use. */
bool ml_carried_write(ml_carried *carried, const ml_mapping_stacks *mappings, int64_t now_ns,
                      ml_trace_file *file, uint64_t most_bytes);

#endif

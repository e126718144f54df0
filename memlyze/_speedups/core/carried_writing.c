/* What the next part begins with. */
#include "carried.h"
#include "recorder.h"

#define ROWS_PER_BLOCK 65536
#define BYTES_PER_BLOCK ((size_t)4 << 20)

static bool write_rows(const ml_carried *carried, ml_trace_file *file)
{
    ml_columns codes, stacks, threads, windows;
    bool done = true;
    ml_columns_init(&codes, ML_BLOCK_CODES, ML_CODE_ENCODINGS);
    ml_columns_init(&stacks, ML_BLOCK_STACKS, ML_STACK_ENCODINGS);
    ml_columns_init(&threads, ML_BLOCK_THREADS, ML_THREAD_ENCODINGS);
    ml_columns_init(&windows, ML_BLOCK_WINDOWS, ML_WINDOW_ENCODINGS);
    const uint8_t *end = carried->codes.data + carried->codes.size;
    for (const uint8_t *at = carried->codes.data; done && at < end;) {
        at = ml_code_record_put(&codes, at);
        done = at != NULL;
        if (ml_columns_bytes(&codes) > BYTES_PER_BLOCK)
            ml_trace_file_write(file, &codes);
    }
    ml_trace_file_write(file, &codes);
    const ml_stack_row *stack = (const ml_stack_row *)carried->stacks.data;
    for (size_t left = carried->stacks.size / sizeof *stack; done && left; left--) {
        done = ml_stack_row_put(&stacks, stack++);
        if (stacks.rows == ROWS_PER_BLOCK)
            ml_trace_file_write(file, &stacks);
    }
    ml_trace_file_write(file, &stacks);
    const ml_thread_row *thread = (const ml_thread_row *)carried->threads.data;
    for (size_t left = carried->threads.size / sizeof *thread; done && left; left--) {
        done = ml_thread_row_put(&threads, thread++);
        if (threads.rows == ROWS_PER_BLOCK)
            ml_trace_file_write(file, &threads);
    }
    ml_trace_file_write(file, &threads);
    end = carried->windows.data + carried->windows.size;
    for (const uint8_t *at = carried->windows.data; done && at < end;) {
        ml_window_row row;
        at = ml_window_record_read(at, &row);
        done = ml_window_row_put(&windows, &row);
        if (ml_columns_bytes(&windows) > BYTES_PER_BLOCK)
            ml_trace_file_write(file, &windows);
    }
    ml_trace_file_write(file, &windows);
    ml_columns_free(&codes);
    ml_columns_free(&stacks);
    ml_columns_free(&threads);
    ml_columns_free(&windows);
    return done;
}

#define DIGIT_BITS 11
#define DIGITS (1 << DIGIT_BITS)

/* The slots of the blocks that live, by id: neighbours compress. NULL: no memory. `other` is room
 * for as many. */
static uint32_t *sort_by_id(const ml_carried *carried, uint32_t *slots, uint32_t *other,
                            uint64_t *live)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < carried->capacity; i++)
        if (carried->blocks[i].allocation_id && !carried->blocks[i].is_gone)
            slots[count++] = (uint32_t)i;
    for (int shift = 0; shift < 44; shift += DIGIT_BITS) {
        uint64_t starts[DIGITS + 1] = {0};
        for (uint64_t i = 0; i < count; i++)
            starts[(carried->blocks[slots[i]].allocation_id >> shift & (DIGITS - 1)) + 1]++;
        for (int digit = 0; digit < DIGITS; digit++)
            starts[digit + 1] += starts[digit];
        for (uint64_t i = 0; i < count; i++)
            other[starts[carried->blocks[slots[i]].allocation_id >> shift & (DIGITS - 1)]++] =
                slots[i];
        uint32_t *swap = slots;
        slots = other;
        other = swap;
    }
    *live = count;
    return slots;
}

static bool write_blocks(ml_carried *carried, ml_trace_file *file, uint64_t most_bytes)
{
    ml_columns rows;
    uint64_t live;
    const size_t bytes = (carried->count + 1) * 2 * sizeof(uint32_t);
    uint32_t *room = ml_map(bytes);
    if (!room)
        return false;
    const uint32_t *slots = sort_by_id(carried, room, room + carried->count + 1, &live);
    bool done = true;
    ml_columns_init(&rows, ML_BLOCK_CARRIED, "dddddubd");
    for (uint64_t i = 0; i < live && done; i++) {
        const ml_carried_block *block = &carried->blocks[slots[i]];
        if (file->offset > most_bytes) {
            carried->blocks_left++;
            carried->bytes_left += block->size;
            continue;
        }
        done = ml_columns_reserve_row(&rows, 0);
        if (!done)
            break;
        ml_columns_put(&rows, 0, (int64_t)block->allocation_id);
        ml_columns_put(&rows, 1, block->time_ns);
        ml_columns_put(&rows, 2, block->thread_id);
        ml_columns_put(&rows, 3, block->window_id);
        ml_columns_put(&rows, 4, ML_SAMPLING_ID(block->sampling));
        ml_columns_put(&rows, 5, (int64_t)block->size);
        ml_columns_put(&rows, 6, block->allocator);
        ml_columns_put(&rows, 7, block->stack_id);
        ml_columns_cover_time(&rows, block->time_ns, block->time_ns);
        if (rows.rows == ROWS_PER_BLOCK)
            ml_trace_file_write(file, &rows);
    }
    ml_trace_file_write(file, &rows);
    ml_columns_free(&rows);
    ml_unmap(room, bytes);
    return done;
}

bool ml_carried_write(ml_carried *carried, const ml_mapping_stacks *mappings, int64_t now_ns,
                      ml_trace_file *file, uint64_t most_bytes)
{
    carried->blocks_left = carried->bytes_left = 0;
    return ml_carried_thin_out_all(carried, mappings, now_ns) && write_rows(carried, file) &&
           write_blocks(carried, file, most_bytes);
}

#include "carried.h"

#include "code_table.h"
#include "recorder.h"

#include <string.h>

/* A window's last events may still be in a ring when it has ended. */
#define LATE_EVENTS_NS ((int64_t)2000000000)
#define THIN_OUT_FROM_BYTES ((size_t)1 << 18)
#define ROWS_PER_BLOCK 65536
#define BYTES_PER_BLOCK ((size_t)4 << 20)
#define MOST_GENERATIONS 64 /* of windows in windows */

/* ---- sets of ids
 * --------------------------------------------------------------------------------- */

typedef struct {
    uint64_t *words;
    size_t bytes;
} id_set;

/* For ids up to `most`; memory is only used where ids are. */
static bool make_set(id_set *set, uint64_t most)
{
    set->bytes = (most / 64 + 1) * 8;
    set->words = ml_map(set->bytes);
    return set->words != NULL;
}

static void free_set(id_set *set)
{
    ml_unmap(set->words, set->bytes);
    set->words = NULL;
}

static inline bool has(const id_set *set, uint64_t id)
{
    return id / 64 < set->bytes / 8 && (set->words[id / 64] >> id % 64 & 1);
}

static inline void put(id_set *set, uint64_t id)
{
    if (id / 64 < set->bytes / 8)
        set->words[id / 64] |= (uint64_t)1 << id % 64;
}

/* ---- blocks
 * -------------------------------------------------------------------------------------- */

static uint64_t find(const ml_carried *carried, uint64_t allocation_id)
{
    const uint64_t mask = carried->capacity - 1;
    uint64_t slot = ml_mix(allocation_id) & mask;
    while (carried->blocks[slot].allocation_id &&
           carried->blocks[slot].allocation_id != allocation_id)
        slot = (slot + 1) & mask;
    return slot;
}

static bool make_room(ml_carried *carried)
{
    if ((carried->count + 1) * 2 <= carried->capacity)
        return true;
    ml_carried larger = {.capacity = carried->capacity ? carried->capacity * 2 : 1024};
    larger.blocks = ml_map(larger.capacity * sizeof *larger.blocks);
    if (!larger.blocks)
        return false;
    for (uint64_t i = 0; i < carried->capacity; i++)
        if (carried->blocks[i].allocation_id)
            larger.blocks[find(&larger, carried->blocks[i].allocation_id)] = carried->blocks[i];
    ml_unmap(carried->blocks, carried->capacity * sizeof *carried->blocks);
    carried->blocks = larger.blocks;
    carried->capacity = larger.capacity;
    return true;
}

/* Closes the gap (Knuth, TAOCP 6.4, algorithm R). */
static void erase(ml_carried *carried, uint64_t slot)
{
    const uint64_t mask = carried->capacity - 1;
    uint64_t gap = slot;
    for (uint64_t i = (slot + 1) & mask; carried->blocks[i].allocation_id; i = (i + 1) & mask) {
        const uint64_t home = ml_mix(carried->blocks[i].allocation_id) & mask;
        if (((i - home) & mask) >= ((i - gap) & mask)) {
            carried->blocks[gap] = carried->blocks[i];
            gap = i;
        }
    }
    carried->blocks[gap].allocation_id = 0;
    carried->count--;
}

void ml_carried_begins(ml_carried *carried, const ml_carried_block *block)
{
    if (!make_room(carried)) {
        carried->blocks_left++;
        carried->bytes_left += block->size;
        return;
    }
    const uint64_t slot = find(carried, block->allocation_id);
    if (carried->blocks[slot].allocation_id) { /* its end was there first */
        carried->gone -= carried->blocks[slot].is_gone;
        erase(carried, slot);
        return;
    }
    carried->count++;
    carried->blocks[slot] = *block;
}

void ml_carried_ends(ml_carried *carried, uint64_t allocation_id)
{
    if (!make_room(carried))
        return;
    const uint64_t slot = find(carried, allocation_id);
    if (carried->blocks[slot].allocation_id) {
        carried->gone -= carried->blocks[slot].is_gone;
        erase(carried, slot);
    } else {
        carried->blocks[slot] = (ml_carried_block){.allocation_id = allocation_id, .is_gone = true};
        carried->count++;
        carried->gone++;
    }
}

/* ---- rows as they are written
 * -------------------------------------------------------------------- */

void ml_carried_add_stacks(ml_carried *carried, const ml_buffer *rows)
{
    if (carried->keeps)
        ml_buffer_append(&carried->stacks, rows->data, rows->size);
}

void ml_carried_add_codes(ml_carried *carried, const ml_buffer *records)
{
    if (carried->keeps)
        ml_buffer_append(&carried->codes, records->data, records->size);
}

void ml_carried_add_thread(ml_carried *carried, const ml_thread_row *row)
{
    if (carried->keeps)
        ml_buffer_append(&carried->threads, row, sizeof *row);
}

void ml_carried_add_windows(ml_carried *carried, ml_buffer *records)
{
    ml_buffer_append(&carried->windows, records->data, records->size);
    records->size = 0;
}

static uint32_t get_u32(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static const uint8_t *after_code(const uint8_t *record)
{
    record += 10;
    for (int part = 0; part < 3; part++)
        record += 4 + get_u32(record);
    return record;
}

const uint8_t *ml_carried_source_of_code(const uint8_t *record, size_t *bytes)
{
    const uint8_t *name = record + 14 + get_u32(record + 10);
    *bytes = get_u32(name);
    return record[9] == ML_LANGUAGE_PYTHON ? name + 4 : NULL;
}

const uint8_t *ml_carried_put_code(ml_columns *rows, const uint8_t *record)
{
    const uint8_t *at = record + 10, *parts[3];
    uint32_t lengths[3];
    for (int i = 0; i < 3; i++) {
        lengths[i] = get_u32(at);
        parts[i] = at + 4;
        at += 4 + lengths[i];
    }
    if (!ml_columns_reserve_row(rows, (size_t)lengths[0] + lengths[1] + lengths[2]))
        return NULL;
    ml_columns_put(rows, 0, get_u32(record));
    ml_columns_put_text(rows, 1, parts[0], lengths[0]);
    ml_columns_put_text(rows, 2, parts[1], lengths[1]);
    ml_columns_put(rows, 3, get_u32(record + 4));
    ml_columns_put(rows, 4, record[8]);
    ml_columns_put_text(rows, 5, parts[2], lengths[2]);
    ml_columns_put(rows, 6, record[9]);
    return at;
}

bool ml_carried_put_stack(ml_columns *rows, const ml_stack_row *row)
{
    if (!ml_columns_reserve_row(rows, 0))
        return false;
    ml_columns_put(rows, 0, row->stack_id);
    ml_columns_put(rows, 1, row->parent_id);
    ml_columns_put(rows, 2, row->code_id);
    ml_columns_put(rows, 3, row->instruction);
    return true;
}

bool ml_carried_put_thread(ml_columns *rows, const ml_thread_row *row)
{
    const size_t name_bytes = strlen(row->name);
    if (!ml_columns_reserve_row(rows, name_bytes))
        return false;
    ml_columns_put(rows, 0, row->thread_id);
    ml_columns_put(rows, 1, (int64_t)row->os_thread_id);
    ml_columns_put_text(rows, 2, row->name, name_bytes);
    ml_columns_put(rows, 3, row->start_ns);
    ml_columns_put(rows, 4, row->end_ns);
    return true;
}

/* ---- thinning out
 * -------------------------------------------------------------------------------- */

/* Of a table that is full of what nobody names any more, too: it keeps its bound. */
static bool thin_out_stacks(ml_carried *carried, const ml_mapping_stacks *mappings,
                            id_set *named_codes)
{
    id_set named;
    if (!make_set(&named, ml_stacks.next_id))
        return false;
    for (uint64_t i = 0; i < carried->capacity; i++)
        if (carried->blocks[i].allocation_id)
            put(&named, carried->blocks[i].stack_id);
    for (uint64_t i = 0; i < mappings->capacity; i++)
        if (mappings->entries[i].allocation_id)
            put(&named, mappings->entries[i].stack_id);
    ml_lock(&ml_threads_lock);
    for (const ml_thread *thread = ml_threads; thread; thread = thread->next)
        if (__atomic_load_n(&thread->session, __ATOMIC_ACQUIRE) == carried->session)
            for (uint32_t i = 1; i <= thread->drained.stack_numbers; i++)
                put(&named, thread->stack_ids[i]);
    ml_unlock(&ml_threads_lock);
    ml_stack_row *rows = (ml_stack_row *)carried->stacks.data;
    const size_t count = carried->stacks.size / sizeof *rows;
    for (size_t i = count; i-- > 0;) /* parents come before their children */
        if (has(&named, rows[i].stack_id)) {
            put(&named, rows[i].parent_id);
            put(named_codes, rows[i].code_id);
        }
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (has(&named, rows[i].stack_id))
            rows[kept++] = rows[i];
    free_set(&named);
    carried->stacks.size = carried->stacks_after = kept * sizeof *rows;
    ml_stack_table_hold(&ml_stacks, rows, (uint32_t)kept);
    return true;
}

/* A code that nobody seems to name may be named by an event on its way: it is spared once. */
static bool thin_out_codes(ml_carried *carried, id_set *named)
{
    ml_buffer spared = {0};
    ml_lock(&ml_codes.lock);
    for (uint32_t i = 0; i < ml_codes.address_capacity; i++)
        if (ml_codes.addresses[i].address)
            put(named, ml_codes.addresses[i].code_id);
    for (uint32_t i = 0; i < ml_codes.content_capacity; i++)
        if (ml_codes.contents[i].hash)
            put(named, ml_codes.contents[i].code_id);
    ml_unlock(&ml_codes.lock);
    put(named, ML_CODE_TRUNCATED);
    const id_set spared_before = {(uint64_t *)carried->spared_codes.data,
                                  carried->spared_codes.size};
    if (!ml_buffer_reserve(&spared, named->bytes))
        return false;
    spared.size = named->bytes;
    id_set spared_now = {(uint64_t *)spared.data, spared.size};
    uint8_t *data = carried->codes.data, *to = data;
    const uint8_t *at = data, *end = data + carried->codes.size;
    while (at < end) {
        const uint8_t *next = after_code(at);
        const uint32_t code_id = get_u32(at);
        const bool is_named = has(named, code_id);
        if (is_named || !has(&spared_before, code_id)) {
            if (!is_named)
                put(&spared_now, code_id);
            memmove(to, at, (size_t)(next - at));
            to += next - at;
        }
        at = next;
    }
    carried->codes.size = carried->codes_after = (size_t)(to - data);
    ml_buffer_free(&carried->spared_codes);
    carried->spared_codes = spared;
    return true;
}

static bool thin_out_calls(ml_carried *carried, const ml_mapping_stacks *mappings)
{
    id_set codes;
    ml_lock(&ml_codes.lock);
    const uint32_t next_code = ml_codes.next_id;
    ml_unlock(&ml_codes.lock);
    if (!make_set(&codes, next_code))
        return false;
    const bool done = thin_out_stacks(carried, mappings, &codes) && thin_out_codes(carried, &codes);
    free_set(&codes);
    return done;
}

static bool thin_out_threads(ml_carried *carried)
{
    id_set named, seen;
    const uint32_t next_id = atomic_load(&ml_recording.next_thread_id);
    if (!make_set(&named, next_id))
        return false;
    if (!make_set(&seen, next_id)) {
        free_set(&named);
        return false;
    }
    for (uint64_t i = 0; i < carried->capacity; i++)
        if (carried->blocks[i].allocation_id)
            put(&named, carried->blocks[i].thread_id);
    ml_thread_row *rows = (ml_thread_row *)carried->threads.data;
    const size_t count = carried->threads.size / sizeof *rows;
    size_t to = count;
    for (size_t i = count; i-- > 0;) { /* the last row of each */
        const uint32_t id = rows[i].thread_id;
        if (!has(&seen, id) && (rows[i].end_ns < 0 || has(&named, id)))
            rows[--to] = rows[i];
        put(&seen, id);
    }
    if (to < count)
        memmove(rows, rows + to, (count - to) * sizeof *rows);
    carried->threads.size = carried->threads_after = (count - to) * sizeof *rows;
    free_set(&named);
    free_set(&seen);
    return true;
}

static bool thin_out_windows(ml_carried *carried, int64_t now_ns)
{
    const uint8_t *end = carried->windows.data + carried->windows.size;
    uint32_t most = 0;
    ml_window_row row;
    for (const uint8_t *at = carried->windows.data; at < end;) {
        at = ml_window_record_read(at, &row);
        if (row.window_id > most)
            most = row.window_id;
    }
    id_set named, closed;
    if (!make_set(&named, most))
        return false;
    if (!make_set(&closed, most)) {
        free_set(&named);
        return false;
    }
    for (uint64_t i = 0; i < carried->capacity; i++)
        if (carried->blocks[i].allocation_id)
            put(&named, carried->blocks[i].window_id);
    for (const uint8_t *at = carried->windows.data; at < end;) {
        at = ml_window_record_read(at, &row);
        if (row.end_ns >= 0)
            put(&closed, row.window_id);
        if (row.end_ns > now_ns - LATE_EVENTS_NS)
            put(&named, row.window_id);
    }
    /* Those that are open, and in which others lie. */
    bool more = true;
    for (int generation = 0; more && generation < MOST_GENERATIONS; generation++) {
        more = false;
        for (const uint8_t *at = carried->windows.data; at < end;) {
            at = ml_window_record_read(at, &row);
            if (!has(&closed, row.window_id))
                put(&named, row.window_id);
            if (has(&named, row.window_id) && row.parent_id && !has(&named, row.parent_id) &&
                row.parent_id <= most) {
                put(&named, row.parent_id);
                more = true;
            }
        }
    }
    uint8_t *to = carried->windows.data;
    for (const uint8_t *at = carried->windows.data; at < end;) {
        const uint8_t *next = ml_window_record_read(at, &row);
        if (has(&named, row.window_id) && (row.end_ns >= 0 || !has(&closed, row.window_id))) {
            memmove(to, at, (size_t)(next - at));
            to += next - at;
        }
        at = next;
    }
    carried->windows.size = carried->windows_after = (size_t)(to - carried->windows.data);
    free_set(&named);
    free_set(&closed);
    return true;
}

static bool has_doubled(const ml_buffer *buffer, size_t before)
{
    return buffer->size > before * 2 + THIN_OUT_FROM_BYTES;
}

void ml_carried_thin_out(ml_carried *carried, const ml_mapping_stacks *mappings, int64_t now_ns)
{
    if (!carried->keeps)
        return;
    if (has_doubled(&carried->windows, carried->windows_after))
        thin_out_windows(carried, now_ns);
    if (has_doubled(&carried->threads, carried->threads_after))
        thin_out_threads(carried);
    if (has_doubled(&carried->stacks, carried->stacks_after) ||
        has_doubled(&carried->codes, carried->codes_after))
        thin_out_calls(carried, mappings);
}

/* ---- the beginning of the next part
 * -------------------------------------------------------------- */

static bool write_rows(const ml_carried *carried, ml_trace_file *file)
{
    ml_columns codes, stacks, threads, windows;
    bool done = true;
    ml_columns_init(&codes, ML_BLOCK_CODES, "dttubtb");
    ml_columns_init(&stacks, ML_BLOCK_STACKS, "dddd");
    ml_columns_init(&threads, ML_BLOCK_THREADS, "dutus");
    ml_columns_init(&windows, ML_BLOCK_WINDOWS, ML_WINDOW_ENCODINGS);
    const uint8_t *end = carried->codes.data + carried->codes.size;
    for (const uint8_t *at = carried->codes.data; done && at < end;) {
        at = ml_carried_put_code(&codes, at);
        done = at != NULL;
        if (ml_columns_bytes(&codes) > BYTES_PER_BLOCK)
            ml_trace_file_write(file, &codes);
    }
    ml_trace_file_write(file, &codes);
    const ml_stack_row *stack = (const ml_stack_row *)carried->stacks.data;
    for (size_t left = carried->stacks.size / sizeof *stack; done && left; left--) {
        done = ml_carried_put_stack(&stacks, stack++);
        if (stacks.rows == ROWS_PER_BLOCK)
            ml_trace_file_write(file, &stacks);
    }
    ml_trace_file_write(file, &stacks);
    const ml_thread_row *thread = (const ml_thread_row *)carried->threads.data;
    for (size_t left = carried->threads.size / sizeof *thread; done && left; left--) {
        done = ml_carried_put_thread(&threads, thread++);
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
    return thin_out_windows(carried, now_ns) && thin_out_threads(carried) &&
           thin_out_calls(carried, mappings) && write_rows(carried, file) &&
           write_blocks(carried, file, most_bytes);
}

void ml_carried_free(ml_carried *carried)
{
    ml_unmap(carried->blocks, carried->capacity * sizeof *carried->blocks);
    ml_buffer *all[] = {&carried->stacks, &carried->codes, &carried->threads, &carried->windows,
                        &carried->spared_codes};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        ml_buffer_free(all[i]);
    memset(carried, 0, sizeof *carried);
}

size_t ml_carried_bytes(const ml_carried *carried)
{
    return carried->capacity * sizeof *carried->blocks + carried->stacks.capacity +
           carried->codes.capacity + carried->threads.capacity + carried->windows.capacity +
           carried->spared_codes.capacity;
}

/* Throws out the rows that neither a live block, an open window nor a thread's own numbers name. */
#include "carried.h"
#include "code_table.h"
#include "recorder.h"

#include <string.h>

/* A window's last events may still be in a ring when it has ended. */
#define LATE_EVENTS_NS ((int64_t)2000000000)
#define THIN_OUT_FROM_BYTES ((size_t)1 << 18)
#define MOST_GENERATIONS 64 /* of windows in windows */

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
        const uint8_t *next = ml_code_record_next(at);
        const uint32_t code_id = ml_code_record_id(at);
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

bool ml_carried_thin_out_all(ml_carried *carried, const ml_mapping_stacks *mappings, int64_t now_ns)
{
    return thin_out_windows(carried, now_ns) && thin_out_threads(carried) &&
           thin_out_calls(carried, mappings);
}

#include "drain.h"

#include "carried.h"
#include "code_table.h"
#include "present_trace.h"
#include "recorder.h"
#include "sampling_rows.h"
#include "side_rows.h"
#include "stack_table.h"

#include <string.h>

static struct {
    ml_columns stacks, codes, threads, gc, windows;
    ml_buffer taken_codes, kept_windows;
} drained;

void ml_drain_init(void)
{
    ml_columns_init(&drained.stacks, ML_BLOCK_STACKS, ML_STACK_ENCODINGS);
    ml_columns_init(&drained.codes, ML_BLOCK_CODES, ML_CODE_ENCODINGS);
    ml_columns_init(&drained.threads, ML_BLOCK_THREADS, ML_THREAD_ENCODINGS);
    ml_columns_init(&drained.gc, ML_BLOCK_GC, "dubuudd");
    ml_columns_init(&drained.windows, ML_BLOCK_WINDOWS, ML_WINDOW_ENCODINGS);
}

void ml_drain_free(void)
{
    ml_columns *all[] = {&drained.stacks, &drained.codes, &drained.threads, &drained.gc,
                         &drained.windows};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        ml_columns_free(all[i]);
    ml_buffer_free(&drained.taken_codes);
    ml_buffer_free(&drained.kept_windows);
}

static void write_stacks(void)
{
    ml_columns *rows = &drained.stacks;
    const ml_stack_row *row = (const ml_stack_row *)ml_stacks.added.data;
    for (size_t left = ml_stacks.added.size / sizeof *row; left; left--, row++) {
        if (!ml_stack_row_put(rows, row))
            break;
        if (rows->rows == 1 << 18)
            ml_trace_file_write(&ml_trace.file, rows);
    }
    ml_trace_file_write(&ml_trace.file, rows);
    ml_carried_add_stacks(&ml_trace.encoder.carried, &ml_stacks.added);
    ml_stacks.added.size = 0;
}

static void write_codes(void)
{
    ml_columns *rows = &drained.codes;
    const uint8_t *at = drained.taken_codes.data, *end = at + drained.taken_codes.size;
    while (at && at < end) {
        size_t file_bytes;
        const uint8_t *file = ml_code_record_source(at, &file_bytes);
        if (file)
            ml_source_files_note(&ml_trace.source_files, file, file_bytes);
        at = ml_code_record_put(rows, at);
        if (ml_columns_bytes(rows) > (size_t)4 << 20)
            ml_trace_file_write(&ml_trace.file, rows);
    }
    ml_trace_file_write(&ml_trace.file, rows);
    ml_carried_add_codes(&ml_trace.encoder.carried, &drained.taken_codes);
    drained.taken_codes.size = 0;
}

/* Of collector runs and windows. */
static void write_side_rows(void)
{
    ml_side_rows_take(&ml_sides.gc, &drained.gc);
    ml_side_rows_take(&ml_sides.windows, &drained.windows);
    ml_trace_file_write(&ml_trace.file, &drained.gc);
    ml_trace_file_write(&ml_trace.file, &drained.windows);
    if (ml_trace.encoder.carried.keeps) {
        ml_side_rows_take_kept(&drained.kept_windows);
        ml_carried_add_windows(&ml_trace.encoder.carried, &drained.kept_windows);
    }
}

/* All functions and stacks known so far go before the events that were read before this: each one
 * that an event names is then in the file. */
static void write_new_stacks(void)
{
    ml_lock(&ml_codes.lock);
    ml_buffer codes = ml_codes.added;
    ml_codes.added = drained.taken_codes;
    ml_unlock(&ml_codes.lock);
    drained.taken_codes = codes;
    write_codes();
    write_stacks();
}

static void write_samplings(void)
{
    ml_sampling_rows_note(ml_trace.encoder.samplings_named);
    ml_sampling_rows_write(&ml_trace.file);
}

static void write_events(void)
{
    ml_event_encoder_close_run(&ml_trace.encoder);
    if (ml_trace.encoder.columns.rows) {
        /* All that events name goes before them: the process may be killed in between. */
        write_samplings();
        write_new_stacks();
        ml_trace_file_write(&ml_trace.file, &drained.threads);
        write_side_rows();
        ml_trace_file_write(&ml_trace.file, &ml_trace.encoder.columns);
    }
    ml_event_encoder_next_block(&ml_trace.encoder);
}

static void announce(ml_thread *thread, int64_t end_ns)
{
    ml_thread_row row = {thread->thread_id, thread->os_thread_id, thread->start_ns, end_ns, ""};
    memcpy(row.name, thread->name, sizeof row.name);
    if (!ml_thread_row_put(&drained.threads, &row))
        return;
    ml_carried_add_thread(&ml_trace.encoder.carried, &row);
    thread->drained.announced = true;
}

static bool read_ring(ml_thread *thread)
{
    if (!thread->drained.announced) {
        ml_lock(&ml_threads_lock);
        announce(thread, -1);
        ml_unlock(&ml_threads_lock);
    }
    const uint64_t before = atomic_load_explicit(&thread->ring.tail, memory_order_relaxed);
    while (ml_event_encoder_drain(&ml_trace.encoder, thread))
        write_events();
    ml_sampling_rows_look_at(thread);
    return before != atomic_load_explicit(&thread->ring.tail, memory_order_relaxed);
}

bool ml_drain(int64_t now_ns)
{
    bool any = false;
    ml_lock(&ml_threads_lock);
    ml_thread *thread = ml_threads;
    ml_unlock(&ml_threads_lock);
    /* Only this thread unlinks states while it reads them; new ones come at the head of the list.
     * Those that have ended are unlinked from the last one that stays: where a program makes
     * threads without pause, there may be many thousands before them. */
    for (ml_thread *stays = NULL, *next; thread; thread = next) {
        next = thread->next;
        const bool exited = atomic_load_explicit(&thread->exited, memory_order_acquire);
        /* Or else it was in an earlier recording alone. */
        const bool is_recorded =
            __atomic_load_n(&thread->session, __ATOMIC_ACQUIRE) == ml_trace.session;
        if (is_recorded)
            any |= read_ring(thread);
        if (!exited) {
            stays = thread;
            continue;
        }
        ml_lock(&ml_threads_lock);
        if (is_recorded)
            announce(thread, now_ns);
        ml_thread_release(thread, stays);
        ml_unlock(&ml_threads_lock);
    }
    if (ml_trace.encoder.columns.rows + ml_trace.encoder.run_events >= ML_EVENTS_PER_BLOCK)
        write_events();
    return any;
}

void ml_drain_meanwhile(bool goes_on)
{
    const int64_t now_ns = ml_monotonic_ns() - ml_recording.start_monotonic_ns;
    if (goes_on && ml_recording.coarse_clock)
        ml_recorder_raise_clock(now_ns);
    ml_drain(now_ns);
}

void ml_drain_write(void)
{
    write_events();
    write_samplings();
    ml_trace_file_write(&ml_trace.file, &drained.threads);
    write_side_rows();
}

void ml_drain_after_fork(bool is_whole)
{
    if (is_whole)
        return;
    memset(&drained.taken_codes, 0, sizeof drained.taken_codes);
    memset(&drained.kept_windows, 0, sizeof drained.kept_windows);
}

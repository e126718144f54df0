#include "writer.h"

#include "columns.h"
#include "event_encoder.h"
#include "heap_graph_writer.h"
#include "helper_thread.h"
#include "mapping_table.h"
#include "resident_memory.h"
#include "side_rows.h"
#include "snapshot_pace.h"
#include "source_files.h"
#include "stack_table.h"
#include "trace_file.h"
#include "trace_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is recorded is in the file within this time, give or take one turn. */
#define FLUSH_INTERVAL_NS 100000000
/* After an ending that may be the last: what is written then would undo it. */
#define REST_AFTER_ENDING_NS 250000000
#define METADATA_INTERVAL_NS 10000000000
#define MOST_KEPT_METADATA_BYTES ((size_t)1 << 18)
#define STATM "/proc/self/statm"

static struct {
    uint64_t session;
    ml_trace_file file;
    ml_event_encoder encoder;
    ml_columns stacks, codes, threads, memory, resident, gc, windows, metadata, samplings;
    ml_buffer taken_codes, kept_windows;
    ml_source_files source_files;
    ml_columns sources;
    bool has_own_descriptors; /* the helper thread has: the program does not see what it opens */

    ml_spinlock metadata_lock;
    ml_columns told_metadata; /* by the binding */

    ml_spinlock graphs_lock;
    ml_graph *graphs; /* that wait to be written, the oldest first */
    ml_graph_ids graph_ids;
    uint64_t checkpoint_pause_ns;

    ml_descriptor statm; /* open while there is a helper thread */
    ml_resident_source resident_source;
    ml_snapshot_pace pace;
    uint64_t snapshots, snapshot_cpu_ns;
    _Atomic bool memory_clock_rests;
    bool has_ended; /* nothing comes into the rings any more */
    int64_t memory_interval_ns, next_memory_ns, next_flush_ns, next_metadata_ns;
    int64_t peak_bytes;
    int64_t region_bytes;  /* of the live table, when last asked for */
    int64_t cpu_before_ns; /* of helper threads before this one */
    /* A trace of bounded size goes on in a next part. */
    uint64_t max_bytes; /* of the parts together; 0: no bound */
    uint64_t next_part_at_bytes;
    int64_t next_part_from_ns; /* not before */
    uint32_t part;
    ml_descriptor earlier_part;           /* closed: which file it is */
    char failed_path[ML_PART_PATH_BYTES]; /* where a next part could not be made, or "" */
    ml_buffer header_json, kept_metadata; /* the latter: keys and values that were told */
    double interval_bytes, rate, surcharge_bytes;

    bool failure_told;
    bool is_inherited; /* by a forked child: memory, and nothing that goes on */
} writer;

/* ---- the tables
 * --------------------------------------------------------------------------------- */

static void write_stacks(void)
{
    ml_columns *rows = &writer.stacks;
    const ml_stack_row *row = (const ml_stack_row *)ml_stacks.added.data;
    for (size_t left = ml_stacks.added.size / sizeof *row; left; left--, row++) {
        if (!ml_carried_put_stack(rows, row))
            break;
        if (rows->rows == 1 << 18)
            ml_trace_file_write(&writer.file, rows);
    }
    ml_trace_file_write(&writer.file, rows);
    ml_carried_add_stacks(&writer.encoder.carried, &ml_stacks.added);
    ml_stacks.added.size = 0;
}

static void write_codes(void)
{
    ml_columns *rows = &writer.codes;
    const uint8_t *at = writer.taken_codes.data, *end = at + writer.taken_codes.size;
    while (at && at < end) {
        size_t file_bytes;
        const uint8_t *file = ml_carried_source_of_code(at, &file_bytes);
        if (file)
            ml_source_files_note(&writer.source_files, file, file_bytes);
        at = ml_carried_put_code(rows, at);
        if (ml_columns_bytes(rows) > (size_t)4 << 20)
            ml_trace_file_write(&writer.file, rows);
    }
    ml_trace_file_write(&writer.file, rows);
    ml_carried_add_codes(&writer.encoder.carried, &writer.taken_codes);
    writer.taken_codes.size = 0;
}

/* Of collector runs and windows. */
static void write_side_rows(void)
{
    ml_side_rows_take(&ml_sides.gc, &writer.gc);
    ml_side_rows_take(&ml_sides.windows, &writer.windows);
    ml_trace_file_write(&writer.file, &writer.gc);
    ml_trace_file_write(&writer.file, &writer.windows);
    if (writer.encoder.carried.keeps) {
        ml_side_rows_take_kept(&writer.kept_windows);
        ml_carried_add_windows(&writer.encoder.carried, &writer.kept_windows);
    }
}

/* All functions and stacks known so far go before the events that were read before this: each one
 * that an event names is then in the file. */
static void write_new_stacks(void)
{
    ml_lock(&ml_codes.lock);
    ml_buffer codes = ml_codes.added;
    ml_codes.added = writer.taken_codes;
    ml_unlock(&ml_codes.lock);
    writer.taken_codes = codes;
    write_codes();
    write_stacks();
}

static void write_events(void)
{
    ml_event_encoder_close_run(&writer.encoder);
    if (writer.encoder.columns.rows) {
        /* All that events name goes before them: the process may be killed in between. */
        write_new_stacks();
        ml_trace_file_write(&writer.file, &writer.threads);
        write_side_rows();
        ml_trace_file_write(&writer.file, &writer.encoder.columns);
    }
    ml_event_encoder_next_block(&writer.encoder);
}

static void announce(ml_thread *thread, int64_t end_ns)
{
    ml_thread_row row = {thread->thread_id, thread->os_thread_id, thread->start_ns, end_ns, ""};
    memcpy(row.name, thread->name, sizeof row.name);
    if (!ml_carried_put_thread(&writer.threads, &row))
        return;
    ml_carried_add_thread(&writer.encoder.carried, &row);
    thread->drained.announced = true;
}

/* Everything that waits in the rings. True: something was there. */
static bool drain(int64_t now_ns)
{
    bool any = false;
    ml_lock(&ml_threads_lock);
    ml_thread *thread = ml_threads, *next;
    ml_unlock(&ml_threads_lock);
    /* Only this thread unlinks states while it reads them; new ones come at the head of the list.
     */
    for (; thread; thread = next) {
        next = thread->next;
        const bool exited = atomic_load_explicit(&thread->exited, memory_order_acquire);
        if (__atomic_load_n(&thread->session, __ATOMIC_ACQUIRE) != writer.session) {
            if (exited) { /* it was in an earlier recording alone */
                ml_lock(&ml_threads_lock);
                ml_thread_release(thread);
                ml_unlock(&ml_threads_lock);
            }
            continue;
        }
        if (!thread->drained.announced) {
            ml_lock(&ml_threads_lock);
            announce(thread, -1);
            ml_unlock(&ml_threads_lock);
        }
        const uint64_t before = atomic_load_explicit(&thread->ring.tail, memory_order_relaxed);
        while (ml_event_encoder_drain(&writer.encoder, thread))
            write_events();
        any |= before != atomic_load_explicit(&thread->ring.tail, memory_order_relaxed);
        if (exited) {
            ml_lock(&ml_threads_lock);
            announce(thread, now_ns);
            ml_thread_release(thread);
            ml_unlock(&ml_threads_lock);
        }
    }
    if (writer.encoder.columns.rows + writer.encoder.run_events >= ML_EVENTS_PER_BLOCK)
        write_events();
    return any;
}

/* ---- the memory clock
 * --------------------------------------------------------------------------- */

static int64_t read_rss(void)
{
#if defined(__linux__)
    char text[64];
    if (!ml_descriptor_is_ours(&writer.statm) &&
        !ml_descriptor_reopen(&writer.statm, STATM, O_RDONLY))
        return 0;
    ssize_t got = pread(writer.statm.number, text, sizeof text - 1, 0);
    if (got > 0) {
        text[got] = 0;
        char *resident = strchr(text, ' ');
        if (resident)
            return (int64_t)strtoll(resident, NULL, 10) * sysconf(_SC_PAGESIZE);
    }
#endif
    return 0;
}

/* What the recorder itself holds, as far as it counts: mappings made, of which the kernel backs
 * what was touched. */
static int64_t tracer_bytes(void)
{
    size_t buffers = writer.file.raw.capacity + writer.file.stored.capacity;
    for (int i = 0; i < writer.encoder.columns.column_count; i++)
        buffers += writer.encoder.columns.columns[i].size;
    ml_lock(&writer.graphs_lock);
    for (const ml_graph *graph = writer.graphs; graph; graph = graph->next)
        buffers += ml_graph_bytes(graph);
    ml_unlock(&writer.graphs_lock);
    return atomic_load(&ml_recording.mapped_bytes) +
           atomic_load(&ml_recording.live.hash.mapped_bytes) + writer.region_bytes +
           (int64_t)(ml_codes.mapped_bytes + ml_stacks.mapped_bytes + buffers +
                     ml_mappings.capacity * sizeof *ml_mappings.nodes +
                     ml_carried_bytes(&writer.encoder.carried));
}

/* Taking a snapshot may be long: the rings must not fill up meanwhile, nor a fork wait. */
static bool go_on_with_snapshot(void)
{
    if (writer.has_ended)
        return true;
    const int64_t now_ns = ml_monotonic_ns() - ml_recording.start_monotonic_ns;
    if (ml_recording.coarse_clock)
        ml_recorder_raise_clock(now_ns);
    drain(now_ns);
    return !ml_helper_is_awaited();
}

static void take_snapshot(int64_t now_ns, int64_t resident_bytes)
{
    const int64_t cpu_ns = ml_thread_cpu_ns();
    writer.resident_source.go_on = go_on_with_snapshot;
    const bool taken =
        ml_resident_snapshot(&writer.resident_source, &writer.resident, resident_bytes, now_ns);
    const int64_t cost_ns = ml_thread_cpu_ns() - cpu_ns;
    writer.snapshots += taken;
    writer.snapshot_cpu_ns += (uint64_t)cost_ns;
    ml_snapshot_is_done(&writer.pace, now_ns, taken ? resident_bytes : 0, cost_ns);
}

static void tick_memory(int64_t now_ns)
{
    ml_columns *rows = &writer.memory;
    if (atomic_load_explicit(&writer.memory_clock_rests, memory_order_relaxed))
        return;
    const int64_t resident_bytes = read_rss();
    if (ml_snapshot_is_due(&writer.pace, now_ns, resident_bytes) ||
        (writer.has_ended && ml_snapshot_is_worth_waiting(&writer.pace, now_ns)))
        take_snapshot(now_ns, resident_bytes);
    int64_t own = tracer_bytes();
    if (own > writer.peak_bytes)
        writer.peak_bytes = own;
    if (!ml_columns_reserve_row(rows, 0))
        return;
    ml_columns_put(rows, 0, now_ns);
    ml_columns_put(rows, 1, resident_bytes);
    const ml_event_encoder *encoder = &writer.encoder;
    ml_columns_put(rows, 2, encoder->live_bytes > 0 ? (int64_t)encoder->live_bytes : 0);
    ml_columns_put(rows, 3, encoder->live_count > 0 ? (int64_t)encoder->live_count : 0);
    ml_columns_put(rows, 4, own);
    ml_columns_cover_time(rows, now_ns, now_ns);
}

/* ---- metadata
 * ----------------------------------------------------------------------------------- */

static void put_metadata(const char *key, const char *json)
{
    ml_columns *rows = &writer.metadata;
    size_t key_bytes = strlen(key), json_bytes = strlen(json);
    if (ml_columns_reserve_row(rows, key_bytes + json_bytes)) {
        ml_columns_put_text(rows, 0, key, key_bytes);
        ml_columns_put_text(rows, 1, json, json_bytes);
    }
}

static void put_number(const char *key, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, value);
    put_metadata(key, text);
}

static void put_statistics(void)
{
    const ml_event_encoder *encoder = &writer.encoder;
    put_number("allocations_recorded", encoder->allocations);
    put_number("frees_recorded", encoder->frees);
    put_number("events_recorded", encoder->allocations + encoder->frees);
    uint64_t frees_dropped = atomic_load(&ml_recording.frees_dropped);
    put_number("frees_dropped", frees_dropped);
    put_number("events_dropped", atomic_load(&ml_recording.allocations_dropped) + frees_dropped);
    put_number("events_dropped_in_fork", atomic_load(&ml_recording.dropped_in_fork));
    put_number("events_dropped_for_memory", atomic_load(&ml_recording.dropped_for_memory));
    put_number("calls_unrecorded", atomic_load(&ml_recording.calls_unrecorded));
    put_number("side_rows_dropped", ml_sides.dropped);
    put_number("waits", atomic_load(&ml_recording.waits));
    put_number("wait_ns", atomic_load(&ml_recording.wait_ns));
    put_number("stale_blocks_closed", atomic_load(&ml_recording.stale_closed));
    put_number("stacks_interned", ml_stacks.total);
    put_number("codes_interned", ml_codes.total);
    put_number("stack_table_resets", ml_stacks.resets + ml_codes.resets);
    put_number("stacks_truncated", atomic_load(&ml_recording.stacks_truncated));
    put_number("sources_read", writer.source_files.stored);
    put_number("sources_left_out", writer.source_files.left_out);
    put_number("writer_cpu_ns", (uint64_t)(writer.cpu_before_ns + ml_thread_cpu_ns()));
    put_number("rss_snapshots", writer.snapshots);
    put_number("rss_snapshot_cpu_ns", writer.snapshot_cpu_ns);
    put_number("checkpoints", writer.graph_ids.checkpoints);
    put_number("checkpoint_pause_ns", writer.checkpoint_pause_ns);
    put_number("tracer_peak_bytes", (uint64_t)writer.peak_bytes);
}

/* ---- heap graphs
 * --------------------------------------------------------------------------------- */

void ml_writer_rest_memory_clock(bool rests)
{
    atomic_store_explicit(&writer.memory_clock_rests, rests, memory_order_relaxed);
}

void ml_writer_add_graph(ml_graph *graph)
{
    graph->next = NULL;
    ml_lock(&writer.graphs_lock);
    ml_graph **last = &writer.graphs;
    while (*last)
        last = &(*last)->next;
    *last = graph;
    ml_unlock(&writer.graphs_lock);
}

bool ml_writer_has_graphs(void)
{
    ml_lock(&writer.graphs_lock);
    const bool has = writer.graphs && !writer.file.failed;
    ml_unlock(&writer.graphs_lock);
    return has;
}

static void drop_first_graph(void)
{
    ml_lock(&writer.graphs_lock);
    ml_graph *graph = writer.graphs;
    writer.graphs = graph->next;
    ml_unlock(&writer.graphs_lock);
    ml_graph_stop_writing(graph);
    ml_graph_free(graph);
}

/* Writing one may take seconds: the rings must not fill up meanwhile, nor a fork wait. */
static void write_graphs(bool to_the_end)
{
    while (ml_writer_has_graphs()) {
        if (!ml_graph_write_slice(writer.graphs, &writer.graph_ids, &writer.file)) {
            if (writer.graphs->failed)
                put_metadata("references_left_out",
                             "\"there was no memory to write down what a checkpoint had found\"");
            writer.checkpoint_pause_ns += (uint64_t)writer.graphs->pause_ns;
            drop_first_graph();
        }
        const int64_t now_ns = ml_monotonic_ns() - ml_recording.start_monotonic_ns;
        if (!to_the_end) {
            if (ml_helper_is_awaited())
                return;
            if (ml_recording.coarse_clock)
                ml_recorder_raise_clock(now_ns);
        }
        drain(now_ns);
    }
}

/* ---- source files
 * -------------------------------------------------------------------------------- */

/* Where what is opened is in the program's own table, a moment before its end is early enough: it
 * may count on the next free number. */
static void write_sources(bool to_the_end)
{
    if (!to_the_end && !writer.has_own_descriptors)
        return;
    /* At least one: a program that keeps the rings filling up must not put them off for ever. */
    while (ml_source_files_read(&writer.source_files, &writer.sources)) {
        if (ml_columns_bytes(&writer.sources) > ML_SOURCE_FILE_MAX_BYTES)
            ml_trace_file_write(&writer.file, &writer.sources);
        const int64_t now_ns = ml_monotonic_ns() - ml_recording.start_monotonic_ns;
        if (!to_the_end && ml_recording.coarse_clock)
            ml_recorder_raise_clock(now_ns);
        drain(now_ns); /* the rings must not fill up meanwhile */
        if (!to_the_end && ml_helper_is_awaited())
            break;
    }
    ml_trace_file_write(&writer.file, &writer.sources);
}

/* What was read in earlier parts. */
static void write_kept_sources(ml_trace_file *next)
{
    size_t at = 0;
    while (ml_source_files_put_kept(&writer.source_files, &at, &writer.sources))
        if (ml_columns_bytes(&writer.sources) > ML_SOURCE_FILE_MAX_BYTES)
            ml_trace_file_write(next, &writer.sources);
    ml_trace_file_write(next, &writer.sources);
}

/* ---- turns
 * -------------------------------------------------------------------------------------- */

/* Above this many MiB of addresses with recorded blocks it takes too long to ask at each flush. */
#define FEW_REGIONS 256

static void flush(int64_t now_ns)
{
    ml_threads_look_after_late();
    if (ml_recording.live.region_count <= FEW_REGIONS || now_ns >= writer.next_metadata_ns)
        writer.region_bytes = ml_live_table_region_bytes(&ml_recording.live);
    write_events();
    ml_trace_file_write(&writer.file, &writer.threads);
    write_side_rows();
    ml_trace_file_write(&writer.file, &writer.memory);
    ml_trace_file_write(&writer.file, &writer.resident);
    ml_lock(&writer.metadata_lock);
    ml_columns told = writer.told_metadata;
    writer.told_metadata = writer.metadata;
    ml_unlock(&writer.metadata_lock);
    writer.metadata = told;
    if (now_ns >= writer.next_metadata_ns) {
        put_statistics();
        writer.next_metadata_ns = now_ns + METADATA_INTERVAL_NS;
    }
    ml_trace_file_write(&writer.file, &writer.metadata);
}

/* ---- parts
 * --------------------------------------------------------------------------------------- */

static bool put_sampling(double interval_bytes, double rate, double surcharge_bytes,
                         ml_trace_file *file)
{
    ml_columns *rows = &writer.samplings;
    if (!ml_columns_reserve_row(rows, 0))
        return false;
    ml_columns_put(rows, 0, 1);
    ml_columns_put_double(rows, 1, interval_bytes);
    ml_columns_put_double(rows, 2, rate);
    ml_columns_put_double(rows, 3, surcharge_bytes);
    ml_trace_file_write(file, rows);
    return true;
}

/* A part is full at half of the bound, and what is carried into it takes a quarter at most. Where
 * stacks and functions alone take more than that, the part is let grow, so that there is more in it
 * than what was in the one before. */
static void expect_next_part(void)
{
    const uint64_t half = writer.max_bytes / 2;
    const uint64_t grown = writer.file.offset + writer.max_bytes / 8;
    writer.next_part_at_bytes = half > grown ? half : grown;
}

/* A free that was read before its allocation belongs into one part with it. */
static void settle(int64_t now_ns)
{
    for (int i = 0; i < 8; i++) {
        drain(now_ns);
        if (!writer.encoder.carried.gone)
            break;
    }
}

static int write_part_header(ml_trace_file *file, const char *path, int64_t now_ns)
{
    char more[200];
    ml_buffer json = {0};
    int length =
        snprintf(more, sizeof more,
                 "{\"part\": %" PRIu32 ", \"part_start_ns\": %" PRIi64
                 ", \"events_before_part\": %" PRIu64 ", ",
                 writer.part + 1, now_ns, writer.encoder.allocations + writer.encoder.frees);
    int error = ENOMEM;
    /* From behind the brace that it begins with, with the zero that it ends with. */
    if (ml_buffer_append(&json, more, (size_t)length) &&
        ml_buffer_append(&json, writer.header_json.data + 1, writer.header_json.size - 1))
        error = ml_trace_file_create(file, path, false, (const char *)json.data);
    ml_buffer_free(&json);
    return error;
}

static void put_kept_metadata(void)
{
    ml_lock(&writer.metadata_lock);
    const char *at = (const char *)writer.kept_metadata.data, *end = at + writer.kept_metadata.size;
    while (at < end) {
        const char *value = at + strlen(at) + 1;
        put_metadata(at, value);
        at = value + strlen(value) + 1;
    }
    ml_unlock(&writer.metadata_lock);
}

static int make_next_part(ml_trace_file *next, const char *next_path, int64_t now_ns)
{
    int error = write_part_header(next, next_path, now_ns);
    if (error)
        return error;
    const bool is_all =
        put_sampling(writer.interval_bytes, writer.rate, writer.surcharge_bytes, next) &&
        ml_carried_write(&writer.encoder.carried, &writer.encoder.mappings, now_ns, next,
                         writer.max_bytes / 4);
    if (!is_all && !next->failed) {
        next->failed = true;
        next->error = ENOMEM;
    }
    write_kept_sources(next);
    put_kept_metadata();
    put_number("blocks_not_carried", writer.encoder.carried.blocks_left);
    put_number("bytes_not_carried", writer.encoder.carried.bytes_left);
    ml_trace_file_write(next, &writer.metadata);
    return next->failed ? next->error : 0;
}

/* It may have failed before there was a file, or at one that is somebody else's. */
static void discard(ml_trace_file *next, const char *next_path)
{
    ml_trace_file_close(next);
    if (ml_descriptor_is_at(&next->descriptor, next_path))
        unlink(next_path);
}

static void begin_next_part(int64_t now_ns)
{
    char next_path[ML_PART_PATH_BYTES];
    ml_trace_file next = {.descriptor = ml_no_descriptor};
    settle(now_ns);
    flush(now_ns);
    put_statistics();
    put_number("end_ns", (uint64_t)now_ns);
    put_metadata("stop_reason", "\"next part\"");
    ml_trace_file_write_ending(&writer.file, &writer.metadata);
    if (writer.file.failed)
        return;
    ml_part_next_path(next_path, writer.file.path);
    int error = make_next_part(&next, next_path, now_ns);
    if ((error == ENOSPC || error == EDQUOT) &&
        ml_parts_drop_earlier(writer.file.path, &writer.earlier_part)) {
        discard(&next, next_path);
        error = make_next_part(&next, next_path, now_ns);
    }
    if (error)
        strcpy(writer.failed_path, next_path);
    else
        error = ml_parts_move_on(writer.file.path, &writer.file.descriptor, &writer.earlier_part,
                                 next_path, writer.failed_path);
    if (error) {
        discard(&next, next_path);
        ml_writer_give_up(error);
        return;
    }
    writer.failed_path[0] = 0;
    strcpy(next.path, writer.file.path);
    ml_trace_file_close(&writer.file);
    writer.file = next;
    writer.part++;
    writer.next_metadata_ns = 0;
    expect_next_part();
}

bool ml_writer_turn(int64_t now_ns)
{
    const bool any = drain(now_ns);
    if (now_ns >= writer.next_memory_ns) {
        tick_memory(now_ns);
        writer.next_memory_ns = now_ns + writer.memory_interval_ns;
    }
    if (now_ns >= writer.next_flush_ns) {
        flush(now_ns);
        ml_carried_thin_out(&writer.encoder.carried, &writer.encoder.mappings, now_ns);
        writer.next_flush_ns = now_ns + FLUSH_INTERVAL_NS;
        write_sources(false);
    }
    if (writer.max_bytes && writer.file.offset >= writer.next_part_at_bytes &&
        now_ns >= writer.next_part_from_ns && !writer.file.failed && !ml_writer_has_graphs())
        begin_next_part(now_ns);
    write_graphs(false);
    return any;
}

int64_t ml_writer_longest_rest_ns(void)
{
    return writer.memory_interval_ns < FLUSH_INTERVAL_NS ? writer.memory_interval_ns
                                                         : FLUSH_INTERVAL_NS;
}

void ml_writer_write_ending(int64_t now_ns, const char *reason)
{
    char json[256];
    if (writer.file.failed)
        return;
    ml_threads_look_after_late();
    write_graphs(true);
    drain(now_ns);
    writer.has_ended = true; /* as far as is known */
    writer.region_bytes = ml_live_table_region_bytes(&ml_recording.live);
    tick_memory(now_ns);
    writer.has_ended = false;
    flush(now_ns);
    write_sources(true);
    put_statistics();
    put_number("end_ns", (uint64_t)now_ns);
    snprintf(json, sizeof json, "\"%s\"", reason);
    put_metadata("stop_reason", json);
    ml_trace_file_write_ending(&writer.file, &writer.metadata);
    writer.next_flush_ns = writer.next_part_from_ns =
        ml_monotonic_ns() - ml_recording.start_monotonic_ns + REST_AFTER_ENDING_NS;
}

void ml_writer_finish(int64_t now_ns, const char *reason)
{
    if (!writer.file.failed) {
        ml_writer_write_ending(now_ns, reason);
        ml_threads_end_reading();
    }
    ml_trace_file_close(&writer.file);
}

/* ---- when writing fails
 * -------------------------------------------------------------------------- */

int ml_writer_failure(void)
{
    return writer.file.failed ? writer.file.error : 0;
}

bool ml_writer_is_deleted(void)
{
    return writer.file.has_no_name;
}

void ml_writer_give_up(int error)
{
    writer.file.failed = true;
    writer.file.error = error;
    ml_threads_end_reading();
}

static const char *next_step(int error)
{
    switch (error) {
    case EBADF: /* the file had to be opened again by its path */
        return "Let the program not close descriptors that are not its own where it has no /proc";
    case EAGAIN:
        return "Raise the limit of threads";
    case ENOMEM:
        return "Give the program more memory";
    case EEXIST: /* it has come after the start */
        return "Move that file away or choose another place with --output-file";
    default:
        return "Free some space or choose another place with --output-file";
    }
}

void ml_writer_say_failed(int descriptor)
{
    char text[5000];
    if (writer.failure_told)
        return;
    int length = snprintf(
        text, sizeof text,
        "memlyze: recording stopped: cannot write %s: %s. The program goes on; what was written "
        "is readable. %s, then record again.\n",
        writer.failed_path[0] ? writer.failed_path : writer.file.path, strerror(writer.file.error),
        next_step(writer.file.error));
    if (length > 0 && descriptor >= 0) {
        ssize_t ignored = write(descriptor, text,
                                (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
        (void)ignored;
        writer.failure_told = true;
    }
}

/* ---- beginning and end
 * --------------------------------------------------------------------------- */

static bool init_columns(void)
{
    ml_columns_init(&writer.stacks, ML_BLOCK_STACKS, "dddd");
    ml_columns_init(&writer.codes, ML_BLOCK_CODES, "dttubtb");
    ml_columns_init(&writer.threads, ML_BLOCK_THREADS, "dutus");
    ml_columns_init(&writer.memory, ML_BLOCK_MEMORY, "ddddd");
    ml_columns_init(&writer.resident, ML_BLOCK_RESIDENT, ML_RESIDENT_ENCODINGS);
    ml_columns_init(&writer.gc, ML_BLOCK_GC, "dubuudd");
    ml_columns_init(&writer.windows, ML_BLOCK_WINDOWS, "ddttdsdttus");
    ml_columns_init(&writer.metadata, ML_BLOCK_METADATA, "tt");
    ml_columns_init(&writer.told_metadata, ML_BLOCK_METADATA, "tt");
    ml_columns_init(&writer.samplings, ML_BLOCK_SAMPLINGS, "dfff");
    ml_columns_init(&writer.sources, ML_BLOCK_SOURCES, ML_SOURCE_ENCODINGS);
    return ml_event_encoder_init(&writer.encoder);
}

static void free_columns(void)
{
    ml_columns *all[] = {
        &writer.stacks,    &writer.codes,    &writer.threads,  &writer.memory,
        &writer.gc,        &writer.windows,  &writer.metadata, &writer.told_metadata,
        &writer.samplings, &writer.resident, &writer.sources};
    ml_event_encoder_free(&writer.encoder);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        ml_columns_free(all[i]);
    ml_buffer *buffers[] = {&writer.taken_codes, &writer.kept_windows, &writer.header_json,
                            &writer.kept_metadata};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        ml_buffer_free(buffers[i]);
    ml_source_files_free(&writer.source_files);
}

int ml_writer_open(const ml_options *options, uint64_t session)
{
    if (writer.is_inherited) {
        ml_writer_close();
        writer.is_inherited = false;
    }
    int error = ml_trace_file_create(&writer.file, options->output_file, options->overwrite,
                                     options->header_metadata_json);
    if (error)
        return error;
    const char *json = options->header_metadata_json;
    if (!init_columns() || !ml_buffer_append(&writer.header_json, json, strlen(json) + 1)) {
        ml_writer_close();
        unlink(options->output_file);
        return ENOMEM;
    }
    const double surcharge_bytes = (double)options->surcharge_bytes;
    put_sampling(options->interval_bytes, options->rate, surcharge_bytes, &writer.file);
    writer.max_bytes = options->max_trace_bytes;
    writer.interval_bytes = options->interval_bytes;
    writer.rate = options->rate;
    writer.surcharge_bytes = surcharge_bytes;
    writer.part = 1;
    writer.next_part_from_ns = 0;
    writer.earlier_part = ml_no_descriptor;
    writer.failed_path[0] = 0;
    writer.encoder.carried.keeps = writer.max_bytes != 0;
    writer.encoder.carried.session = session;
    expect_next_part();
    ml_source_files_init(&writer.source_files, options->working_directory, options->include_source,
                         options->max_trace_bytes);
    writer.session = session;
    writer.memory_interval_ns = (int64_t)options->memory_interval_ms * 1000000;
    writer.next_memory_ns = 0;
    writer.next_flush_ns = FLUSH_INTERVAL_NS;
    writer.next_metadata_ns = 0;
    writer.peak_bytes = writer.region_bytes = writer.cpu_before_ns = 0;
    writer.failure_told = writer.has_ended = false;
    writer.statm = ml_no_descriptor;
    writer.pace = (ml_snapshot_pace){.has_begun = false};
    writer.snapshots = writer.snapshot_cpu_ns = 0;
    writer.graph_ids = (ml_graph_ids){0};
    writer.checkpoint_pause_ns = 0;
    ml_threads_begin_reading();
    return 0;
}

void ml_writer_close(void)
{
    ml_trace_file_close(&writer.file);
    while (writer.graphs) /* of a trace that could not be written */
        drop_first_graph();
    free_columns();
}

ml_descriptor *ml_writer_descriptor(void)
{
    return &writer.file.descriptor;
}

void ml_writer_begin_thread(bool has_own_descriptors)
{
    writer.has_own_descriptors = has_own_descriptors;
#if defined(__linux__)
    writer.statm = ml_descriptor_take(open(STATM, O_RDONLY | O_CLOEXEC));
#endif
    ml_resident_open(&writer.resident_source);
}

void ml_writer_end_thread(void)
{
    writer.cpu_before_ns += ml_thread_cpu_ns();
    ml_descriptor_close(&writer.statm);
    ml_resident_close(&writer.resident_source);
}

void ml_writer_add_metadata(const char *key, const char *json)
{
    size_t key_bytes = strlen(key), json_bytes = strlen(json);
    ml_lock(&writer.metadata_lock);
    if (writer.told_metadata.column_count &&
        ml_columns_reserve_row(&writer.told_metadata, key_bytes + json_bytes)) {
        ml_columns_put_text(&writer.told_metadata, 0, key, key_bytes);
        ml_columns_put_text(&writer.told_metadata, 1, json, json_bytes);
    }
    if (writer.max_bytes && writer.kept_metadata.size < MOST_KEPT_METADATA_BYTES &&
        ml_buffer_reserve(&writer.kept_metadata, key_bytes + json_bytes + 2)) {
        ml_buffer_append(&writer.kept_metadata, key, key_bytes + 1);
        ml_buffer_append(&writer.kept_metadata, json, json_bytes + 1);
    }
    ml_unlock(&writer.metadata_lock);
}

void ml_writer_after_fork(bool is_whole, bool has_descriptors)
{
    writer.metadata_lock = writer.graphs_lock = 0;
    writer.memory_clock_rests = false;
    if (!is_whole)
        writer.graphs = NULL;
    /* The memory stays with this copy of the process; and where the helper thread may have been at
     * work on it, it is of no use any more. */
    writer.is_inherited = is_whole;
    if (!is_whole) {
        ml_buffer *buffers[] = {&writer.taken_codes, &writer.kept_windows, &writer.header_json,
                                &writer.kept_metadata};
        for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
            memset(buffers[i], 0, sizeof **buffers);
        memset(&writer.source_files, 0, sizeof writer.source_files);
    }
    if (has_descriptors) {
        ml_descriptor_close(&writer.file.descriptor);
        ml_descriptor_close(&writer.statm);
        ml_resident_close(&writer.resident_source);
    }
}

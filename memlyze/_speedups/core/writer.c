#include "writer.h"

#include "drain.h"
#include "graph_queue.h"
#include "heap_graph_writer.h"
#include "helper_thread.h"
#include "mapping_table.h"
#include "memory_clock.h"
#include "next_part.h"
#include "present_trace.h"
#include "side_rows.h"
#include "stack_table.h"
#include "trace_metadata.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What is recorded is in the file within this time, give or take one turn. */
#define FLUSH_INTERVAL_NS 100000000
/* After an ending that may be the last: what is written then would undo it. */
#define REST_AFTER_ENDING_NS 250000000
#define METADATA_INTERVAL_NS 10000000000

ml_present_trace ml_trace;

static struct {
    bool has_own_descriptors; /* the helper thread has: the program does not see what it opens */
    ml_graph_ids graph_ids;
    uint64_t checkpoint_pause_ns;
    int64_t next_flush_ns, next_metadata_ns;
    int64_t region_bytes;  /* of the live table, when last asked for */
    int64_t cpu_before_ns; /* of helper threads before this one */
    bool failure_told, drop_told;
    bool is_inherited; /* by a forked child: memory, and nothing that goes on */
} writer;

/* What the recorder itself holds, as far as it counts. */
static int64_t tracer_bytes(void)
{
    size_t buffers = ml_trace.file.raw.capacity + ml_trace.file.stored.capacity;
    for (int i = 0; i < ml_trace.encoder.columns.column_count; i++)
        buffers += ml_trace.encoder.columns.columns[i].size;
    return ml_threads_resident_bytes(ml_trace.session) +
           atomic_load(&ml_recording.live.hash.mapped_bytes) + writer.region_bytes +
           (int64_t)(ml_codes.mapped_bytes + ml_stacks.mapped_bytes + buffers +
                     ml_graph_queue_bytes() + ml_mappings.capacity * sizeof *ml_mappings.nodes +
                     ml_carried_bytes(&ml_trace.encoder.carried));
}

static void put_statistics(void)
{
    const ml_event_encoder *encoder = &ml_trace.encoder;
    ml_metadata_put_number("allocations_recorded", encoder->allocations);
    ml_metadata_put_number("frees_recorded", encoder->frees);
    ml_metadata_put_number("events_recorded", encoder->allocations + encoder->frees);
    uint64_t frees_dropped = atomic_load(&ml_recording.frees_dropped);
    ml_metadata_put_number("frees_dropped", frees_dropped);
    ml_metadata_put_number("events_dropped",
                           atomic_load(&ml_recording.allocations_dropped) + frees_dropped);
    ml_metadata_put_number("events_dropped_in_fork", atomic_load(&ml_recording.dropped_in_fork));
    ml_metadata_put_number("events_dropped_for_memory",
                           atomic_load(&ml_recording.dropped_for_memory));
    ml_metadata_put_number("calls_unrecorded", atomic_load(&ml_recording.calls_unrecorded));
    ml_metadata_put_number("side_rows_dropped", ml_sides.dropped);
    ml_metadata_put_number("waits", atomic_load(&ml_recording.waits));
    ml_metadata_put_number("wait_ns", atomic_load(&ml_recording.wait_ns));
    ml_metadata_put_number("stale_blocks_closed", atomic_load(&ml_recording.stale_closed));
    ml_metadata_put_number("stacks_interned", ml_stacks.total);
    ml_metadata_put_number("codes_interned", ml_codes.total);
    ml_metadata_put_number("stack_table_resets", ml_stacks.resets + ml_codes.resets);
    ml_metadata_put_number("stacks_truncated", atomic_load(&ml_recording.stacks_truncated));
    ml_metadata_put_number("sources_read", ml_trace.source_files.stored);
    ml_metadata_put_number("sources_left_out", ml_trace.source_files.left_out);
    ml_metadata_put_number("writer_cpu_ns", (uint64_t)(writer.cpu_before_ns + ml_thread_cpu_ns()));
    ml_metadata_put_number("checkpoints", writer.graph_ids.checkpoints);
    ml_metadata_put_number("checkpoint_pause_ns", writer.checkpoint_pause_ns);
    ml_metadata_put_number("parts_dropped_early", ml_parts_dropped_early());
    ml_memory_clock_put_statistics();
}

/* ---- heap graphs and source files
 * ---------------------------------------------------------------- */

bool ml_writer_has_graphs(void)
{
    return !ml_graph_queue_is_empty() && !ml_trace.file.failed;
}

/* Writing one may take seconds: the rings must not fill up meanwhile, nor a fork wait. */
static void write_graphs(bool to_the_end)
{
    while (ml_writer_has_graphs()) {
        ml_graph *graph = ml_graph_queue_first();
        if (!ml_graph_write_slice(graph, &writer.graph_ids, &ml_trace.file)) {
            if (graph->failed)
                ml_metadata_put(
                    "references_left_out",
                    "\"there was no memory to write down what a checkpoint had found\"");
            writer.checkpoint_pause_ns += (uint64_t)graph->pause_ns;
            ml_graph_queue_drop_first();
        }
        if (!to_the_end && ml_helper_is_awaited())
            return;
        ml_drain_meanwhile(!to_the_end);
    }
}

/* Where what is opened is in the program's own table, a moment before its end is early enough: it
 * may count on the next free number. */
static void write_sources(bool to_the_end)
{
    if (!to_the_end && !writer.has_own_descriptors)
        return;
    /* At least one: a program that keeps the rings filling up must not put them off for ever. */
    while (ml_source_files_read(&ml_trace.source_files, &ml_trace.sources)) {
        if (ml_columns_bytes(&ml_trace.sources) > ML_SOURCE_FILE_MAX_BYTES)
            ml_trace_file_write(&ml_trace.file, &ml_trace.sources);
        ml_drain_meanwhile(!to_the_end);
        if (!to_the_end && ml_helper_is_awaited())
            break;
    }
    ml_trace_file_write(&ml_trace.file, &ml_trace.sources);
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
    ml_drain_write();
    ml_memory_clock_write(&ml_trace.file);
    ml_metadata_put_told();
    if (now_ns >= writer.next_metadata_ns) {
        put_statistics();
        writer.next_metadata_ns = now_ns + METADATA_INTERVAL_NS;
    }
    ml_trace_file_write(&ml_trace.file, ml_metadata_rows());
}

static void end_file(int64_t now_ns, const char *reason)
{
    char json[256];
    put_statistics();
    ml_metadata_put_number("end_ns", (uint64_t)now_ns);
    snprintf(json, sizeof json, "\"%s\"", reason);
    ml_metadata_put("stop_reason", json);
    ml_trace_file_write_ending(&ml_trace.file, ml_metadata_rows());
}

/* A free that was read before its allocation belongs into one part with it. */
static void settle(int64_t now_ns)
{
    for (int i = 0; i < 8; i++) {
        ml_drain(now_ns);
        if (!ml_trace.encoder.carried.gone)
            break;
    }
}

static void begin_next_part(int64_t now_ns)
{
    settle(now_ns);
    flush(now_ns);
    end_file(now_ns, "next part");
    if (ml_trace.file.failed)
        return;
    const int error = ml_next_part_begin(now_ns);
    if (error)
        ml_writer_give_up(error);
    else
        writer.next_metadata_ns = 0;
}

static void keep_pace(int64_t now_ns)
{
    ml_event_encoder *encoder = &ml_trace.encoder;
    const uint64_t live = encoder->allocations > encoder->frees
                              ? encoder->allocations - encoder->frees
                              : 0; /* a free may be read ahead of its allocation */
    ml_pace_turn(&ml_recording.pace, &encoder->pace, now_ns, live);
}

bool ml_writer_turn(int64_t now_ns)
{
    const bool any = ml_drain(now_ns);
    if (ml_recording.sampling_count > 1)
        keep_pace(now_ns);
    ml_memory_clock_turn(now_ns, &ml_trace.encoder);
    if (now_ns >= writer.next_flush_ns) {
        flush(now_ns);
        ml_carried_thin_out(&ml_trace.encoder.carried, &ml_trace.encoder.mappings, now_ns);
        writer.next_flush_ns = now_ns + FLUSH_INTERVAL_NS;
        write_sources(false);
    }
    if (ml_next_part_is_due(now_ns) && !ml_trace.file.failed && !ml_writer_has_graphs())
        begin_next_part(now_ns);
    write_graphs(false);
    return any;
}

int64_t ml_writer_longest_rest_ns(void)
{
    const int64_t tick_ns = ml_memory_clock_interval_ns();
    return tick_ns < FLUSH_INTERVAL_NS ? tick_ns : FLUSH_INTERVAL_NS;
}

void ml_writer_write_ending(int64_t now_ns, const char *reason)
{
    if (ml_trace.file.failed)
        return;
    ml_threads_look_after_late();
    write_graphs(true);
    ml_drain(now_ns);
    writer.region_bytes = ml_live_table_region_bytes(&ml_recording.live);
    ml_memory_clock_end(now_ns, &ml_trace.encoder);
    flush(now_ns);
    write_sources(true);
    end_file(now_ns, reason);
    writer.next_flush_ns =
        ml_monotonic_ns() - ml_recording.start_monotonic_ns + REST_AFTER_ENDING_NS;
    ml_next_part_put_off(writer.next_flush_ns);
}

void ml_writer_finish(int64_t now_ns, const char *reason)
{
    if (!ml_trace.file.failed) {
        ml_writer_write_ending(now_ns, reason);
        ml_threads_end_reading();
    }
    ml_trace_file_close(&ml_trace.file);
}

/* ---- when writing fails
 * -------------------------------------------------------------------------- */

int ml_writer_failure(void)
{
    return ml_trace.file.failed ? ml_trace.file.error : 0;
}

bool ml_writer_is_deleted(void)
{
    return ml_trace.file.has_no_name;
}

void ml_writer_give_up(int error)
{
    ml_trace.file.failed = true;
    ml_trace.file.error = error;
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
    case EFBIG:
        return "Raise the limit of file sizes (ulimit -f) or bound the trace with "
               "--max-trace-bytes";
    default:
        return "Free some space or choose another place with --output-file";
    }
}

static bool has_drop_to_tell(void)
{
    return ml_parts_dropped_early() && !writer.drop_told;
}

bool ml_writer_has_news(void)
{
    return has_drop_to_tell() || (ml_trace.file.failed && !writer.failure_told);
}

/* A line; the path in it may have been made to move the cursor of a terminal. */
static void say(int descriptor, const char *format, ...)
{
    char text[5000];
    va_list arguments;
    va_start(arguments, format);
    const int needed = vsnprintf(text, sizeof text - 1, format, arguments);
    va_end(arguments);
    if (needed <= 0)
        return;
    const size_t length = (size_t)needed < sizeof text - 2 ? (size_t)needed : sizeof text - 2;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == '\x7f')
            text[i] = '?';
    text[length] = '\n';
    ssize_t ignored = write(descriptor, text, length + 1);
    (void)ignored;
}

void ml_writer_tell_news(int descriptor)
{
    const char *path = ml_next_part_failed_path();
    if (has_drop_to_tell()) {
        writer.drop_told = true; /* or not: the trace says it, too */
        writer.next_metadata_ns = 0;
        if (descriptor >= 0)
            say(descriptor,
                "memlyze: the disk of %s is full: the earlier part of the trace was deleted, and "
                "recording goes on with less. Free some space to have all of --max-trace-bytes.",
                ml_trace.file.path);
    }
    if (ml_trace.file.failed && !writer.failure_told && descriptor >= 0) {
        writer.failure_told = true;
        say(descriptor,
            "memlyze: recording stopped: cannot write %s: %s. The program goes on; what was "
            "written is readable. %s, then record again.",
            path ? path : ml_trace.file.path, strerror(ml_trace.file.error),
            next_step(ml_trace.file.error));
    }
}

/* ---- beginning and end
 * --------------------------------------------------------------------------- */

/* While a snapshot is taken. */
static void go_on_meanwhile(void)
{
    ml_drain_meanwhile(true);
}

int ml_writer_open(const ml_options *options, uint64_t session)
{
    if (writer.is_inherited) {
        ml_writer_close();
        writer.is_inherited = false;
    }
    int error = ml_trace_file_create(&ml_trace.file, options->output_file, options->overwrite,
                                     options->header_metadata_json);
    if (error)
        return error;
    const bool is_bounded = options->max_trace_bytes != 0;
    ml_drain_init();
    ml_metadata_init(is_bounded);
    ml_memory_clock_init(options->memory_interval_ms, go_on_meanwhile, tracer_bytes);
    ml_columns_init(&ml_trace.sources, ML_BLOCK_SOURCES, ML_SOURCE_ENCODINGS);
    ml_source_files_init(&ml_trace.source_files, options->working_directory,
                         options->include_source, options->max_trace_bytes);
    if (!ml_event_encoder_init(&ml_trace.encoder) || !ml_first_part_begin(options)) {
        ml_writer_close();
        unlink(options->output_file);
        return ENOMEM;
    }
    ml_trace.encoder.carried.keeps = is_bounded;
    ml_trace.encoder.carried.session = session;
    ml_trace.session = session;
    writer.next_flush_ns = FLUSH_INTERVAL_NS;
    writer.next_metadata_ns = 0;
    writer.region_bytes = writer.cpu_before_ns = 0;
    writer.failure_told = writer.drop_told = false;
    writer.graph_ids = (ml_graph_ids){0};
    writer.checkpoint_pause_ns = 0;
    ml_threads_begin_reading();
    return 0;
}

void ml_writer_close(void)
{
    ml_trace_file_close(&ml_trace.file);
    while (!ml_graph_queue_is_empty()) /* of a trace that could not be written */
        ml_graph_queue_drop_first();
    ml_event_encoder_free(&ml_trace.encoder);
    ml_source_files_free(&ml_trace.source_files);
    ml_columns_free(&ml_trace.sources);
    ml_drain_free();
    ml_metadata_free();
    ml_memory_clock_free();
    ml_next_part_free();
}

ml_descriptor *ml_writer_descriptor(void)
{
    return &ml_trace.file.descriptor;
}

void ml_writer_begin_thread(bool has_own_descriptors)
{
    writer.has_own_descriptors = has_own_descriptors;
    ml_memory_clock_open();
}

void ml_writer_end_thread(void)
{
    writer.cpu_before_ns += ml_thread_cpu_ns();
    ml_memory_clock_close();
}

void ml_writer_after_fork(bool is_whole, bool has_descriptors)
{
    /* The memory stays with this copy of the process; and where the helper thread may have been at
     * work on it, it is of no use any more. */
    writer.is_inherited = is_whole;
    if (!is_whole)
        memset(&ml_trace.source_files, 0, sizeof ml_trace.source_files);
    if (has_descriptors)
        ml_descriptor_close(&ml_trace.file.descriptor);
    ml_drain_after_fork(is_whole);
    ml_metadata_after_fork(is_whole);
    ml_graph_queue_after_fork(is_whole);
    ml_next_part_after_fork(is_whole);
    ml_memory_clock_after_fork(has_descriptors);
}

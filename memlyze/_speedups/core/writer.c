#include "writer.h"

#include "descriptor_table.h"
#include "event_encoder.h"
#include "side_rows.h"
#include "stack_table.h"
#include "trace_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#if defined(__linux__)
#include <linux/futex.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

/* What is recorded is in the file within this time, give or take one turn. */
#define FLUSH_INTERVAL_NS 150000000
/* While a recording of many events is busy a turn comes every millisecond: that is the resolution
 * of its times. */
#define BUSY_TURN_NS 1000000
#define IDLE_TURNS_BEFORE_REST 20
#define METADATA_INTERVAL_NS 10000000000
#define STATM "/proc/self/statm"

/* Whose descriptor table the recorder's descriptors are in. While the helper thread begins only it
 * knows. */
enum { TABLE_UNKNOWN, TABLE_OF_PROGRAM, TABLE_OF_HELPER };

static struct {
    pthread_t thread;
    bool running;
    pid_t process_id;
    _Atomic int wake;
    _Atomic bool stopping;
    _Atomic bool pausing;
    _Atomic bool paused; /* there is no helper thread for a moment */
    pid_t thread_number;
    _Atomic int table;
    ml_handover handover;   /* of the file, from a helper thread that ends */
    pid_t program_thread;   /* that started the helper thread, or ends it */
    bool table_can_be_left; /* known from before the pause */
    uint64_t session;
    const char *reason;

    ml_trace_file file;
    ml_event_encoder encoder;
    ml_columns stacks, codes, threads, memory, gc, windows, metadata, samplings;
    ml_buffer taken_codes;

    ml_spinlock metadata_lock;
    ml_columns told_metadata; /* by the binding */

    ml_descriptor statm; /* open while there is a helper thread */
    int64_t memory_interval_ns, next_memory_ns, next_flush_ns, next_metadata_ns;
    int64_t peak_bytes;
    int64_t region_bytes;  /* of the live table, when last asked for */
    int64_t cpu_before_ns; /* of helper threads before this one */
    bool failure_told;
    ml_thread self; /* so that a hook that this thread runs into lets it pass */
} writer;

/* ---- waking and sleeping
 * ------------------------------------------------------------------------- */

void ml_writer_wake(void)
{
    if (atomic_exchange_explicit(&writer.wake, 1, memory_order_release) == 0) {
#if defined(__linux__)
        syscall(SYS_futex, &writer.wake, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
#endif
    }
}

static void rest(int64_t ns)
{
    struct timespec time = {ns / 1000000000, ns % 1000000000};
#if defined(__linux__)
    if (atomic_load(&writer.wake) == 0)
        syscall(SYS_futex, &writer.wake, FUTEX_WAIT_PRIVATE, 0, &time, NULL, 0);
#else
    if (time.tv_sec || time.tv_nsec > BUSY_TURN_NS)
        time = (struct timespec){0, BUSY_TURN_NS};
    nanosleep(&time, NULL);
#endif
    atomic_store_explicit(&writer.wake, 0, memory_order_relaxed);
}

/* ---- what is written
 * ----------------------------------------------------------------------------- */

static void write_stacks(void)
{
    ml_columns *rows = &writer.stacks;
    const ml_stack_row *row = (const ml_stack_row *)ml_stacks.added.data;
    for (size_t left = ml_stacks.added.size / sizeof *row; left; left--, row++) {
        if (!ml_columns_reserve_row(rows, 0))
            break;
        ml_columns_put(rows, 0, row->stack_id);
        ml_columns_put(rows, 1, row->parent_id);
        ml_columns_put(rows, 2, row->code_id);
        ml_columns_put(rows, 3, row->instruction);
        if (rows->rows == 1 << 18)
            ml_trace_file_write(&writer.file, rows);
    }
    ml_trace_file_write(&writer.file, rows);
    ml_stacks.added.size = 0;
}

static uint32_t get_u32(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void write_codes(void)
{
    ml_columns *rows = &writer.codes;
    const uint8_t *at = writer.taken_codes.data, *end = at + writer.taken_codes.size;
    while (at < end) {
        const uint8_t *head = at, *parts[3];
        uint32_t lengths[3];
        at += 10;
        for (int i = 0; i < 3; i++) {
            lengths[i] = get_u32(at);
            parts[i] = at + 4;
            at += 4 + lengths[i];
        }
        if (!ml_columns_reserve_row(rows, (size_t)lengths[0] + lengths[1] + lengths[2]))
            break;
        ml_columns_put(rows, 0, get_u32(head));
        ml_columns_put_text(rows, 1, parts[0], lengths[0]);
        ml_columns_put_text(rows, 2, parts[1], lengths[1]);
        ml_columns_put(rows, 3, get_u32(head + 4));
        ml_columns_put(rows, 4, head[8]);
        ml_columns_put_text(rows, 5, parts[2], lengths[2]);
        ml_columns_put(rows, 6, head[9]);
        if (ml_columns_bytes(rows) > (size_t)4 << 20)
            ml_trace_file_write(&writer.file, rows);
    }
    ml_trace_file_write(&writer.file, rows);
    writer.taken_codes.size = 0;
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
        write_new_stacks();
        ml_trace_file_write(&writer.file, &writer.encoder.columns);
    }
    ml_event_encoder_next_block(&writer.encoder);
}

static void announce(ml_thread *thread, int64_t end_ns)
{
    ml_columns *rows = &writer.threads;
    size_t name_bytes = strlen(thread->name);
    if (!ml_columns_reserve_row(rows, name_bytes))
        return;
    ml_columns_put(rows, 0, thread->thread_id);
    ml_columns_put(rows, 1, (int64_t)thread->os_thread_id);
    ml_columns_put_text(rows, 2, thread->name, name_bytes);
    ml_columns_put(rows, 3, thread->start_ns);
    ml_columns_put(rows, 4, end_ns);
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
        const uint64_t before = atomic_load_explicit(&thread->ring.tail, memory_order_relaxed);
        while (ml_event_encoder_drain(&writer.encoder, thread))
            write_events();
        any |= before != atomic_load_explicit(&thread->ring.tail, memory_order_relaxed);
        if (!thread->drained.announced || exited) {
            ml_lock(&ml_threads_lock);
            announce(thread, exited ? now_ns : -1);
            if (exited)
                ml_thread_release(thread);
            ml_unlock(&ml_threads_lock);
        }
    }
    if (writer.encoder.columns.rows + writer.encoder.run_events >= ML_EVENTS_PER_BLOCK)
        write_events();
    return any;
}

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
    return atomic_load(&ml_recording.mapped_bytes) + atomic_load(&ml_recording.live.mapped_bytes) +
           writer.region_bytes +
           (int64_t)(ml_codes.mapped_bytes + ml_stacks.mapped_bytes + buffers);
}

static void tick_memory(int64_t now_ns)
{
    ml_columns *rows = &writer.memory;
    int64_t own = tracer_bytes();
    if (own > writer.peak_bytes)
        writer.peak_bytes = own;
    if (!ml_columns_reserve_row(rows, 0))
        return;
    ml_columns_put(rows, 0, now_ns);
    ml_columns_put(rows, 1, read_rss());
    const ml_event_encoder *encoder = &writer.encoder;
    ml_columns_put(rows, 2, encoder->live_bytes > 0 ? (int64_t)encoder->live_bytes : 0);
    ml_columns_put(rows, 3, encoder->live_count > 0 ? (int64_t)encoder->live_count : 0);
    ml_columns_put(rows, 4, own);
    ml_columns_cover_time(rows, now_ns, now_ns);
}

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
    put_number("side_rows_dropped", ml_sides.dropped);
    put_number("waits", atomic_load(&ml_recording.waits));
    put_number("wait_ns", atomic_load(&ml_recording.wait_ns));
    put_number("stale_blocks_closed", atomic_load(&ml_recording.stale_closed));
    put_number("stacks_interned", ml_stacks.total);
    put_number("codes_interned", ml_codes.total);
    put_number("stack_table_resets", ml_stacks.resets + ml_codes.resets);
    put_number("stacks_truncated", atomic_load(&ml_recording.stacks_truncated));
    put_number("writer_cpu_ns", (uint64_t)(writer.cpu_before_ns + ml_thread_cpu_ns()));
    put_number("tracer_peak_bytes", (uint64_t)writer.peak_bytes);
}

static void write_side_rows(void)
{
    ml_side_rows_take(&ml_sides.gc, &writer.gc);
    ml_side_rows_take(&ml_sides.windows, &writer.windows);
    ml_trace_file_write(&writer.file, &writer.gc);
    ml_trace_file_write(&writer.file, &writer.windows);
}

/* Above this many MiB of addresses with recorded blocks it takes too long to ask at each flush. */
#define FEW_REGIONS 256

static void flush(int64_t now_ns)
{
    if (ml_recording.live.region_count <= FEW_REGIONS || now_ns >= writer.next_metadata_ns)
        writer.region_bytes = ml_live_table_region_bytes(&ml_recording.live);
    write_events();
    ml_trace_file_write(&writer.file, &writer.threads);
    write_side_rows();
    ml_trace_file_write(&writer.file, &writer.memory);
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

/* ---- when writing fails
 * -------------------------------------------------------------------------- */

static void say_failed(void)
{
    char text[5000];
    int length = snprintf(
        text, sizeof text,
        "memlyze: recording stopped: cannot write %s: %s. The program goes on; what was written "
        "is readable. Free some space or choose another place with --output, then record again.\n",
        writer.file.path, strerror(writer.file.error));
    const bool elsewhere = writer.table == TABLE_OF_HELPER;
    const int descriptor = elsewhere ? ml_descriptor_table_open_program_stderr() : STDERR_FILENO;
    if (length > 0 && descriptor >= 0) {
        ssize_t ignored = write(descriptor, text,
                                (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
        (void)ignored;
        writer.failure_told = true;
    }
    if (elsewhere && descriptor >= 0)
        close(descriptor);
}

/* ---- the thread
 * ---------------------------------------------------------------------------------- */

static void finish(int64_t now_ns)
{
    char json[256];
    drain(now_ns);
    ml_threads_end_reading();
    writer.region_bytes = ml_live_table_region_bytes(&ml_recording.live);
    tick_memory(now_ns);
    writer.next_metadata_ns = 0;
    put_number("end_ns", (uint64_t)now_ns);
    snprintf(json, sizeof json, "\"%s\"", writer.reason);
    put_metadata("stop_reason", json);
    ml_columns last = writer.metadata; /* flush swaps the buffers: what was just put goes first */
    ml_trace_file_write(&writer.file, &last);
    writer.metadata = last;
    flush(now_ns);
    ml_trace_file_finish(&writer.file);
}

/* Before anything else is opened: the program waits until it is known where. */
static void begin_table(void)
{
    ml_descriptor *kept = &writer.file.descriptor;
    const bool own = (writer.table_can_be_left ||
                      ml_descriptor_table_can_be_left(writer.program_thread, kept)) &&
                     ml_descriptor_table_unshare(kept);
#if defined(__linux__)
    writer.statm = ml_descriptor_take(open(STATM, O_RDONLY | O_CLOEXEC));
#endif
    atomic_store(&writer.table, own ? TABLE_OF_HELPER : TABLE_OF_PROGRAM);
#if defined(__linux__)
    syscall(SYS_futex, &writer.table, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
#endif
}

static void wait_for_table(void)
{
    while (atomic_load(&writer.table) == TABLE_UNKNOWN) {
#if defined(__linux__)
        syscall(SYS_futex, &writer.table, FUTEX_WAIT_PRIVATE, TABLE_UNKNOWN, NULL, NULL, 0);
#else
        sched_yield();
#endif
    }
}

static void *run(void *unused)
{
    (void)unused;
#if defined(__linux__)
    prctl(PR_SET_NAME, "memlyze");
    writer.thread_number = (pid_t)syscall(SYS_gettid);
#endif
    writer.self.session = writer.session;
    writer.self.pauses = 1;
    writer.self.active_session = ML_INSIDE;
    ml_current_thread = &writer.self;
    begin_table();
    int idle_turns = 0;
    bool abandoned = writer.file.failed; /* before a pause */
    while (!atomic_load_explicit(&writer.stopping, memory_order_acquire)) {
        int64_t now_ns = ml_monotonic_ns() - ml_recording.start_monotonic_ns;
        if (ml_recording.coarse_clock)
            ml_recorder_raise_clock(now_ns);
        if (!abandoned) {
            idle_turns = drain(now_ns) ? 0 : idle_turns + 1;
            if (now_ns >= writer.next_memory_ns) {
                tick_memory(now_ns);
                writer.next_memory_ns = now_ns + writer.memory_interval_ns;
            }
            if (now_ns >= writer.next_flush_ns) {
                flush(now_ns);
                writer.next_flush_ns = now_ns + FLUSH_INTERVAL_NS;
            }
            if (writer.file.failed) {
                ml_recorder_abandon();
                ml_threads_end_reading();
                say_failed();
                abandoned = true;
            }
        }
        const bool busy =
            ml_recording.coarse_clock && idle_turns < IDLE_TURNS_BEFORE_REST && !abandoned;
        int64_t turn_ns = writer.memory_interval_ns < FLUSH_INTERVAL_NS ? writer.memory_interval_ns
                                                                        : FLUSH_INTERVAL_NS;
        if (atomic_load_explicit(&writer.pausing, memory_order_acquire))
            break;
        rest(busy && turn_ns > BUSY_TURN_NS ? BUSY_TURN_NS : turn_ns);
    }
    if (writer.pausing) {
        if (writer.table == TABLE_OF_HELPER) {
            ml_handover_send(&writer.handover, writer.file.descriptor.number);
            /* The program may have as many open as it may: there is room to look only here. */
            writer.table_can_be_left = writer.handover.socket.number < 0 &&
                                       ml_descriptor_table_can_be_left(writer.program_thread, NULL);
        }
        writer.cpu_before_ns += ml_thread_cpu_ns();
    } else {
        const bool already_failed = writer.file.failed;
        if (abandoned)
            ml_trace_file_close(&writer.file);
        else
            finish(ml_monotonic_ns() - ml_recording.start_monotonic_ns);
        if (!already_failed && writer.file.failed)
            say_failed();
    }
    ml_descriptor_close(&writer.statm);
    ml_current_thread = &ml_no_thread;
    return NULL;
}

static void put_sampling(const ml_options *options)
{
    ml_columns *rows = &writer.samplings;
    if (!ml_columns_reserve_row(rows, 0))
        return;
    ml_columns_put(rows, 0, 1);
    ml_columns_put_double(rows, 1, options->interval_bytes);
    ml_columns_put_double(rows, 2, options->rate);
    ml_columns_put_double(rows, 3, (double)options->surcharge_bytes);
    ml_trace_file_write(&writer.file, rows);
}

static bool init_columns(void)
{
    ml_columns_init(&writer.stacks, ML_BLOCK_STACKS, "dddd");
    ml_columns_init(&writer.codes, ML_BLOCK_CODES, "dttubtb");
    ml_columns_init(&writer.threads, ML_BLOCK_THREADS, "dutus");
    ml_columns_init(&writer.memory, ML_BLOCK_MEMORY, "ddddd");
    ml_columns_init(&writer.gc, ML_BLOCK_GC, "dubuud");
    ml_columns_init(&writer.windows, ML_BLOCK_WINDOWS, "ddttdsdt");
    ml_columns_init(&writer.metadata, ML_BLOCK_METADATA, "tt");
    ml_columns_init(&writer.told_metadata, ML_BLOCK_METADATA, "tt");
    ml_columns_init(&writer.samplings, ML_BLOCK_SAMPLINGS, "dfff");
    return ml_event_encoder_init(&writer.encoder);
}

static void free_columns(void)
{
    ml_columns *all[] = {&writer.encoder.columns, &writer.stacks,   &writer.codes,
                         &writer.threads,         &writer.memory,   &writer.gc,
                         &writer.windows,         &writer.metadata, &writer.told_metadata,
                         &writer.samplings};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        ml_columns_free(all[i]);
    ml_buffer_free(&writer.taken_codes);
}

static void note_program_thread(void)
{
#if defined(__linux__)
    writer.program_thread = (pid_t)syscall(SYS_gettid);
#endif
}

static int start_thread(void)
{
    ml_descriptor in_program = writer.file.descriptor;
    note_program_thread();
    atomic_store(&writer.table, TABLE_UNKNOWN);
    /* Signals are the program's: none may be delivered to this thread. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 256 * 1024);
    int error = pthread_create(&writer.thread, &attributes, run, NULL);
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        writer.table = TABLE_OF_PROGRAM;
        return error;
    }
    wait_for_table();
    if (writer.table == TABLE_OF_HELPER)
        ml_descriptor_close(&in_program);
    return 0;
}

static void join_thread(void)
{
    ml_writer_wake();
    pthread_join(writer.thread, NULL);
    writer.table = TABLE_OF_PROGRAM;
}

int ml_writer_start(const ml_options *options, uint64_t session, const char **what)
{
    *what = "create";
    int error = ml_trace_file_create(&writer.file, options->output_file, options->overwrite,
                                     options->header_metadata_json);
    if (error)
        return error;
    if (!init_columns()) {
        ml_trace_file_close(&writer.file);
        unlink(options->output_file);
        free_columns();
        return ENOMEM;
    }
    put_sampling(options);
    writer.session = session;
    writer.wake = 0;
    writer.stopping = false;
    writer.memory_interval_ns = (int64_t)options->memory_interval_ms * 1000000;
    writer.next_memory_ns = 0;
    writer.next_flush_ns = FLUSH_INTERVAL_NS;
    writer.next_metadata_ns = 0;
    writer.peak_bytes = writer.region_bytes = writer.cpu_before_ns = 0;
    writer.pausing = writer.paused = writer.failure_told = writer.table_can_be_left = false;
    writer.statm = ml_no_descriptor;
    ml_threads_begin_reading();
    error = start_thread();
    if (error) {
        *what = "start the helper thread for";
        ml_threads_end_reading();
        ml_trace_file_close(&writer.file);
        unlink(options->output_file);
        free_columns();
        return error;
    }
    writer.process_id = getpid();
    writer.running = true;
    return 0;
}

bool ml_writer_is_running(void)
{
    return writer.running;
}

bool ml_writer_is_here(void)
{
    return writer.process_id == getpid();
}

void ml_writer_pause(void)
{
    if (!writer.running || writer.paused || !ml_writer_is_here())
        return;
    atomic_store_explicit(&writer.paused, true, memory_order_release);
    const bool elsewhere = writer.table == TABLE_OF_HELPER;
    writer.table_can_be_left = false;
    note_program_thread();
    if (elsewhere)
        ml_handover_open(&writer.handover);
    atomic_store_explicit(&writer.pausing, true, memory_order_release);
    join_thread();
    if (elsewhere) /* otherwise it is opened again after the pause */
        ml_descriptor_replace(&writer.file.descriptor, ml_handover_receive(&writer.handover));
    atomic_store_explicit(&writer.pausing, false, memory_order_release);
#if defined(__linux__)
    /* A joined thread is counted among those of the process for a moment longer. */
    while (syscall(SYS_tgkill, getpid(), writer.thread_number, 0) == 0)
        sched_yield();
#endif
}

void ml_writer_resume(void)
{
    if (!writer.running || !writer.paused)
        return;
    int error = start_thread();
    if (error) {
        /* No more threads are allowed: nobody can write. */
        ml_recorder_abandon();
        writer.file.failed = true;
        writer.file.error = error;
        ml_threads_end_reading();
        say_failed();
        return;
    }
    atomic_store_explicit(&writer.paused, false, memory_order_release);
}

bool ml_writer_is_paused(void)
{
    return atomic_load_explicit(&writer.paused, memory_order_acquire);
}

int ml_writer_stop(const char *reason)
{
    if (!writer.running)
        return 0;
    writer.reason = reason;
    ml_writer_resume();
    if (!writer.paused) {
        atomic_store_explicit(&writer.stopping, true, memory_order_release);
        join_thread();
    } else {
        ml_trace_file_close(&writer.file); /* it could not be resumed */
    }
    writer.running = false;
    free_columns();
    if (writer.file.failed && !writer.failure_told) /* the helper thread could not */
        say_failed();
    return writer.file.failed ? writer.file.error : 0;
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
    ml_unlock(&writer.metadata_lock);
}

void ml_writer_after_fork(void)
{
    if (!writer.running)
        return;
    writer.running = false;
    writer.metadata_lock = 0;
    /* Of the parent: the helper thread may have been at any of them. The memory stays with this
     * copy of the process. */
    memset(&writer.taken_codes, 0, sizeof writer.taken_codes);
    if (writer.table != TABLE_OF_HELPER) {
        ml_descriptor_close(&writer.file.descriptor);
        ml_descriptor_close(&writer.statm);
    }
}

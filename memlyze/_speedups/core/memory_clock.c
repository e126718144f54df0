#include "memory_clock.h"

#include "helper_thread.h"
#include "recorder.h"
#include "resident_memory.h"
#include "resident_pages.h"
#include "snapshot_pace.h"
#include "trace_metadata.h"
#include "work_done.h"

#include <stdlib.h>
#include <string.h>

#define STATM "/proc/self/statm"

static struct {
    ml_columns memory, resident;
    ml_descriptor statm; /* open while there is a helper thread */
    ml_resident_source resident_source;
    ml_snapshot_pace pace;
    uint64_t snapshots, snapshot_cpu_ns;
    _Atomic bool rests;
    bool has_ended; /* nothing comes into the rings any more */
    int64_t interval_ns, next_ns;
    int64_t peak_bytes;  /* of the recorder */
    ml_work work_before; /* of helper threads before this one */
    void (*meanwhile)(void);
    int64_t (*tracer_bytes)(void);
} memory_clock;

void ml_memory_clock_init(uint32_t interval_ms, void (*meanwhile)(void),
                          int64_t (*tracer_bytes)(void))
{
    ml_columns_init(&memory_clock.memory, ML_BLOCK_MEMORY, "ddddddd");
    ml_columns_init(&memory_clock.resident, ML_BLOCK_RESIDENT, ML_RESIDENT_ENCODINGS);
    memory_clock.statm = ml_no_descriptor;
    memory_clock.pace = (ml_snapshot_pace){.has_begun = false};
    memory_clock.snapshots = memory_clock.snapshot_cpu_ns = 0;
    memory_clock.interval_ns = (int64_t)interval_ms * 1000000;
    memory_clock.next_ns = memory_clock.peak_bytes = 0;
    memory_clock.work_before = (ml_work){0, 0};
    memory_clock.meanwhile = meanwhile;
    memory_clock.tracer_bytes = tracer_bytes;
}

void ml_memory_clock_free(void)
{
    ml_columns_free(&memory_clock.memory);
    ml_columns_free(&memory_clock.resident);
}

void ml_memory_clock_open(void)
{
#if defined(__linux__)
    memory_clock.statm = ml_descriptor_take(open(STATM, O_RDONLY | O_CLOEXEC));
#endif
    ml_resident_open(&memory_clock.resident_source);
    ml_resident_pages_open();
}

void ml_memory_clock_close(void)
{
    ml_descriptor_close(&memory_clock.statm);
    ml_resident_close(&memory_clock.resident_source);
    ml_resident_pages_close();
    ml_work work;
    if (ml_work_of_thread(&work)) {
        memory_clock.work_before.cpu_us += work.cpu_us;
        memory_clock.work_before.waits += work.waits;
    }
}

int64_t ml_memory_clock_interval_ns(void)
{
    return memory_clock.interval_ns;
}

void ml_memory_clock_rest(bool rests)
{
    atomic_store_explicit(&memory_clock.rests, rests, memory_order_relaxed);
}

/* 0: the system does not say, as where there is no /proc; no process has none resident. */
static int64_t read_rss(void)
{
#if defined(__linux__)
    char text[64];
    if (!ml_descriptor_is_ours(&memory_clock.statm) &&
        !ml_descriptor_reopen(&memory_clock.statm, STATM, O_RDONLY))
        return 0;
    ssize_t got = pread(memory_clock.statm.number, text, sizeof text - 1, 0);
    if (got > 0) {
        text[got] = 0;
        char *resident = strchr(text, ' ');
        if (resident)
            return (int64_t)strtoll(resident, NULL, 10) * sysconf(_SC_PAGESIZE);
    }
#endif
    return 0;
}

/* Taking a snapshot may be long: the rings must not fill up meanwhile, nor a fork wait. */
static bool go_on_with_snapshot(void)
{
    if (memory_clock.has_ended)
        return true;
    memory_clock.meanwhile();
    return !ml_helper_is_awaited();
}

static void take_snapshot(int64_t now_ns, int64_t resident_bytes)
{
    const int64_t cpu_ns = ml_thread_cpu_ns();
    memory_clock.resident_source.go_on = go_on_with_snapshot;
    const bool taken = ml_resident_snapshot(&memory_clock.resident_source, &memory_clock.resident,
                                            resident_bytes, now_ns);
    const int64_t cost_ns = ml_thread_cpu_ns() - cpu_ns;
    memory_clock.snapshots += taken;
    memory_clock.snapshot_cpu_ns += (uint64_t)cost_ns;
    ml_snapshot_is_done(&memory_clock.pace, now_ns, taken ? resident_bytes : 0, cost_ns);
}

/* What the program has done, its own threads alone; -1: the system does not say. */
static ml_work work_of_program(void)
{
    const ml_work before = memory_clock.work_before;
    ml_work own, all;
    if (!ml_work_of_thread(&own) || !ml_work_of_process(&all))
        return (ml_work){-1, -1};
    return (ml_work){all.cpu_us - own.cpu_us - before.cpu_us, all.waits - own.waits - before.waits};
}

static void tick(int64_t now_ns, const ml_event_encoder *encoder)
{
    ml_columns *rows = &memory_clock.memory;
    if (atomic_load_explicit(&memory_clock.rests, memory_order_relaxed))
        return;
    const int64_t resident_bytes = read_rss();
    if (ml_snapshot_is_due(&memory_clock.pace, now_ns, resident_bytes) ||
        (memory_clock.has_ended && ml_snapshot_is_worth_waiting(&memory_clock.pace, now_ns)))
        take_snapshot(now_ns, resident_bytes);
    const int64_t own_bytes = memory_clock.tracer_bytes();
    if (own_bytes > memory_clock.peak_bytes)
        memory_clock.peak_bytes = own_bytes;
    if (!ml_columns_reserve_row(rows, 0))
        return;
    ml_columns_put(rows, 0, now_ns);
    ml_columns_put(rows, 1, resident_bytes);
    ml_columns_put(rows, 2, encoder->live_bytes > 0 ? (int64_t)encoder->live_bytes : 0);
    ml_columns_put(rows, 3, encoder->live_count > 0 ? (int64_t)encoder->live_count : 0);
    ml_columns_put(rows, 4, own_bytes);
    const ml_work work = work_of_program();
    ml_columns_put(rows, 5, work.cpu_us);
    ml_columns_put(rows, 6, work.waits);
    ml_columns_cover_time(rows, now_ns, now_ns);
}

void ml_memory_clock_turn(int64_t now_ns, const ml_event_encoder *encoder)
{
    if (now_ns < memory_clock.next_ns)
        return;
    tick(now_ns, encoder);
    memory_clock.next_ns = now_ns + memory_clock.interval_ns;
}

void ml_memory_clock_end(int64_t now_ns, const ml_event_encoder *encoder)
{
    memory_clock.has_ended = true; /* as far as is known */
    tick(now_ns, encoder);
    memory_clock.has_ended = false;
}

void ml_memory_clock_write(ml_trace_file *file)
{
    ml_trace_file_write(file, &memory_clock.memory);
    ml_trace_file_write(file, &memory_clock.resident);
}

void ml_memory_clock_put_statistics(void)
{
    ml_metadata_put_number("rss_snapshots", memory_clock.snapshots);
    ml_metadata_put_number("rss_snapshot_cpu_ns", memory_clock.snapshot_cpu_ns);
    ml_metadata_put_number("tracer_peak_bytes", (uint64_t)memory_clock.peak_bytes);
}

void ml_memory_clock_after_fork(bool has_descriptors)
{
    memory_clock.rests = false;
    if (has_descriptors)
        ml_memory_clock_close();
}

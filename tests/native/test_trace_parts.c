/* When a trace of bounded size goes on in a next part, and what stands in its way. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "helper_thread.h"
#include "recorder.h"
#include "trace_metadata.h"
#include "trace_parts.h"
#include "writer.h"

#define BOUND_BYTES (256 * 1024)
#define FILLED_BYTES (200 * 1024)
#define LONG_AFTER_NS 1000000000

static char trace[64], earlier[ML_PART_PATH_BYTES], next[ML_PART_PATH_BYTES];

static int64_t now_ns(void)
{
    return ml_monotonic_ns() - ml_recording.start_monotonic_ns;
}

/* The turns are the test's: there is no helper thread. */
static void start(void)
{
    char error[5000];
    const ml_options options = {.output_file = trace,
                                .header_metadata_json = "{\"recording_id\": \"a\"}",
                                .rate = 1.0,
                                .max_stack_depth = 64,
                                .memory_interval_ms = 10,
                                .max_trace_bytes = BOUND_BYTES};
    CHECK(ml_recorder_start(&options, error, sizeof error) == 0);
    ml_helper_pause();
}

/* 0, or -1 where it could not be written to its end. */
static int stop(void)
{
    char error[5000];
    return ml_recorder_stop("stop", error, sizeof error);
}

/* So much that a next part is due. */
static void fill(void)
{
    static char text[FILLED_BYTES];
    for (size_t i = 0; i < sizeof text - 1; i++)
        text[i] = (char)('0' + rand() % 64);
    ml_metadata_tell("filling", text);
}

static void put_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "wx");
    CHECK(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static bool has_text(const char *path, const char *text)
{
    char found[64] = "";
    FILE *file = fopen(path, "r");
    CHECK(file);
    const size_t bytes = fread(found, 1, sizeof found - 1, file);
    fclose(file);
    return bytes == strlen(text) && strcmp(found, text) == 0;
}

static bool is_finished(const char *path)
{
    char end[4] = "";
    FILE *file = fopen(path, "r");
    CHECK(file && fseek(file, -4, SEEK_END) == 0 && fread(end, 1, 4, file) == 4);
    fclose(file);
    return memcmp(end, "MLZE", 4) == 0;
}

static bool is_there(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

static ino_t inode_of(const char *path)
{
    struct stat status;
    CHECK(lstat(path, &status) == 0);
    return status.st_ino;
}

static void test_next_part_waits_until_the_ending_was_not_the_last(void)
{
    start();
    const ino_t first = inode_of(trace);
    fill();
    const int64_t ended_ns = now_ns();
    ml_writer_write_ending(ended_ns, "_exit");
    ml_writer_turn(ended_ns);
    CHECK(inode_of(trace) == first && is_finished(trace));
    CHECK(!is_there(earlier) && !is_there(next));
    ml_writer_turn(now_ns() + LONG_AFTER_NS);
    CHECK(inode_of(earlier) == first && inode_of(trace) != first);
    CHECK(is_finished(earlier) && !is_there(next));
    CHECK(stop() == 0);
    CHECK(unlink(earlier) == 0 && unlink(trace) == 0);
}

/* Whether that is what the program is told; it is told once. */
static bool is_told(const char *words)
{
    char text[5000] = "";
    FILE *said = tmpfile();
    CHECK(said);
    ml_writer_tell_news(fileno(said));
    rewind(said);
    const size_t bytes = fread(text, 1, sizeof text - 1, said);
    fclose(said);
    return bytes > 0 && strstr(text, words);
}

/* A part is begun, and the file `in_the_way` is put there before the next one. */
static void test_what_somebody_has_put_there_is_left(const char *in_the_way)
{
    start();
    fill();
    ml_writer_turn(now_ns() + LONG_AFTER_NS);
    CHECK(ml_writer_failure() == 0);
    const ino_t second = inode_of(trace), first = inode_of(earlier);
    char moved[sizeof trace + 8];
    snprintf(moved, sizeof moved, "%s.moved", trace);
    if (is_there(in_the_way))
        CHECK(rename(in_the_way, moved) == 0);
    put_file(in_the_way, "mine");
    fill();
    ml_writer_turn(now_ns() + 2 * (int64_t)LONG_AFTER_NS);
    CHECK(ml_writer_failure() == EEXIST);
    CHECK(has_text(in_the_way, "mine"));
    if (in_the_way != trace)
        CHECK(inode_of(trace) == second && is_finished(trace));
    if (in_the_way == next)
        CHECK(inode_of(earlier) == first);
    else
        CHECK(!is_there(next) && is_finished(moved) && unlink(moved) == 0);
    CHECK(is_told(in_the_way));
    CHECK(stop() != 0);
    unlink(trace);
    unlink(earlier);
    unlink(next);
}

static void test_no_memory_for_the_next_part(void)
{
    struct rlimit before;
    start();
    fill();
    ml_writer_turn(now_ns() + LONG_AFTER_NS);
    const ino_t first = inode_of(earlier), second = inode_of(trace);
    fill();
    ml_writer_write_ending(now_ns(), "_exit"); /* what is written has its memory */
    CHECK(getrlimit(RLIMIT_AS, &before) == 0);
    const struct rlimit none = {1, before.rlim_max};
    CHECK(setrlimit(RLIMIT_AS, &none) == 0);
    ml_writer_turn(now_ns() + 2 * (int64_t)LONG_AFTER_NS);
    CHECK(setrlimit(RLIMIT_AS, &before) == 0);
    CHECK(ml_writer_failure() == ENOMEM);
    CHECK(inode_of(earlier) == first && inode_of(trace) == second);
    CHECK(is_finished(earlier) && is_finished(trace) && !is_there(next));
    CHECK(stop() != 0);
    CHECK(unlink(trace) == 0 && unlink(earlier) == 0);
}

static off_t size_of(const char *path)
{
    struct stat status;
    CHECK(stat(path, &status) == 0);
    return status.st_size;
}

/* As on a full disk. */
static void test_no_room_for_the_present_part(void)
{
    struct rlimit before;
    start();
    fill();
    ml_writer_turn(now_ns() + LONG_AFTER_NS);
    const ino_t first = inode_of(earlier), second = inode_of(trace);
    const off_t written = size_of(trace);
    fill();
    CHECK(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
    const struct rlimit little = {(rlim_t)written + 1000, before.rlim_max};
    CHECK(setrlimit(RLIMIT_FSIZE, &little) == 0);
    ml_writer_turn(now_ns() + 2 * (int64_t)LONG_AFTER_NS);
    CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
    CHECK(ml_writer_failure() == EFBIG);
    CHECK(inode_of(earlier) == first && inode_of(trace) == second && !is_there(next));
    CHECK(is_finished(earlier) && size_of(trace) >= written);
    CHECK(size_of(trace) < written + 1000); /* no half block */
    CHECK(is_told("a.mlyze: File too large"));
    CHECK(stop() != 0);
    CHECK(unlink(trace) == 0 && unlink(earlier) == 0);
}

int main(void)
{
    char directory[] = "/tmp/memlyze-test-XXXXXX";
    CHECK(mkdtemp(directory));
    snprintf(trace, sizeof trace, "%s/a.mlyze", directory);
    ml_part_earlier_path(earlier, trace);
    ml_part_next_path(next, trace);
    test_next_part_waits_until_the_ending_was_not_the_last();
    test_what_somebody_has_put_there_is_left(earlier);
    test_what_somebody_has_put_there_is_left(next);
    test_what_somebody_has_put_there_is_left(trace);
    test_no_memory_for_the_next_part();
    test_no_room_for_the_present_part();
    CHECK(rmdir(directory) == 0);
    return 0;
}

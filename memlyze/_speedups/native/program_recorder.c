/* Records a program of any language, from its start to its end: what it has from malloc and maps,
 * without stacks.
 *
 * A library of its own, which the preload shim loads when the environment asks for it:
 *
 *     MEMLYZE_PROGRAM_OUTPUT    the trace to write; {pid} in it becomes the number of the process
 *     MEMLYZE_SAMPLE_RATE, MEMLYZE_SAMPLE_INTERVAL    as anywhere: memlyze/options.py
 *
 * A program that this one starts is not recorded. */
#include "native_hooks.h"

#include "../core/malloc_figures.h"
#include "allocation_functions.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADAPTIVE "adaptive"
#define DEFAULT_SAMPLE_INTERVAL (64 * 1024)
#define DEFAULT_STACK_DEPTH 16
#define DEFAULT_MEMORY_INTERVAL_MS 10

static void say(const char *what, const char *detail)
{
    fprintf(stderr, "memlyze: the program is not recorded: %s%s\n", what, detail);
}

/* False: it is not a number of this range. */
static bool read_number(const char *variable, double lowest, double highest, double *number)
{
    const char *text = getenv(variable);
    char *end;
    if (!text || !*text)
        return true;
    *number = strtod(text, &end);
    return *end == 0 && *number >= lowest && *number <= highest;
}

static bool read_sampling(ml_options *options)
{
    double rate = 0, interval = DEFAULT_SAMPLE_INTERVAL;
    if (!read_number("MEMLYZE_SAMPLE_RATE", 0, 1, &rate)) {
        say("MEMLYZE_SAMPLE_RATE must be a number from 0.0 to 1.0", "");
        return false;
    }
    const char *text = getenv("MEMLYZE_SAMPLE_INTERVAL");
    const bool is_adaptive = !text || !*text || strcmp(text, ADAPTIVE) == 0;
    if (!is_adaptive && !read_number("MEMLYZE_SAMPLE_INTERVAL", 1, 0x1p40, &interval)) {
        say("MEMLYZE_SAMPLE_INTERVAL must be \"" ADAPTIVE
            "\" or a number of bytes from 1 to 1099511627776",
            "");
        return false;
    }
    options->rate = rate;
    options->interval_bytes = rate == 1 ? 0 : interval;
    options->goes_by_pace = is_adaptive && rate == 0;
    options->surcharge_bytes = rate == 1 ? 0 : (int64_t)ceil(-log1p(-rate) * interval);
    return true;
}

/* The template with the first {pid} in it filled in. */
static void fill_in(char *path, size_t bytes, const char *template)
{
    const char *mark = strstr(template, "{pid}");
    if (mark)
        snprintf(path, bytes, "%.*s%ld%s", (int)(mark - template), template, (long)getpid(),
                 mark + strlen("{pid}"));
    else
        snprintf(path, bytes, "%s", template);
}

__attribute__((constructor)) static void begin(void)
{
    static char path[4096], metadata[512], error[5000];
    const char *template = getenv(ML_PROGRAM_OUTPUT);
    if (!template || !*template)
        return;
    ml_options options = {
        .output_file = path,
        .header_metadata_json = metadata,
        .max_stack_depth = DEFAULT_STACK_DEPTH,
        .memory_interval_ms = DEFAULT_MEMORY_INTERVAL_MS,
    };
    fill_in(path, sizeof path, template);
    unsetenv(ML_PROGRAM_OUTPUT);
    if (!read_sampling(&options))
        return;
    char interval[40] = "\"" ADAPTIVE "\"";
    if (!options.goes_by_pace)
        snprintf(interval, sizeof interval, "%.17g", options.interval_bytes);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(metadata, sizeof metadata,
             "{\"format_version\":1,\"process_id\":%ld,\"parent_process_id\":%ld,"
             "\"start_time_unix_ns\":%lld,\"sample_rate\":%.17g,\"sample_interval\":%s,"
             "\"native\":true}",
             (long)getpid(), (long)getppid(), (long long)now.tv_sec * 1000000000 + now.tv_nsec,
             options.rate, interval);
    ml_malloc_figures_find();
    if (ml_recorder_start(&options, error, sizeof error) != 0) {
        say(error, "");
        return;
    }
    const char *why_not = ml_native_install(NULL);
    if (why_not)
        say(why_not, "");
}

__attribute__((destructor)) static void end(void)
{
    char error[5000];
    if (atomic_load(&ml_session))
        ml_recorder_stop("exit", error, sizeof error);
    ml_native_settle();
}

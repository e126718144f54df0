#include "next_part.h"

#include "present_trace.h"
#include "sampling_rows.h"
#include "trace_metadata.h"
#include "trace_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct {
    uint64_t max_bytes;    /* of the parts together; 0: no bound */
    uint64_t room_bytes;   /* for them: less than that where the disk is full */
    uint64_t due_bytes;    /* of the present part */
    int64_t from_ns;       /* not before */
    uint32_t number;       /* of the present part */
    ml_descriptor earlier; /* closed: which file it is */
    uint64_t earlier_bytes;
    uint64_t dropped_early;
    char failed_path[ML_PART_PATH_BYTES]; /* or "" */
    ml_buffer header_json;
} parts;

/* A part is full at half of the bound, and what is carried into it takes a quarter at most. Where
 * stacks and functions alone take more than that, the part is let grow, so that there is more in it
 * than what was in the one before. */
static void expect_next(void)
{
    const uint64_t half = parts.max_bytes / 2;
    const uint64_t grown = ml_trace.file.offset + parts.max_bytes / 8;
    parts.room_bytes = parts.max_bytes;
    parts.due_bytes = half > grown ? half : grown;
}

/* The disk is full. What both parts take is all the room that there is: as if it were the bound,
 * until the next part begins. */
static bool make_room(void)
{
    if (!ml_parts_drop_earlier(ml_trace.file.path, &parts.earlier))
        return false;
    const uint64_t both = ml_trace.file.offset + parts.earlier_bytes;
    if (parts.room_bytes > both)
        parts.room_bytes = both;
    if (parts.due_bytes > parts.room_bytes / 2)
        parts.due_bytes = parts.room_bytes / 2;
    parts.dropped_early++;
    return true;
}

bool ml_first_part_begin(const ml_options *options)
{
    const char *json = options->header_metadata_json;
    ml_sampling_rows_init(options->rate);
    parts.max_bytes = options->max_trace_bytes;
    parts.number = 1;
    parts.from_ns = 0;
    parts.earlier = ml_no_descriptor;
    parts.earlier_bytes = parts.dropped_early = 0;
    parts.failed_path[0] = 0;
    ml_trace.file.make_room = make_room;
    if (!ml_buffer_append(&parts.header_json, json, strlen(json) + 1) ||
        !ml_sampling_rows_write(&ml_trace.file))
        return false;
    expect_next();
    return true;
}

void ml_next_part_free(void)
{
    ml_sampling_rows_free();
    ml_buffer_free(&parts.header_json);
}

bool ml_next_part_is_due(int64_t now_ns)
{
    return parts.max_bytes && ml_trace.file.offset >= parts.due_bytes && now_ns >= parts.from_ns;
}

void ml_next_part_put_off(int64_t from_ns)
{
    parts.from_ns = from_ns;
}

static int write_header(ml_trace_file *file, const char *path, int64_t now_ns)
{
    char more[200];
    ml_buffer json = {0};
    int length =
        snprintf(more, sizeof more,
                 "{\"part\": %" PRIu32 ", \"part_start_ns\": %" PRIi64
                 ", \"events_before_part\": %" PRIu64 ", ",
                 parts.number + 1, now_ns, ml_trace.encoder.allocations + ml_trace.encoder.frees);
    int error = ENOMEM;
    /* From behind the brace that it begins with, with the zero that it ends with. */
    if (ml_buffer_append(&json, more, (size_t)length) &&
        ml_buffer_append(&json, parts.header_json.data + 1, parts.header_json.size - 1))
        error = ml_trace_file_create(file, path, false, (const char *)json.data);
    ml_buffer_free(&json);
    return error;
}

/* What was read in earlier parts. */
static void write_kept_sources(ml_trace_file *next)
{
    size_t at = 0;
    while (ml_source_files_put_kept(&ml_trace.source_files, &at, &ml_trace.sources))
        if (ml_columns_bytes(&ml_trace.sources) > ML_SOURCE_FILE_MAX_BYTES)
            ml_trace_file_write(next, &ml_trace.sources);
    ml_trace_file_write(next, &ml_trace.sources);
}

static int make(ml_trace_file *next, const char *next_path, int64_t now_ns)
{
    ml_carried *carried = &ml_trace.encoder.carried;
    int error = write_header(next, next_path, now_ns);
    if (error)
        return error;
    const bool is_all =
        ml_sampling_rows_write_all(next) &&
        ml_carried_write(carried, &ml_trace.encoder.mappings, now_ns, next, parts.room_bytes / 4);
    if (!is_all && !next->failed) {
        next->failed = true;
        next->error = ENOMEM;
    }
    write_kept_sources(next);
    ml_metadata_put_kept();
    ml_metadata_put_number("blocks_not_carried", carried->blocks_left);
    ml_metadata_put_number("bytes_not_carried", carried->bytes_left);
    ml_trace_file_write(next, ml_metadata_rows());
    return next->failed ? next->error : 0;
}

/* It may have failed before there was a file, or at one that is somebody else's. */
static void discard(ml_trace_file *next, const char *next_path)
{
    ml_trace_file_close(next);
    if (ml_descriptor_is_at(&next->descriptor, next_path))
        unlink(next_path);
}

int ml_next_part_begin(int64_t now_ns)
{
    ml_trace_file *present = &ml_trace.file, next = {.descriptor = ml_no_descriptor};
    char next_path[ML_PART_PATH_BYTES];
    ml_part_next_path(next_path, present->path);
    int error = make(&next, next_path, now_ns);
    if (ml_is_disk_full(error) && make_room()) {
        discard(&next, next_path);
        error = make(&next, next_path, now_ns);
    }
    if (error)
        strcpy(parts.failed_path, next_path);
    else
        error = ml_parts_move_on(present->path, &present->descriptor, &parts.earlier, next_path,
                                 parts.failed_path);
    if (error) {
        discard(&next, next_path);
        return error;
    }
    parts.failed_path[0] = 0;
    parts.earlier_bytes = present->offset;
    strcpy(next.path, present->path);
    ml_trace_file_close(present);
    *present = next;
    present->make_room = make_room;
    parts.number++;
    expect_next();
    return 0;
}

uint64_t ml_parts_dropped_early(void)
{
    return parts.dropped_early;
}

const char *ml_next_part_failed_path(void)
{
    return parts.failed_path[0] ? parts.failed_path : NULL;
}

void ml_next_part_after_fork(bool is_whole)
{
    if (!is_whole)
        memset(&parts.header_json, 0, sizeof parts.header_json);
}

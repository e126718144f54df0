/* The trace file: header, blocks, index, trailer (docs/format-spec.md). Used by the helper thread
 * alone. */
#ifndef MEMLYZE_TRACE_FILE_H
#define MEMLYZE_TRACE_FILE_H

#include "columns.h"
#include "descriptor.h"

#define ML_FORMAT_VERSION 1
#define ML_BLOCK_HEADER_BYTES 48
#define ML_INDEX_EVERY 4096

typedef struct {
    ml_descriptor descriptor;
    char path[4096];
    uint64_t offset; /* end of the last whole block */
    uint32_t sequence;
    bool has_ending; /* index and trailer follow `offset`, for the time being */
    bool failed;
    bool has_no_name;        /* when it was finished: somebody has deleted it */
    int error;               /* errno of what failed */
    bool (*make_room)(void); /* NULL, or what may help where the disk is full: true if it has */
    ml_columns index;
    ml_buffer raw, stored;
    void *compressor;
} ml_trace_file;

/* Creates the file and writes its header. 0, or errno. */
int ml_trace_file_create(ml_trace_file *file, const char *path, bool overwrite,
                         const char *metadata_json);
/* Writes the rows as one block and clears them; nothing when there are none. After a failure the
 * file is cut back to its last whole block and nothing more is written. */
void ml_trace_file_write(ml_trace_file *file, ml_columns *rows);
/* Writes these rows, the index and the trailer: the file is complete. When something is written
 * after all, that takes their place. */
void ml_trace_file_write_ending(ml_trace_file *file, ml_columns *rows);
/* Whether this errno says that the disk, or what one may have of it, is full. */
bool ml_is_disk_full(int error);
void ml_trace_file_close(ml_trace_file *file);

#endif

/* The source files of the functions that stacks go through: a digest of each, by which a reader
 * tells whether the file that it finds is still the one that ran; and its text, where that is asked
 * for. Read soon after a function of the file was met, as it may be changed any time. Used by the
 * helper thread alone.
 *
 * Left out are files of the standard library, which comes with each Python, and those that are
 * refused: each of those with the reason. All is bounded. */
#ifndef MEMLYZE_SOURCE_FILES_H
#define MEMLYZE_SOURCE_FILES_H

#include "columns.h"

#define ML_SOURCE_FILES_MAX 16384
#define ML_SOURCE_FILE_MAX_BYTES ((size_t)4 << 20)
#define ML_SOURCE_TEXTS_MAX_BYTES ((size_t)64 << 20) /* of all files together */

typedef struct {
    ml_buffer waiting; /* names: u32 length + bytes */
    size_t next;       /* where in it the next name stands */
    uint64_t *seen;    /* hashes of names; 0: empty; open addressing */
    uint32_t seen_count;
    ml_buffer text; /* of the file that is being read */
    size_t text_bytes, texts_max_bytes;
    bool keeps;     /* for the next part of a bounded trace */
    ml_buffer kept; /* rows */
    uint64_t stored, left_out;
    bool with_text;
    char directory[4096]; /* that relative names are meant in; empty: unknown */
} ml_source_files;

#define ML_SOURCE_ENCODINGS "tsuutt"

/* `trace_max_bytes` is what the trace is bounded to, 0: not at all. */
void ml_source_files_init(ml_source_files *files, const char *directory, bool with_text,
                          uint64_t trace_max_bytes);
void ml_source_files_free(ml_source_files *files);
/* A function of this file was met; its name as in the trace's `codes`. */
void ml_source_files_note(ml_source_files *files, const uint8_t *name, size_t bytes);
/* Reads the next file that waits, and puts a row. False: none waits, or there is no memory. */
bool ml_source_files_read(ml_source_files *files, ml_columns *rows);

/* Puts the row, of those read so far, that begins at `*at` (0: the first), for the next part of a
 * bounded trace. False: it was the last, or there is no memory. */
bool ml_source_files_put_kept(const ml_source_files *files, size_t *at, ml_columns *rows);

/* Whether a file of this name is read. */
bool ml_is_source_file(const char *name, size_t bytes);

#endif

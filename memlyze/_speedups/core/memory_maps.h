/* The mappings of this process as the kernel lists them in /proc/self/smaps. */
#ifndef MEMLYZE_MEMORY_MAPS_H
#define MEMLYZE_MEMORY_MAPS_H

#include "platform.h"

#define ML_MAPPED_PATH_BYTES 1024

typedef struct {
    uintptr_t start, end;
    int64_t resident_bytes;
    int64_t anonymous_bytes; /* resident, and no file's: of a file mapping, the private copies */
    bool is_accessible, is_executable, has_file;
    bool is_recorders; /* made by ml_map */
    size_t path_bytes;
    char path[ML_MAPPED_PATH_BYTES]; /* or a name such as [heap]; cut off where it is longer */
} ml_mapping;

typedef void ml_each_mapping(void *context, const ml_mapping *mapping);

/* Takes the text piece by piece, wherever it is cut. */
typedef struct {
    ml_each_mapping *each;
    void *context;
    ml_mapping mapping; /* in the making: its lines come one after the other */
    bool has_mapping;
    size_t line_bytes;
    char line[ML_MAPPED_PATH_BYTES + 128];
} ml_maps_parser;

void ml_maps_begin(ml_maps_parser *parser, ml_each_mapping *each, void *context);
void ml_maps_take(ml_maps_parser *parser, const char *text, size_t bytes);
/* The text is at its end: the last mapping is whole. */
void ml_maps_end(ml_maps_parser *parser);

#endif

/* What the resident memory consists of, at one moment: the rows of a `resident` block. */
#ifndef MEMLYZE_RESIDENT_MEMORY_H
#define MEMLYZE_RESIDENT_MEMORY_H

#include "columns.h"
#include "descriptor.h"

/* As the format numbers them (docs/format-spec.md). */
enum {
    ML_RESIDENT_UNEXPLAINED,
    ML_RESIDENT_PYTHON_OBJECTS,
    ML_RESIDENT_PYMALLOC_FREE,
    ML_RESIDENT_MALLOC_LIVE,
    ML_RESIDENT_MALLOC_FREE,
    ML_RESIDENT_THREAD_STACKS,
    ML_RESIDENT_CODE,
    ML_RESIDENT_LIBRARY_DATA,
    ML_RESIDENT_MAPPED_FILES,
    ML_RESIDENT_SHARED_MEMORY,
    ML_RESIDENT_NO_ACCESS,
    ML_RESIDENT_TRACER,
    ML_RESIDENT_PYTHON_FRAMES,
    ML_RESIDENT_CATEGORIES
};

typedef struct {
    ml_descriptor maps, memory; /* open while there is a helper thread */
    /* Called again and again while a snapshot is taken. False: give it up. */
    bool (*go_on)(void);
} ml_resident_source;

/* In the thread that will take the snapshots, when its descriptor table is known. */
void ml_resident_open(ml_resident_source *source);
void ml_resident_close(ml_resident_source *source);
/* Adds the rows of this moment. Their resident bytes add up to those of the process, which are
 * `about_bytes` or so. False: given up, the system does not say, or no memory; then there are no
 * rows of it. */
bool ml_resident_snapshot(ml_resident_source *source, ml_columns *rows, int64_t about_bytes,
                          int64_t now_ns);

#define ML_RESIDENT_ENCODINGS "dbtuuu"

#endif

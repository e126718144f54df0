/* Whose an anonymous mapping is. The kernel knows nothing but its addresses, and merges neighbours
 * into one; so this looks at what lies there: a runtime's pools, the heaps and large blocks of
 * glibc's malloc and the stacks of threads each have a head that no other memory has.
 *
 * Memory is read through the kernel, which refuses what the program has unmapped in the meantime,
 * and only where a page is resident already. */
#ifndef MEMLYZE_ANONYMOUS_MEMORY_H
#define MEMLYZE_ANONYMOUS_MEMORY_H

#include "memory_maps.h"

/* How the language's runtime lays out its own memory; pool_bytes 0: unknown. */
typedef struct {
    size_t pool_bytes; /* of small objects; and their alignment: a power of two, of whole pages */
    size_t head_bytes;
    int64_t (*live_bytes)(const void *head);       /* in use in the pool; -1: it is none */
    size_t (*frame_chunk_bytes)(const void *head); /* of memory for frames; 0: it is none */
} ml_runtime_layout;

extern ML_INTERNAL ml_runtime_layout ml_runtime;

#define ML_HEAD_BYTES 64 /* read at once; no head_bytes is greater */

enum {
    ML_OWNER_NOBODY,
    ML_OWNER_POOLS,  /* the runtime's */
    ML_OWNER_FRAMES, /* of running functions, the runtime's */
    ML_OWNER_HEAP,   /* malloc's, with blocks in use and free ones */
    ML_OWNER_BLOCK,  /* of malloc's, in use, with a mapping of its own */
    ML_OWNER_STACK,  /* of a thread */
    ML_OWNER_IMAGE,  /* of an executable or library: variables that begin as zeros */
    ML_OWNERS
};

typedef struct {
    int64_t reserved_bytes, resident_bytes;
    int64_t
        live_bytes; /* of pools: of their blocks; of heaps: those that malloc counts as theirs */
} ml_share;

/* Reads through /proc/self/mem. False: that memory is gone, or may not be read. */
bool ml_memory_read(int memory, uintptr_t address, void *to, size_t bytes);

typedef struct {
    int memory;            /* descriptor of /proc/self/mem; -1: everything is nobody's */
    bool has_glibc_malloc; /* its heaps and blocks are looked for */
    uint32_t
        pools_per_look;  /* where there are very many, each one looked at stands for this many */
    uint32_t looks_left; /* at pages that turn out to be nobody's, one by one */
    size_t stack_bytes;  /* of a thread, unless it asked for another size */
    size_t thread_block_offset; /* of the C library's thread block, from the end of the stack */
    uintptr_t pool_ahead;       /* has been looked at already */
    int64_t pool_ahead_live_bytes;
    /* What the program has advised the kernel of splits a mapping: this owner's goes on. */
    int going_on;
    uintptr_t going_on_until, divided_until;
    uintptr_t slice_start, slice_end;
    unsigned char slice[4096]; /* which of its pages are resident */
} ml_anonymous_scan;

/* For a scan that will meet this much anonymous memory. In the thread that scans. */
void ml_anonymous_begin(ml_anonymous_scan *scan, int memory, bool has_glibc_malloc,
                        int64_t expected_bytes);
/* Divides a mapping among its owners. `image_bytes` at its start belong to the file that is mapped
 * right below it. `is_above_guard`: right below it lies one without access. */
void ml_anonymous_divide(ml_anonymous_scan *scan, const ml_mapping *mapping, size_t image_bytes,
                         bool is_above_guard, ml_share shares[ML_OWNERS]);

#endif

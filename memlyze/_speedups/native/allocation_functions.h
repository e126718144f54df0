/* The functions of the C library through which a program has memory and gives it back: the names,
 * and a table with one pointer for each.
 *
 * There are two kinds of such tables: `ml_real`, which leads to the functions that the program
 * would have called without a recorder, and the tables of hooks. Both are of this type, so that one
 * can stand in for the other. */
#ifndef MEMLYZE_ALLOCATION_FUNCTIONS_H
#define MEMLYZE_ALLOCATION_FUNCTIONS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/types.h>
/* A macro of musl's: here it is a name of its own. */
#undef mmap64

/* X(name, result, parameters) for each. malloc_usable_size, brk and sbrk are not among them: they
 * neither give nor take a block. */
#define ML_ALLOCATION_FUNCTIONS(X)                                                                 \
    X(malloc, void *, (size_t size))                                                               \
    X(calloc, void *, (size_t count, size_t size))                                                 \
    X(realloc, void *, (void *block, size_t size))                                                 \
    X(reallocarray, void *, (void *block, size_t count, size_t size))                              \
    X(free, void, (void *block))                                                                   \
    X(free_sized, void, (void *block, size_t size))                                                \
    X(free_aligned_sized, void, (void *block, size_t alignment, size_t size))                      \
    X(posix_memalign, int, (void **block, size_t alignment, size_t size))                          \
    X(aligned_alloc, void *, (size_t alignment, size_t size))                                      \
    X(memalign, void *, (size_t alignment, size_t size))                                           \
    X(valloc, void *, (size_t size))                                                               \
    X(pvalloc, void *, (size_t size))                                                              \
    X(mmap, void *,                                                                                \
      (void *address, size_t size, int protection, int flags, int descriptor, off_t offset))       \
    X(mmap64, void *,                                                                              \
      (void *address, size_t size, int protection, int flags, int descriptor, off_t offset))       \
    X(munmap, int, (void *address, size_t size))                                                   \
    X(mremap, void *, (void *address, size_t old_size, size_t size, int flags, ...))               \
    X(mprotect, int, (void *address, size_t size, int protection))

typedef struct {
#define ML_POINTER(name, result, parameters) result(*name) parameters;
    ML_ALLOCATION_FUNCTIONS(ML_POINTER)
#undef ML_POINTER
} ml_allocation_functions;

/* What a preload shim (preload.c) shows to a recorder in the same process, under the name
 * ML_PRELOAD_SYMBOL. */
#define ML_PRELOAD_SYMBOL "memlyze_preload_v1"
typedef struct {
    uint32_t bytes; /* of this structure: another version's is not used */
    /* The functions behind the shim. */
    const ml_allocation_functions *real;
    /* Where every call goes now: to `real`, or to a recorder's hooks. Each pointer may be replaced
     * at any time, by one whose function stays. */
    ml_allocation_functions *present;
} ml_preload;

/* The recorder for programs of any language (program_recorder.c): where it is, beside the shim, and
 * the variable of the environment that asks for it, by naming the trace that it is to write. */
#define ML_PROGRAM_RECORDER "_program_recorder.so"
#define ML_PROGRAM_OUTPUT "MEMLYZE_PROGRAM_OUTPUT"

#endif

/* The preload shim: a switchboard that stands in front of the C library's allocation functions.
 *
 * A library of its own, which the dynamic loader puts before all others (LD_PRELOAD), so that it
 * sees the program from its first instruction on, every library of it, and what they look up by
 * name. It records nothing and depends on nothing but the C library: each call goes on through a
 * table of pointers, which at first lead to the real functions. A recorder that comes into the
 * process later (an extension module of CPython's; or program_recorder.c, which records programs of
 * any language) finds the table by its name and puts its hooks there. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#undef _FILE_OFFSET_BITS /* mmap and mmap64 are two names here */

#include "allocation_functions.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))
#define LIKELY(x) __builtin_expect(!!(x), 1)

static ml_allocation_functions real;

/* ---- before the real functions are known
 * ------------------------------------------------------------- */

/* dlsym itself may allocate: such blocks come from here and are never given back. */
#define EARLY_BYTES ((size_t)16 * 1024)
static _Alignas(64) unsigned char early[EARLY_BYTES];
static size_t early_used;

static inline bool is_early(const void *block)
{
    return (uintptr_t)block - (uintptr_t)early < EARLY_BYTES;
}

static void *early_allocate(size_t alignment, size_t size)
{
    /* Its size stands before each block, for realloc. */
    size_t start = (early_used + sizeof(size_t) + alignment - 1) & ~(alignment - 1);
    if (size > EARLY_BYTES || start > EARLY_BYTES - size) {
        errno = ENOMEM;
        return NULL;
    }
    memcpy(early + start - sizeof size, &size, sizeof size);
    early_used = start + size;
    return early + start;
}

/* Fills `real`; false: it is being filled, further out in this call. Nobody else is here: the
 * constructor below runs before the program can start a thread. */
static bool find_real_functions(void);

static void *first_malloc(size_t size)
{
    return find_real_functions() ? real.malloc(size) : early_allocate(16, size);
}

static void *first_calloc(size_t count, size_t size)
{
    size_t bytes;
    if (find_real_functions())
        return real.calloc(count, size);
    return __builtin_mul_overflow(count, size, &bytes) ? NULL : early_allocate(16, bytes);
}

static void *first_realloc(void *block, size_t size)
{
    if (find_real_functions())
        return real.realloc(block, size);
    void *moved = early_allocate(16, size);
    if (moved && is_early(block)) {
        size_t old;
        memcpy(&old, (unsigned char *)block - sizeof old, sizeof old);
        memcpy(moved, block, old < size ? old : size);
    }
    return moved;
}

static void *first_reallocarray(void *block, size_t count, size_t size)
{
    size_t bytes;
    return __builtin_mul_overflow(count, size, &bytes) ? NULL : first_realloc(block, bytes);
}

static void first_free(void *block)
{
    if (find_real_functions())
        real.free(block);
}

static void first_free_sized(void *block, size_t size)
{
    (void)size;
    first_free(block);
}

static void first_free_aligned_sized(void *block, size_t alignment, size_t size)
{
    (void)alignment;
    first_free_sized(block, size);
}

static int first_posix_memalign(void **block, size_t alignment, size_t size)
{
    if (find_real_functions())
        return real.posix_memalign(block, alignment, size);
    *block = early_allocate(alignment, size);
    return *block ? 0 : ENOMEM;
}

static void *first_aligned_alloc(size_t alignment, size_t size)
{
    return find_real_functions() ? real.aligned_alloc(alignment, size)
                                 : early_allocate(alignment, size);
}

static void *first_memalign(size_t alignment, size_t size)
{
    return find_real_functions() ? real.memalign(alignment, size) : early_allocate(alignment, size);
}

static void *first_valloc(size_t size)
{
    return find_real_functions() ? real.valloc(size) : early_allocate(4096, size);
}

static void *first_pvalloc(size_t size)
{
    return find_real_functions() ? real.pvalloc(size) : early_allocate(4096, size);
}

/* Nothing that finding the functions calls maps memory through a name that can be interposed. */
static void *first_mmap(void *address, size_t size, int protection, int flags, int descriptor,
                        off_t offset)
{
    if (find_real_functions())
        return real.mmap(address, size, protection, flags, descriptor, offset);
    errno = ENOMEM;
    return MAP_FAILED;
}

static int first_munmap(void *address, size_t size)
{
    return find_real_functions() ? real.munmap(address, size) : 0;
}

static void *first_mremap(void *address, size_t old_size, size_t size, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    void *wanted = flags & MREMAP_FIXED ? va_arg(more, void *) : NULL;
    va_end(more);
    if (find_real_functions())
        return real.mremap(address, old_size, size, flags, wanted);
    errno = ENOMEM;
    return MAP_FAILED;
}

static int first_mprotect(void *address, size_t size, int protection)
{
    return find_real_functions() ? real.mprotect(address, size, protection) : 0;
}

#define first_mmap64 first_mmap

static ml_allocation_functions present = {
#define FIRST(name, result, parameters) .name = first_##name,
    ML_ALLOCATION_FUNCTIONS(FIRST)
#undef FIRST
};

/* ---- the real functions
 * ---------------------------------------------------------------------------- */

/* C23's, where the C library has none. */
static void plain_free_sized(void *block, size_t size)
{
    (void)size;
    real.free(block);
}

static void plain_free_aligned_sized(void *block, size_t alignment, size_t size)
{
    (void)alignment;
    (void)size;
    real.free(block);
}

static void *plain_reallocarray(void *block, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return real.realloc(block, bytes);
}

static void *no_pvalloc(size_t size)
{
    (void)size;
    errno = ENOMEM;
    return NULL;
}

/* All at once: a look-up in the middle of the program could meet a lock of another allocator's, or
 * of the loader's. */
static bool find_real_functions(void)
{
    static bool finding, found;
    if (found)
        return true;
    if (finding)
        return false;
    finding = true;
    ml_allocation_functions functions;
#define FIND(name, result, parameters)                                                             \
    *(void **)&functions.name = dlsym(RTLD_NEXT, #name);                                           \
    if (functions.name)                                                                            \
        real.name = functions.name;
    ML_ALLOCATION_FUNCTIONS(FIND)
#undef FIND
    if (!real.free_sized)
        real.free_sized = plain_free_sized;
    if (!real.free_aligned_sized)
        real.free_aligned_sized = plain_free_aligned_sized;
    if (!real.reallocarray)
        real.reallocarray = plain_reallocarray;
    if (!real.mmap64)
        real.mmap64 = real.mmap;
    if (!real.memalign)
        real.memalign = real.aligned_alloc;
    if (!real.valloc)
        real.valloc = no_pvalloc;
    if (!real.pvalloc)
        real.pvalloc = no_pvalloc;
    present = real;
    found = true;
    return true;
}

/* A recorder for programs of any language lies beside the shim, and is loaded when it is asked for.
 */
static void load_program_recorder(void)
{
    char path[4096];
    Dl_info here;
    if (!getenv(ML_PROGRAM_OUTPUT) || !dladdr((void *)(uintptr_t)load_program_recorder, &here) ||
        !here.dli_fname)
        return;
    const char *slash = strrchr(here.dli_fname, '/');
    const size_t folder = slash ? (size_t)(slash + 1 - here.dli_fname) : 0;
    if (folder + sizeof ML_PROGRAM_RECORDER > sizeof path)
        return;
    memcpy(path, here.dli_fname, folder);
    memcpy(path + folder, ML_PROGRAM_RECORDER, sizeof ML_PROGRAM_RECORDER);
    if (!dlopen(path, RTLD_NOW | RTLD_LOCAL))
        dprintf(STDERR_FILENO, "memlyze: the program is not recorded: %s\n", dlerror());
}

__attribute__((constructor)) static void begin(void)
{
    const int error = errno;
    find_real_functions();
    load_program_recorder();
    errno = error;
}

/* ---- what the program calls
 * ------------------------------------------------------------------------ */

#define PRESENT(name) __atomic_load_n(&present.name, __ATOMIC_RELAXED)

EXPORTED void *malloc(size_t size)
{
    return PRESENT(malloc)(size);
}

EXPORTED void *calloc(size_t count, size_t size)
{
    return PRESENT(calloc)(count, size);
}

EXPORTED void free(void *block)
{
    if (LIKELY(!is_early(block)))
        PRESENT(free)(block);
}

/* Of an early block: it stays where it is, its content moves. */
static void *realloc_early(void *block, size_t size)
{
    size_t old;
    memcpy(&old, (unsigned char *)block - sizeof old, sizeof old);
    void *moved = malloc(size);
    if (moved)
        memcpy(moved, block, old < size ? old : size);
    return moved;
}

EXPORTED void *realloc(void *block, size_t size)
{
    return LIKELY(!is_early(block)) ? PRESENT(realloc)(block, size) : realloc_early(block, size);
}

EXPORTED void *reallocarray(void *block, size_t count, size_t size)
{
    size_t bytes;
    if (LIKELY(!is_early(block)))
        return PRESENT(reallocarray)(block, count, size);
    return __builtin_mul_overflow(count, size, &bytes) ? NULL : realloc_early(block, bytes);
}

EXPORTED void free_sized(void *block, size_t size)
{
    if (LIKELY(!is_early(block)))
        PRESENT(free_sized)(block, size);
}

EXPORTED void free_aligned_sized(void *block, size_t alignment, size_t size)
{
    if (LIKELY(!is_early(block)))
        PRESENT(free_aligned_sized)(block, alignment, size);
}

EXPORTED int posix_memalign(void **block, size_t alignment, size_t size)
{
    return PRESENT(posix_memalign)(block, alignment, size);
}

EXPORTED void *aligned_alloc(size_t alignment, size_t size)
{
    return PRESENT(aligned_alloc)(alignment, size);
}

EXPORTED void *memalign(size_t alignment, size_t size)
{
    return PRESENT(memalign)(alignment, size);
}

EXPORTED void *valloc(size_t size)
{
    return PRESENT(valloc)(size);
}

EXPORTED void *pvalloc(size_t size)
{
    return PRESENT(pvalloc)(size);
}

EXPORTED void *mmap(void *address, size_t size, int protection, int flags, int descriptor,
                    off_t offset)
{
    return PRESENT(mmap)(address, size, protection, flags, descriptor, offset);
}

EXPORTED void *mmap64(void *address, size_t size, int protection, int flags, int descriptor,
                      off_t offset)
{
    return PRESENT(mmap64)(address, size, protection, flags, descriptor, offset);
}

EXPORTED int munmap(void *address, size_t size)
{
    return PRESENT(munmap)(address, size);
}

EXPORTED void *mremap(void *address, size_t old_size, size_t size, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    void *wanted = flags & MREMAP_FIXED ? va_arg(more, void *) : NULL;
    va_end(more);
    return PRESENT(mremap)(address, old_size, size, flags, wanted);
}

EXPORTED int mprotect(void *address, size_t size, int protection)
{
    return PRESENT(mprotect)(address, size, protection);
}

EXPORTED const ml_preload memlyze_preload_v1 = {sizeof(ml_preload), &real, &present};

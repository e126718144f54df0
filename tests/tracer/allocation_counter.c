/* Counts what comes from the C library's allocation functions, for test_native_libraries.py: a
 * witness that knows nothing of memlyze, preloaded behind its shim. It counts, by size, the blocks
 * that are had between start_counting and stop_counting, and how many of them were given back. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#define SLOTS ((size_t)1 << 22)

typedef struct {
    uintptr_t block;
    size_t size;
} live_block;

static live_block *blocks; /* by address; a slot that was emptied keeps its place */
static FILE *output;
static char buffer[1 << 16];
static bool is_counting;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static live_block *slot_of(uintptr_t block, bool is_new)
{
    size_t at = (size_t)((block >> 4) * 0x9E3779B97F4A7C15u >> 42);
    while (blocks[at].block && blocks[at].block != block)
        at = (at + 1) % SLOTS;
    if (!is_new)
        return blocks[at].block ? &blocks[at] : NULL;
    blocks[at].block = block;
    return &blocks[at];
}

/* The file is opened, and has its buffer, before anything is counted. */
static void tell(char what, size_t size)
{
    fprintf(output, "%c %zu\n", what, size);
}

/* The recorder's own thread compresses what it writes; it is not the program. */
static bool is_of_program(void)
{
    static __thread int answer; /* 1: yes, 2: no */
    char name[16];
    if (!answer) {
        prctl(PR_GET_NAME, name);
        answer = strcmp(name, "memlyze") == 0 ? 2 : 1;
    }
    return answer == 1;
}

static void *had(void *block, size_t size)
{
    if (block && is_counting && is_of_program()) {
        pthread_mutex_lock(&lock);
        slot_of((uintptr_t)block, true)->size = size + 1;
        tell('+', size);
        pthread_mutex_unlock(&lock);
    }
    return block;
}

static void gone(void *block)
{
    if (block && is_counting && is_of_program()) {
        pthread_mutex_lock(&lock);
        live_block *slot = slot_of((uintptr_t)block, false);
        if (slot && slot->size) {
            tell('-', slot->size - 1);
            slot->size = 0;
        }
        pthread_mutex_unlock(&lock);
    }
}

#define REAL(name, result, ...)                                                                    \
    static result (*real_##name)(__VA_ARGS__);                                                     \
    if (!real_##name)                                                                              \
    real_##name = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

void *malloc(size_t size)
{
    REAL(malloc, void *, size_t);
    return had(real_malloc(size), size);
}

/* dlsym itself may ask for a little, before there is anything to call. */
void *calloc(size_t count, size_t size)
{
    static char first[4096];
    static size_t used;
    static bool is_looking;
    static void *(*real)(size_t, size_t);
    if (!real && is_looking) {
        void *block = first + used;
        used += (count * size + 15) & ~(size_t)15;
        return used <= sizeof first ? block : NULL;
    }
    if (!real) {
        is_looking = true;
        real = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc");
        is_looking = false;
    }
    return had(real(count, size), count * size);
}

void free(void *block)
{
    REAL(free, void, void *);
    const int error = errno;
    gone(block);
    errno = error;
    real_free(block);
}

void *realloc(void *block, size_t size)
{
    REAL(realloc, void *, void *, size_t);
    gone(block); /* the programs of the test do not run out of memory */
    return had(real_realloc(block, size), size);
}

int posix_memalign(void **result, size_t alignment, size_t size)
{
    REAL(posix_memalign, int, void **, size_t, size_t);
    const int error = real_posix_memalign(result, alignment, size);
    if (!error)
        had(*result, size);
    return error;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    REAL(aligned_alloc, void *, size_t, size_t);
    return had(real_aligned_alloc(alignment, size), size);
}

void *memalign(size_t alignment, size_t size)
{
    REAL(memalign, void *, size_t, size_t);
    return had(real_memalign(alignment, size), size);
}

/* The program's own malloc and free: those of this library are called without a detour from here.
 */
static void *(*marking_malloc)(size_t);
static void (*marking_free)(void *);

void open_counter(const char *path, void *(*mallocs)(size_t), void (*frees)(void *))
{
    marking_malloc = mallocs;
    marking_free = frees;
    output = fopen(path, "w");
    setvbuf(output, buffer, _IOFBF, sizeof buffer);
    blocks = mmap(NULL, SLOTS * sizeof *blocks, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                  -1, 0);
}

/* In the recording: a block of that size, had as by any other library. */
static void leave_mark(size_t size)
{
    marking_free(marking_malloc(size));
}

void start_counting(size_t mark)
{
    leave_mark(mark);
    is_counting = true;
}

void stop_counting(size_t mark)
{
    is_counting = false;
    leave_mark(mark);
    fclose(output);
}

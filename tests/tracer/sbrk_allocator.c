/* An allocator that is preloaded in place of the C library's, and has its memory by moving the
 * program break, as tcmalloc does; for test_resident_memory.py. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define CHUNK_BYTES ((size_t)1 << 20)
#define ALIGNMENT 16
#define CLASSES 48

/* Right before each block. */
typedef struct {
    size_t bytes; /* that the block has room for: a power of two */
    size_t kind;  /* the power; 0: it is aligned to more, and not used again */
} head;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *next, *chunk_end;
static void *given_back[CLASSES]; /* each points to the next */

int moves_the_program_break(void)
{
    return 1;
}

/* NULL: there is no memory. */
static void *carve(size_t bytes, size_t alignment, size_t kind)
{
    for (;;) {
        const uintptr_t start = ((uintptr_t)next + sizeof(head) + alignment - 1) & -alignment;
        if (next && start + bytes <= (uintptr_t)chunk_end) {
            next = (char *)start + bytes;
            ((head *)start)[-1] = (head){bytes, kind};
            return (void *)start;
        }
        const size_t wanted = bytes + alignment + sizeof(head) + CHUNK_BYTES;
        char *chunk = sbrk((intptr_t)wanted);
        if (chunk == (void *)-1)
            return NULL;
        if (chunk != chunk_end)
            next = chunk;
        chunk_end = chunk + wanted;
    }
}

void *malloc(size_t bytes)
{
    size_t kind = 5;
    while (kind < CLASSES - 1 && ((size_t)1 << kind) < bytes)
        kind++;
    if (((size_t)1 << kind) < bytes) {
        errno = ENOMEM;
        return NULL;
    }
    pthread_mutex_lock(&lock);
    void *block = given_back[kind];
    if (block)
        given_back[kind] = *(void **)block;
    else
        block = carve((size_t)1 << kind, ALIGNMENT, kind);
    pthread_mutex_unlock(&lock);
    if (!block)
        errno = ENOMEM;
    return block;
}

void free(void *block)
{
    if (!block || !((head *)block)[-1].kind)
        return;
    const size_t kind = ((head *)block)[-1].kind;
    pthread_mutex_lock(&lock);
    *(void **)block = given_back[kind];
    given_back[kind] = block;
    pthread_mutex_unlock(&lock);
}

void *calloc(size_t count, size_t size)
{
    size_t bytes;
    void *block = __builtin_mul_overflow(count, size, &bytes) ? NULL : malloc(bytes);
    if (block)
        memset(block, 0, bytes);
    return block;
}

void *realloc(void *block, size_t bytes)
{
    const size_t before = block ? ((head *)block)[-1].bytes : 0;
    if (block && bytes <= before)
        return block;
    void *moved = malloc(bytes);
    if (moved && block) {
        memcpy(moved, block, before);
        free(block);
    }
    return moved;
}

void *memalign(size_t alignment, size_t bytes)
{
    if (alignment <= ALIGNMENT)
        return malloc(bytes);
    pthread_mutex_lock(&lock);
    void *block = carve(bytes, alignment, 0);
    pthread_mutex_unlock(&lock);
    return block;
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    return memalign(alignment, bytes);
}

int posix_memalign(void **block, size_t alignment, size_t bytes)
{
    *block = memalign(alignment, bytes);
    return *block ? 0 : ENOMEM;
}

size_t malloc_usable_size(void *block)
{
    return block ? ((head *)block)[-1].bytes : 0;
}

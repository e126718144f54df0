/* What libraries do with the C library's allocation functions, for test_native_memory.py and
 * test_mappings.py: each function by its name, as any library calls it. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* A compiler may leave out a block that nobody looks at. */
static void *volatile sink;

static void *keep(void *block)
{
    sink = block;
    return block;
}

void *have(size_t size)
{
    return keep(malloc(size));
}

void give_back(void *block)
{
    free(block);
}

/* One block from each function, of size, size + 1, …; those of odd sizes are given back. */
int have_one_of_each(size_t size)
{
    void *blocks[9];
    blocks[0] = keep(malloc(size));
    blocks[1] = keep(calloc(1, size + 1));
    blocks[2] = keep(realloc(NULL, size + 2));
    blocks[3] = keep(reallocarray(NULL, 1, size + 3));
    if (posix_memalign(&blocks[4], 64, size + 4) != 0)
        return -1;
    blocks[5] = keep(aligned_alloc(64, size + 5));
    blocks[6] = keep(memalign(64, size + 6));
    blocks[7] = keep(valloc(size + 7));
    blocks[8] = keep(pvalloc(size + 8));
    for (int i = 0; i < 9; i++) {
        if (!blocks[i])
            return -1;
        memset(blocks[i], 1, size);
        if ((size + (size_t)i) % 2)
            free(blocks[i]);
    }
    return 0;
}

/* A block that grows, step by step; the last one stays. */
void *grow(size_t size, size_t step, int steps)
{
    char *block = malloc(size);
    for (int i = 0; i < steps; i++)
        block = realloc(block, size += step);
    return keep(block);
}

/* Of `size` bytes; gone by being made zero bytes large. */
void shrink_to_nothing(size_t size)
{
    void *block = keep(malloc(size));
    block = realloc(block, 0);
    free(block);
}

/* Calls that fail, and one block that is still there after them; and another, which is given back
 * after all. */
int fail(size_t size)
{
    void *block = keep(malloc(size));
    void *other = keep(malloc(size + 1));
    volatile size_t too_much = SIZE_MAX / 4; /* what the compiler does not know it cannot warn of */
    int failures = 0;
    errno = 0;
    failures += keep(malloc(too_much)) == NULL && errno == ENOMEM;
    failures += keep(calloc(too_much, 16)) == NULL && errno == ENOMEM;
    failures += keep(realloc(block, too_much)) == NULL && errno == ENOMEM;
    failures += keep(realloc(other, too_much)) == NULL && errno == ENOMEM;
    failures += keep(reallocarray(block, too_much, 16)) == NULL && errno == ENOMEM;
    void *aligned = NULL;
    failures += posix_memalign(&aligned, 64, too_much) == ENOMEM;
    failures += posix_memalign(&aligned, 3, 100) == EINVAL;
    free(other);
    return failures;
}

/* How often errno is another after a call that went well. */
int errors_changed(size_t size, int count)
{
    int changed = 0;
    for (int i = 0; i < count; i++) {
        errno = 77;
        void *block = keep(malloc(size));
        changed += errno != 77;
        block = keep(realloc(block, size * 2));
        changed += errno != 77;
        free(block);
        changed += errno != 77;
    }
    return changed;
}

/* A string that the C library itself has memory for. */
char *copy_text(const char *text)
{
    return strdup(text);
}

/* ---- threads
 * --------------------------------------------------------------------------------------------- */

#define MAX_THREADS 16
static void *_Atomic *exchange;
static size_t slots;

typedef struct {
    size_t size, count, seed;
} work;

/* Puts blocks into slots and gives back what was in them, whosever it was. */
static void *exchange_blocks(void *argument)
{
    const work *todo = argument;
    uint64_t random = todo->seed;
    for (size_t i = 0; i < todo->count; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        char *block = malloc(todo->size);
        block[0] = 1;
        free(__atomic_exchange_n(&exchange[(random >> 33) % slots], block, __ATOMIC_ACQ_REL));
    }
    return NULL;
}

int exchange_among_threads(int threads, size_t size, size_t count, size_t slot_count)
{
    pthread_t handles[MAX_THREADS];
    work todo[MAX_THREADS];
    slots = slot_count;
    exchange = calloc(slot_count, sizeof *exchange);
    for (int i = 0; i < threads; i++) {
        todo[i] = (work){size, count, (size_t)i + 1};
        if (pthread_create(&handles[i], NULL, exchange_blocks, &todo[i]) != 0)
            return -1;
    }
    for (int i = 0; i < threads; i++)
        pthread_join(handles[i], NULL);
    for (size_t i = 0; i < slot_count; i++)
        free(exchange[i]);
    free((void *)exchange);
    return 0;
}

static void *have_in_thread(void *size)
{
    return keep(malloc(*(size_t *)size));
}

/* A block of a thread that Python does not know. */
void *have_in_native_thread(size_t size)
{
    pthread_t handle;
    void *block = NULL;
    if (pthread_create(&handle, NULL, have_in_thread, &size) == 0)
        pthread_join(handle, &block);
    return block;
}

static void *free_without_memory(void *block)
{
    struct rlimit before;
    getrlimit(RLIMIT_AS, &before);
    const struct rlimit none = {1, before.rlim_max};
    setrlimit(RLIMIT_AS, &none);
    errno = 77;
    free(block);
    const int changed = errno != 77;
    setrlimit(RLIMIT_AS, &before);
    return changed ? block : NULL;
}

/* Whether errno is another after a thread that has never allocated gave a block back, and no memory
 * was to be had. The block has to be so large that the C library has it mapped by itself: to give
 * it back takes no memory. */
int error_changed_in_first_free(size_t size)
{
    pthread_t handle;
    void *changed = NULL;
    if (pthread_create(&handle, NULL, free_without_memory, malloc(size)) != 0)
        return -1;
    pthread_join(handle, &changed);
    return changed != NULL;
}

/* Blocks that a thread gives back when it ends, to the last moment at which code of its own runs:
 * after everything else that goes with the thread. */
static pthread_key_t last_key;

typedef struct {
    int rounds;
    size_t size;
} last_words;

static void free_last(void *argument)
{
    last_words *words = argument;
    free(keep(malloc(words->size)));
    if (--words->rounds > 0)
        pthread_setspecific(last_key, words);
    else
        free(words);
}

static void *end_slowly(void *size)
{
    last_words *words = malloc(sizeof *words);
    *words = (last_words){PTHREAD_DESTRUCTOR_ITERATIONS, *(size_t *)size};
    pthread_setspecific(last_key, words);
    return NULL;
}

int run_threads_that_free_last(int threads, size_t size)
{
    pthread_t handle;
    if (pthread_key_create(&last_key, free_last) != 0)
        return -1;
    for (int i = 0; i < threads; i++)
        if (pthread_create(&handle, NULL, end_slowly, &size) != 0 ||
            pthread_join(handle, NULL) != 0)
            return -1;
    return 0;
}

/* ---- mappings
 * -------------------------------------------------------------------------------------------- */

size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static void *page(void *base, size_t number)
{
    return (char *)base + number * page_size();
}

void *map_pages(size_t pages)
{
    return mmap(NULL, pages * page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0);
}

void *map_over(void *base, size_t first, size_t pages)
{
    return mmap(page(base, first), pages * page_size(), PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

void *reserve_pages(size_t pages)
{
    return mmap(NULL, pages * page_size(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                -1, 0);
}

int commit_pages(void *base, size_t first, size_t pages)
{
    return mprotect(page(base, first), pages * page_size(), PROT_READ | PROT_WRITE);
}

int unmap_pages(void *base, size_t first, size_t pages)
{
    return munmap(page(base, first), pages * page_size());
}

/* Of an address that is none: fails, and nothing is unmapped. */
int unmap_badly(void *base, size_t pages)
{
    return munmap((char *)base + 1, pages * page_size()) == -1 && errno == EINVAL;
}

void *resize_pages(void *base, size_t pages, size_t new_pages)
{
    return mremap(base, pages * page_size(), new_pages * page_size(), MREMAP_MAYMOVE);
}

/* NULL: the system cannot, as Linux before 6.17 where there are several mappings. */
void *move_pages(void *base, size_t pages, void *target)
{
    const size_t size = pages * page_size();
    void *moved = mremap(base, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, target);
    return moved == MAP_FAILED ? NULL : moved;
}

/* `count` mappings of one page each, in a reservation, every other of which is unmapped again. */
int map_many(size_t count)
{
    char *base = mmap(NULL, count * page_size(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (map_over(base, i, 1) == MAP_FAILED)
            return -1;
    for (size_t i = 0; i < count; i += 2)
        if (unmap_pages(base, i, 1) != 0)
            return -1;
    return 0;
}

/* ---- looking symbols up
 * ---------------------------------------------------------------------------------- */

/* Whether the next malloc after this library's place is one that works. */
int next_malloc_works(size_t size)
{
    void *(*next)(size_t) = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
    void *block = next ? next(size) : NULL;
    free(block);
    return block != NULL;
}

/* What RTLD_NEXT finds from here is not what is in front. */
int next_is_not_this(void)
{
    return dlsym(RTLD_NEXT, "next_is_not_this") == NULL;
}

/* ---- loading libraries
 * ----------------------------------------------------------------------------------- */

static pthread_t loader;

static void *load(void *path)
{
    return dlopen(path, RTLD_NOW);
}

/* In a thread that Python does not know. */
int start_loading(const char *path)
{
    return pthread_create(&loader, NULL, load, strdup(path));
}

int end_loading(void)
{
    void *handle = NULL;
    pthread_join(loader, &handle);
    return handle != NULL;
}

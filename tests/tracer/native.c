/* What extension modules do that Python code cannot: call the allocators from threads that Python
 * does not know. The allocator functions are given by address, so that this needs no header of
 * CPython's. */
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef void *(*malloc_function)(size_t);
typedef void (*free_function)(void *);
typedef void (*callback)(void);

static malloc_function raw_malloc;
static free_function raw_free;

void use_allocator(malloc_function allocate, free_function release)
{
    raw_malloc = allocate;
    raw_free = release;
}

typedef struct {
    size_t size, count, keep;
} work;

/* `count` blocks, of which every one but the last `keep` is freed. */
static void *allocate_and_free(void *argument)
{
    work *todo = argument;
    for (size_t i = 0; i < todo->count; i++) {
        void *block = raw_malloc(todo->size);
        if (block)
            memset(block, 1, todo->size);
        if (i + todo->keep < todo->count)
            raw_free(block);
    }
    return NULL;
}

/* Native threads, each doing the same; returns when all have ended. */
int run_threads(int threads, size_t size, size_t count, size_t keep)
{
    pthread_t handles[64];
    work todo = {size, count, keep};
    if (threads > 64)
        return -1;
    for (int i = 0; i < threads; i++)
        if (pthread_create(&handles[i], NULL, allocate_and_free, &todo) != 0)
            return -1;
    for (int i = 0; i < threads; i++)
        pthread_join(handles[i], NULL);
    return 0;
}

/* A native thread that goes on until it is told to stop. */
static pthread_t endless;
static volatile int stopping;

static void *allocate_until_told(void *argument)
{
    work todo = {*(size_t *)argument, 100, 0};
    while (!stopping)
        allocate_and_free(&todo);
    return NULL;
}

int start_endless(size_t size)
{
    static size_t given;
    given = size;
    stopping = 0;
    return pthread_create(&endless, NULL, allocate_until_told, &given);
}

void stop_endless(void)
{
    stopping = 1;
    pthread_join(endless, NULL);
}

/* Memory that a thread-local destructor frees, and more that it allocates, after everything else of
 * the thread is gone. */
static pthread_key_t late_key;
static size_t late_size;

static void free_late(void *block)
{
    raw_free(block);
    raw_free(raw_malloc(late_size + 1));
}

static void *leave_to_destructor(void *unused)
{
    (void)unused;
    pthread_setspecific(late_key, raw_malloc(late_size));
    return NULL;
}

int run_thread_with_late_free(size_t size)
{
    pthread_t handle;
    late_size = size;
    if (pthread_key_create(&late_key, free_late) != 0 ||
        pthread_create(&handle, NULL, leave_to_destructor, NULL) != 0)
        return -1;
    pthread_join(handle, NULL);
    return 0;
}

static int callbacks;

static void *call_back(void *function)
{
    for (int i = 0; i < callbacks; i++)
        ((callback)function)();
    return NULL;
}

/* Calls back, `count` times, from one thread that Python has not made. */
int run_callbacks_in_thread(callback function, int count)
{
    pthread_t handle;
    callbacks = count;
    if (pthread_create(&handle, NULL, call_back, (void *)function) != 0)
        return -1;
    pthread_join(handle, NULL);
    return 0;
}

void leave(int status)
{
    exit(status);
}

/* A tool that counts the calls of an allocator that it wraps. */
typedef struct {
    void *ctx;
    void *(*malloc)(void *, size_t);
    void *(*calloc)(void *, size_t, size_t);
    void *(*realloc)(void *, void *, size_t);
    void (*free)(void *, void *);
} allocator;

typedef struct {
    allocator inner;
    volatile int calls;
} tool;

static tool tools[12];

static void *tool_malloc(void *context, size_t size)
{
    tool *self = context;
    self->calls++;
    return self->inner.malloc(self->inner.ctx, size);
}

static void *tool_calloc(void *context, size_t count, size_t size)
{
    tool *self = context;
    self->calls++;
    return self->inner.calloc(self->inner.ctx, count, size);
}

static void *tool_realloc(void *context, void *block, size_t size)
{
    tool *self = context;
    self->calls++;
    return self->inner.realloc(self->inner.ctx, block, size);
}

static void tool_free(void *context, void *block)
{
    tool *self = context;
    self->inner.free(self->inner.ctx, block);
}

void tool_wrap(int slot, const allocator *inner, allocator *outer)
{
    allocator mine = {&tools[slot], tool_malloc, tool_calloc, tool_realloc, tool_free};
    tools[slot].inner = *inner;
    *outer = mine;
}

int tool_calls(int slot)
{
    return tools[slot].calls;
}

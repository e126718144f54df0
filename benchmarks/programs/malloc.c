/* A library that allocates without Python; malloc.py calls it. */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#define SLOTS 4096
#define MAX_THREADS 16

void malloc_loop(size_t pairs)
{
    for (size_t i = 0; i < pairs; i++) {
        void *volatile block = malloc(100 + (i & 63));
        free(block);
    }
}

static void *_Atomic slots[SLOTS];
static size_t pairs_a_thread;

static void *exchange(void *seed)
{
    uint64_t random = (uintptr_t)seed;
    for (size_t i = 0; i < pairs_a_thread; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        char *block = malloc(100);
        block[0] = 1;
        free(__atomic_exchange_n(&slots[(random >> 33) % SLOTS], block, __ATOMIC_ACQ_REL));
    }
    return NULL;
}

/* Threads that free each other's blocks. */
int malloc_threads(int threads, size_t pairs)
{
    pthread_t handles[MAX_THREADS];
    pairs_a_thread = pairs;
    for (int i = 0; i < threads; i++)
        if (pthread_create(&handles[i], NULL, exchange, (void *)(uintptr_t)(i + 1)) != 0)
            return -1;
    for (int i = 0; i < threads; i++)
        pthread_join(handles[i], NULL);
    for (int i = 0; i < SLOTS; i++)
        free(__atomic_exchange_n(&slots[i], NULL, __ATOMIC_ACQ_REL));
    return 0;
}

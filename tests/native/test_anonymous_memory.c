/* core/anonymous_memory.h: memory of this process, whose owners are known. */
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "core/anonymous_memory.h"

#define PAGE ((size_t)4096)
#define POOL ((size_t)16384)
#define MIB ((size_t)1 << 20)
#define POOL_MARK 0x706f6f6cu

static int memory;
static ml_anonymous_scan scan;
static ml_share shares[ML_OWNERS];

static int64_t live_bytes(const void *head)
{
    uint32_t words[2];
    memcpy(words, head, sizeof words);
    return words[0] == POOL_MARK ? (int64_t)words[1] : -1;
}

static size_t frame_chunk_bytes(const void *head)
{
    uintptr_t words[3];
    memcpy(words, head, sizeof words);
    return words[1] == POOL && words[2] == 77 ? POOL : 0;
}

/* Zeroed memory that no neighbour can be merged with; it begins where a pool can. */
static char *map(size_t bytes)
{
    char *start =
        mmap(NULL, bytes + POOL + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(start != MAP_FAILED);
    start = (char *)(((uintptr_t)start + PAGE + POOL - 1) & ~(uintptr_t)(POOL - 1));
    CHECK(mprotect(start, bytes, PROT_READ | PROT_WRITE) == 0);
    return start;
}

static void touch(char *start, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += PAGE)
        start[at + PAGE - 1] = 1;
}

static void put_pool(char *start, uint32_t live)
{
    const uint32_t head[2] = {POOL_MARK, live};
    touch(start, POOL);
    memcpy(start, head, sizeof head);
}

static void put_words(char *start, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d)
{
    const uintptr_t head[4] = {a, b, c, d};
    memcpy(start, head, sizeof head);
}

static void divide(char *start, size_t bytes, size_t resident, size_t image, bool above_guard)
{
    const ml_mapping mapping = {.start = (uintptr_t)start,
                                .end = (uintptr_t)start + bytes,
                                .resident_bytes = (int64_t)resident,
                                .is_accessible = true};
    int64_t together = 0;
    ml_anonymous_divide(&scan, &mapping, image, above_guard, shares);
    for (int owner = 0; owner < ML_OWNERS; owner++) {
        CHECK(shares[owner].resident_bytes >= 0);
        together += shares[owner].resident_bytes;
    }
    CHECK(together == mapping.resident_bytes);
}

static void begin(size_t expected)
{
    ml_anonymous_begin(&scan, memory, true, (int64_t)expected);
}

#define RESIDENT(owner) ((size_t)shares[owner].resident_bytes)
#define RESERVED(owner) ((size_t)shares[owner].reserved_bytes)

static void test_pools_blocks_frames_and_the_rest_of_one_mapping_are_told_apart(void)
{
    char *start = map(4 * MIB);
    for (int i = 0; i < 64; i++)
        put_pool(start + (size_t)i * POOL, 1000);
    touch(start + MIB, 40 * PAGE); /* nobody's */
    char *block = start + 2 * MIB;
    touch(block, 10 * PAGE);
    put_words(block, 0, MIB | 2, 0, 0);
    char *frames = start + 3 * MIB;
    touch(frames, 2 * PAGE);
    put_words(frames, 0, POOL, 77, 0);
    begin(4 * MIB);
    divide(start, 4 * MIB, MIB + 52 * PAGE, 0, false);
    CHECK(RESIDENT(ML_OWNER_POOLS) == MIB && RESERVED(ML_OWNER_POOLS) == MIB);
    CHECK(shares[ML_OWNER_POOLS].live_bytes == 64000);
    CHECK(RESIDENT(ML_OWNER_BLOCK) == 10 * PAGE && RESERVED(ML_OWNER_BLOCK) == MIB);
    CHECK(RESIDENT(ML_OWNER_FRAMES) == 2 * PAGE && RESERVED(ML_OWNER_FRAMES) == POOL);
    CHECK(RESIDENT(ML_OWNER_NOBODY) == 40 * PAGE);
    CHECK(RESERVED(ML_OWNER_NOBODY) == 2 * MIB - POOL);
}

static void test_very_many_pools_are_counted_by_a_sample(void)
{
    const size_t bytes = 256 * MIB;
    char *start = map(bytes);
    size_t live = 0;
    for (size_t i = 0; i < bytes / POOL; i++) {
        const uint32_t in_pool = (uint32_t)(i % 7 * 2000);
        put_pool(start + i * POOL, in_pool);
        live += in_pool;
    }
    begin(bytes);
    divide(start, bytes, bytes, 0, false);
    CHECK(RESIDENT(ML_OWNER_POOLS) == bytes);
    const double counted = (double)shares[ML_OWNER_POOLS].live_bytes;
    CHECK(counted > 0.95 * (double)live && counted < 1.05 * (double)live);
    munmap(start, bytes);
}

static void test_a_block_goes_on_where_advice_has_split_its_mapping(void)
{
    char *start = map(2 * MIB);
    touch(start, 2 * MIB);
    put_words(start, 0, MIB | 2, 0, 0);
    begin(2 * MIB);
    divide(start, PAGE, PAGE, 0, false);
    CHECK(RESIDENT(ML_OWNER_BLOCK) == PAGE);
    divide(start + PAGE, 2 * MIB - PAGE, 2 * MIB - PAGE, 0, false);
    CHECK(RESIDENT(ML_OWNER_BLOCK) == MIB - PAGE && RESIDENT(ML_OWNER_NOBODY) == MIB);
    /* Elsewhere it does not. */
    begin(2 * MIB);
    divide(start, PAGE, PAGE, 0, false);
    divide(start + MIB, MIB, MIB, 0, false);
    CHECK(RESIDENT(ML_OWNER_NOBODY) == MIB);
}

static void test_blocks_are_known_by_the_head_of_each_glibc_however_aligned(void)
{
    static const struct {
        size_t offset;
        uintptr_t before, bytes;
    } heads[] = {{0, 0, MIB},                            /* to 2.42 */
                 {0, 0, MIB - 16},                       /* since */
                 {48, 48, MIB - 64},                     /* aligned to 64 bytes */
                 {PAGE - 16, PAGE - 16, MIB - PAGE},     /* to a page */
                 {PAGE - 16, 4 * PAGE - 16, MIB - PAGE}, /* to more */
                 {0, 0, MIB - 32},                       /* not to the end of a page */
                 {48, 32, MIB - 64}};                    /* not as much as there is before it */
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        char *start = map(2 * MIB);
        touch(start, MIB);
        const uintptr_t head[2] = {heads[i].before, heads[i].bytes | 2};
        memcpy(start + heads[i].offset, head, sizeof head);
        begin(2 * MIB);
        divide(start, 2 * MIB, MIB, 0, false);
        CHECK(RESERVED(ML_OWNER_BLOCK) == (i < 5 ? MIB : 0));
        CHECK(RESIDENT(ML_OWNER_BLOCK) == (i < 5 ? MIB : 0));
    }
}

static void test_heaps_of_other_arenas_are_known_by_their_head(void)
{
    const size_t heap = 64 * MIB;
    char *reserved = mmap(NULL, 2 * heap, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *start = (char *)(((uintptr_t)reserved + heap - 1) & ~(uintptr_t)(heap - 1));
    CHECK(mprotect(start, 2 * MIB, PROT_READ | PROT_WRITE) == 0);
    touch(start, MIB);
    put_words(start, (uintptr_t)start + 0x30, 0, MIB, 2 * MIB);
    begin(MIB);
    divide(start, 2 * MIB, MIB, 0, false);
    CHECK(RESIDENT(ML_OWNER_HEAP) == MIB && RESERVED(ML_OWNER_HEAP) == 2 * MIB);
    put_words(start, (uintptr_t)start + 0x3000, 0, MIB, 2 * MIB); /* an arena elsewhere */
    begin(MIB);
    divide(start, 2 * MIB, MIB, 0, false);
    CHECK(RESIDENT(ML_OWNER_NOBODY) == MIB);
}

static void *wait_in_stack(void *arguments)
{
    pthread_barrier_t *barriers = arguments;
    pthread_barrier_wait(&barriers[0]);
    pthread_barrier_wait(&barriers[1]);
    return NULL;
}

static void test_stack_of_a_thread_is_known_by_its_guard_and_thread_block(void)
{
    pthread_barrier_t barriers[2];
    pthread_t thread;
    pthread_attr_t attributes;
    void *lowest;
    size_t bytes, guard;
    pthread_barrier_init(&barriers[0], NULL, 2);
    pthread_barrier_init(&barriers[1], NULL, 2);
    CHECK(pthread_create(&thread, NULL, wait_in_stack, barriers) == 0);
    pthread_barrier_wait(&barriers[0]);
    pthread_getattr_np(thread, &attributes);
    pthread_attr_getstack(&attributes, &lowest, &bytes);
    pthread_attr_getguardsize(&attributes, &guard);
    begin(MIB);
    divide((char *)lowest, bytes, 2 * PAGE, 0, true);
    CHECK(RESIDENT(ML_OWNER_STACK) == 2 * PAGE && RESERVED(ML_OWNER_STACK) == bytes);
    /* With its guard in the same mapping, and one that is none above it. */
    divide((char *)lowest, bytes, 2 * PAGE, 0, false);
    CHECK(RESERVED(ML_OWNER_STACK) == bytes);
    divide((char *)lowest, bytes - PAGE, 2 * PAGE, 0, true);
    CHECK(RESERVED(ML_OWNER_STACK) == 0);
    pthread_barrier_wait(&barriers[1]);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
}

static void test_start_that_belongs_to_an_image_is_no_mystery(void)
{
    char *start = map(MIB);
    touch(start, 10 * PAGE);
    begin(MIB);
    divide(start, MIB, 10 * PAGE, 4 * PAGE, false);
    CHECK(RESIDENT(ML_OWNER_IMAGE) == 4 * PAGE && RESIDENT(ML_OWNER_NOBODY) == 6 * PAGE);
}

static _Atomic bool enough;

/* What a thread of the program does that is as quick as the look. */
static void *change(void *memory_of_test)
{
    char *start = memory_of_test;
    const uintptr_t block = (uintptr_t)start + MIB - scan.thread_block_offset;
    while (!enough) {
        put_words((char *)block, block, 0, block, 0);
        put_pool(start, 77);
        put_words(start + MIB / 2, 0, (MIB / 4) | 2, 0, 0);
        put_words((char *)block, 0, 0, 0, 0);
        put_words(start, 0, 0, 0, 0);
        put_words(start + MIB / 2, 0, 0, 0, 0);
        madvise(start + PAGE, MIB / 4, MADV_DONTNEED);
    }
    return NULL;
}

static void test_memory_that_changes_while_it_is_looked_at_does_no_harm(void)
{
    char *start = map(MIB);
    pthread_t thread;
    touch(start, MIB);
    begin(MIB);
    CHECK(pthread_create(&thread, NULL, change, start) == 0);
    alarm(60); /* a look that never ends */
    for (int i = 0; i < 3000; i++) {
        begin(MIB);
        divide(start, MIB, MIB, 0, true);
    }
    enough = true;
    pthread_join(thread, NULL);
    alarm(0);
}

static void test_looking_makes_nothing_resident(void)
{
    const size_t bytes = 64 * MIB;
    static unsigned char pages[64 * 256];
    char *start = map(bytes);
    touch(start, PAGE);
    begin(bytes);
    divide(start, bytes, PAGE, 0, false);
    CHECK(mincore(start, bytes, pages) == 0);
    for (size_t i = 1; i < sizeof pages; i++)
        CHECK(!(pages[i] & 1));
}

static void test_vast_and_unreadable_mappings_are_nobodys(void)
{
    begin(MIB);
    divide((char *)((uintptr_t)1 << 40), (size_t)1 << 44, 5 * PAGE, 0,
           false); /* not there at all */
    CHECK(RESIDENT(ML_OWNER_NOBODY) == 5 * PAGE);
    char *start = map(MIB);
    put_pool(start, 100);
    ml_anonymous_begin(&scan, -1, true, (int64_t)MIB);
    divide(start, MIB, POOL, 0, false);
    CHECK(RESIDENT(ML_OWNER_NOBODY) == POOL);
}

static void test_zeros_that_were_only_read_are_taken_from_no_share_but_in_proportion(void)
{
    char *start = map(MIB);
    for (int i = 0; i < 32; i++)
        put_pool(start + (size_t)i * POOL, 1);
    begin(MIB);
    divide(start, MIB, MIB / 4, 0, false); /* the kernel counts less than is there */
    CHECK(RESIDENT(ML_OWNER_POOLS) == MIB / 4);
}

static void *test_all(void *unused)
{
    (void)unused;
    test_pools_blocks_frames_and_the_rest_of_one_mapping_are_told_apart();
    test_very_many_pools_are_counted_by_a_sample();
    test_a_block_goes_on_where_advice_has_split_its_mapping();
    test_blocks_are_known_by_the_head_of_each_glibc_however_aligned();
    test_heaps_of_other_arenas_are_known_by_their_head();
    test_stack_of_a_thread_is_known_by_its_guard_and_thread_block();
    test_start_that_belongs_to_an_image_is_no_mystery();
    test_memory_that_changes_while_it_is_looked_at_does_no_harm();
    test_looking_makes_nothing_resident();
    test_vast_and_unreadable_mappings_are_nobodys();
    test_zeros_that_were_only_read_are_taken_from_no_share_but_in_proportion();
    return NULL;
}

int main(void)
{
    pthread_t thread;
    memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    CHECK(memory >= 0);
    ml_runtime = (ml_runtime_layout){POOL, 8, live_bytes, frame_chunk_bytes};
    /* As the helper thread does: the first thread's block lies elsewhere. */
    CHECK(pthread_create(&thread, NULL, test_all, NULL) == 0);
    pthread_join(thread, NULL);
    return 0;
}

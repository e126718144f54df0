#include "anonymous_memory.h"

#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

ml_runtime_layout ml_runtime;

#define PAGE_BYTES 4096
/* Looks in one scan, of one or two microseconds each. With so many pools the share of memory in use
 * is off by 1.6 percent at worst (the standard error where each pool is full or empty). */
#define POOL_LOOKS 1024
#define PAGE_LOOKS 4096
/* In a mapping of more than this, of which so little is resident, only its start is looked at. */
#define SPARSE_BYTES ((size_t)1 << 30)
#define SPARSE_SHARE 64

/* glibc: heaps other than the first begin at multiples of this. */
#define HEAP_BYTES ((uintptr_t)64 << 20)
#define LEAST_STACK_BYTES 16384
#define BLOCK_IS_MAPPED 2u
#define BLOCK_FLAGS 7u

bool ml_memory_read(int memory, uintptr_t address, void *to, size_t bytes)
{
    return memory >= 0 && pread(memory, to, bytes, (off_t)address) == (ssize_t)bytes;
}

void ml_anonymous_begin(ml_anonymous_scan *scan, int memory, bool has_glibc_malloc,
                        int64_t expected_bytes)
{
    struct rlimit limit;
    scan->memory = sysconf(_SC_PAGESIZE) == PAGE_BYTES ? memory : -1;
    scan->has_glibc_malloc = has_glibc_malloc;
    const size_t pools = ml_runtime.pool_bytes ? (size_t)expected_bytes / ml_runtime.pool_bytes : 0;
    scan->pools_per_look = (uint32_t)(pools / POOL_LOOKS) + 1;
    scan->looks_left = PAGE_LOOKS;
    scan->stack_bytes = 0;
    if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur < ((rlim_t)1 << 40))
        scan->stack_bytes = (size_t)limit.rlim_cur;
    /* The same for each thread: of the block's size, and less than a page. */
    scan->thread_block_offset = PAGE_BYTES - (uintptr_t)pthread_self() % PAGE_BYTES;
    scan->slice_start = scan->slice_end = scan->pool_ahead = 0;
    scan->going_on_until = scan->divided_until = 0;
}

/* ---- which pages are resident
 * -------------------------------------------------------------------- */

static void look_at_slice(ml_anonymous_scan *scan, uintptr_t page, uintptr_t end)
{
    const uintptr_t most = page + sizeof scan->slice * PAGE_BYTES;
    scan->slice_start = page;
    scan->slice_end = end < most ? end : most;
    if (mincore((void *)page, scan->slice_end - page, scan->slice) != 0)
        memset(scan->slice, 0, sizeof scan->slice); /* gone */
}

static bool is_resident(ml_anonymous_scan *scan, uintptr_t page, uintptr_t end)
{
    if (page < scan->slice_start || page >= scan->slice_end)
        look_at_slice(scan, page, end);
    return scan->slice[(page - scan->slice_start) / PAGE_BYTES] & 1;
}

static int64_t resident_bytes(ml_anonymous_scan *scan, uintptr_t start, uintptr_t end,
                              uintptr_t mapping_end)
{
    int64_t pages = 0;
    for (uintptr_t page = start; page < end; page += PAGE_BYTES)
        pages += is_resident(scan, page, mapping_end);
    return pages * PAGE_BYTES;
}

/* ---- what begins at an address
 * ------------------------------------------------------------------- */

typedef struct {
    int owner;
    uintptr_t end;
    int64_t live_bytes;
} segment;

#define ADDRESS_LIMIT ((uintptr_t)1 << 47)

/* A large block of malloc's has a mapping of its own, and before it its size: that of the mapping,
 * or since glibc 2.43 of the block, and then what alignment has left free before that. `offset`: of
 * the head in its page. Bytes from the page's start to the mapping's end; 0: it is none. */
static uintptr_t block_bytes(const uintptr_t *head, uintptr_t offset, uintptr_t at)
{
    const uintptr_t bytes = head[1] & ~(uintptr_t)BLOCK_FLAGS;
    if ((head[1] & BLOCK_FLAGS) != BLOCK_IS_MAPPED || bytes == 0 || bytes >= ADDRESS_LIMIT - at ||
        head[0] >= ADDRESS_LIMIT || head[0] % PAGE_BYTES != offset)
        return 0;
    if (offset == 0 && head[0] == 0 && bytes % PAGE_BYTES == 0)
        return bytes;
    const uintptr_t end = offset + bytes + 2 * sizeof(uintptr_t);
    return end % PAGE_BYTES == 0 ? end : 0;
}

static uintptr_t block_at(const ml_anonymous_scan *scan, const uintptr_t *start, uintptr_t at)
{
    const uintptr_t last = PAGE_BYTES - 2 * sizeof(uintptr_t);
    uintptr_t head[2];
    for (uintptr_t offset = 0; offset < ML_HEAD_BYTES; offset += sizeof head) {
        const uintptr_t bytes = block_bytes(start + offset / sizeof *start, offset, at);
        if (bytes)
            return bytes;
    }
    /* Aligned to pages: the head is at the end of the page before. */
    return ml_memory_read(scan->memory, at + last, head, sizeof head) ? block_bytes(head, last, at)
                                                                      : 0;
}

/* The head names the arena that the heap belongs to, which lies behind the head of its first heap;
 * the heap before it; its bytes in use, and those with access. */
static bool is_heap(const uintptr_t *head, uintptr_t at)
{
    const uintptr_t arena = head[0], before = head[1], used = head[2], accessible = head[3];
    const uintptr_t first_heap = arena & ~(HEAP_BYTES - 1);
    return at % HEAP_BYTES == 0 && used != 0 && used % PAGE_BYTES == 0 && used <= accessible &&
           accessible % PAGE_BYTES == 0 && accessible <= HEAP_BYTES && arena != 0 &&
           arena - first_heap <= 128 && before % HEAP_BYTES == 0 &&
           (before == 0) == (first_heap == at);
}

/* Where the stack ends that begins at `start`; 0: it is none. Its guard is a mapping of its own
 * below, or since glibc 2.42 its lowest page. */
static uintptr_t stack_end(ml_anonymous_scan *scan, uintptr_t start, uintptr_t end,
                           bool is_above_guard)
{
    const uintptr_t usual = start + scan->stack_bytes - (is_above_guard ? PAGE_BYTES : 0);
    const uintptr_t candidates[2] = {end, usual};
    if (end - start < LEAST_STACK_BYTES)
        return 0;
    for (int i = 0; i < 2; i++) {
        const uintptr_t candidate = candidates[i];
        if (candidate <= start || candidate > end)
            continue;
#if defined(__x86_64__)
        /* The thread block begins with its own address, for whoever reads it through a segment. */
        const uintptr_t block = candidate - scan->thread_block_offset;
        uintptr_t head[3];
        if (is_resident(scan, candidate - PAGE_BYTES, end) &&
            ml_memory_read(scan->memory, block, head, sizeof head) && head[0] == block &&
            head[2] == block)
            return candidate;
#else
        if (is_above_guard && candidate == usual && candidate == end)
            return candidate;
#endif
    }
    return 0;
}

/* Bytes in use in the pool at this address; -1: there is none. */
static int64_t pool_at(ml_anonymous_scan *scan, uintptr_t at)
{
    uint64_t head[ML_HEAD_BYTES / 8];
    scan->pool_ahead = 0;
    if (!ml_memory_read(scan->memory, at, head, ml_runtime.head_bytes))
        return -1;
    scan->pool_ahead = at;
    scan->pool_ahead_live_bytes = ml_runtime.live_bytes(head);
    return scan->pool_ahead_live_bytes;
}

/* Pools that begin at `at`: the first is known, with what is in use there. Where the next one to be
 * looked at is a pool too, so are those in between. */
static segment pools_at(ml_anonymous_scan *scan, uintptr_t at, uintptr_t end, int64_t live)
{
    const uintptr_t bytes = ml_runtime.pool_bytes, stride = bytes * scan->pools_per_look;
    if (scan->pools_per_look > 1 && end - at > stride && is_resident(scan, at + stride, end) &&
        pool_at(scan, at + stride) >= 0)
        return (segment){ML_OWNER_POOLS, at + stride, live * scan->pools_per_look};
    return (segment){ML_OWNER_POOLS, end - at < bytes ? end : at + bytes, live};
}

static segment segment_at(ml_anonymous_scan *scan, uintptr_t at, uintptr_t end)
{
    uintptr_t head[ML_HEAD_BYTES / sizeof(uintptr_t)];
    const segment nobodys = {ML_OWNER_NOBODY, at + PAGE_BYTES, 0};
    if (!is_resident(scan, at, end))
        return nobodys;
    if (at == scan->pool_ahead && scan->pool_ahead_live_bytes >= 0)
        return pools_at(scan, at, end, scan->pool_ahead_live_bytes);
    if (ml_memory_read(scan->memory, at, head, sizeof head)) {
        if (scan->has_glibc_malloc && is_heap(head, at))
            return (segment){ML_OWNER_HEAP, at + head[3], (int64_t)head[2]};
        if (ml_runtime.pool_bytes && at % ml_runtime.pool_bytes == 0) {
            const int64_t live = ml_runtime.live_bytes(head);
            if (live >= 0)
                return pools_at(scan, at, end, live);
        }
        const uintptr_t block = scan->has_glibc_malloc ? block_at(scan, head, at) : 0;
        if (block)
            return (segment){ML_OWNER_BLOCK, at + block, 0};
        const size_t frames = ml_runtime.pool_bytes ? ml_runtime.frame_chunk_bytes(head) : 0;
        if (frames && frames <= end - at)
            return (segment){ML_OWNER_FRAMES, at + frames, 0};
    }
    if (scan->looks_left) {
        scan->looks_left--;
        return nobodys;
    }
    return (segment){ML_OWNER_NOBODY, 0, 0}; /* in larger steps */
}

/* ---- dividing
 * ------------------------------------------------------------------------------------ */

/* What is nobody's is not counted: it is what the others leave of the kernel's figure. */
static void give(ml_anonymous_scan *scan, const ml_mapping *mapping, uintptr_t at, segment next,
                 ml_share shares[ML_OWNERS])
{
    ml_share *share = &shares[next.owner];
    share->reserved_bytes += (int64_t)(next.end - at);
    share->live_bytes += next.live_bytes;
    if (next.owner == ML_OWNER_NOBODY)
        return;
    share->resident_bytes += at == mapping->start && next.end == mapping->end
                                 ? mapping->resident_bytes
                                 : resident_bytes(scan, at, next.end, mapping->end);
}

/* The kernel's figure is right: pages of nothing but zeros that were only read are none of it. */
static void fit(const ml_mapping *mapping, ml_share shares[ML_OWNERS])
{
    int64_t looked = 0, given = 0;
    for (int owner = 0; owner < ML_OWNERS; owner++)
        looked += shares[owner].resident_bytes;
    for (int owner = 0; owner < ML_OWNERS; owner++) {
        int64_t *resident = &shares[owner].resident_bytes;
        if (looked > mapping->resident_bytes)
            *resident =
                (int64_t)((double)*resident / (double)looked * (double)mapping->resident_bytes);
        given += *resident;
    }
    shares[ML_OWNER_NOBODY].resident_bytes += mapping->resident_bytes - given;
}

void ml_anonymous_divide(ml_anonymous_scan *scan, const ml_mapping *mapping, size_t image_bytes,
                         bool is_above_guard, ml_share shares[ML_OWNERS])
{
    const uintptr_t end = mapping->end;
    const bool is_worth_a_look = scan->memory >= 0 && mapping->resident_bytes;
    const bool is_sparse =
        end - mapping->start > SPARSE_BYTES &&
        (uint64_t)mapping->resident_bytes < (end - mapping->start) / SPARSE_SHARE;
    memset(shares, 0, ML_OWNERS * sizeof *shares);
    uintptr_t at = mapping->start, step = PAGE_BYTES;
    uintptr_t next_stack = at; /* stacks lie one upon the other */
    int steps = 0;
    while (at < end) {
        segment next = {ML_OWNER_NOBODY, end, 0};
        uintptr_t stack = 0; /* looked for once: the next look may find another thread's memory */
        if (at == mapping->start && scan->divided_until == at && at < scan->going_on_until)
            next = (segment){scan->going_on, scan->going_on_until, 0};
        else if (at == mapping->start && image_bytes)
            next = (segment){ML_OWNER_IMAGE, at + image_bytes, 0};
        else if (at == next_stack && is_worth_a_look &&
                 (stack = stack_end(scan, at, end, is_above_guard && at == mapping->start)) != 0)
            next = (segment){ML_OWNER_STACK, next_stack = stack, 0};
        else if (is_worth_a_look)
            next = segment_at(scan, at, end);
        if (next.owner != ML_OWNER_NOBODY) {
            step = PAGE_BYTES;
        } else if (is_sparse) {
            next.end = end;
        } else if (next.end == 0) { /* a mistake of a sixteenth at most */
            step <<= ++steps % 16 == 0;
            next.end = end - at < step ? end : at + step;
        }
        if (next.end > end) {
            scan->going_on = next.owner;
            scan->going_on_until = next.end;
            next.end = end;
        }
        give(scan, mapping, at, next, shares);
        at = next.end;
    }
    scan->divided_until = end;
    fit(mapping, shares);
}

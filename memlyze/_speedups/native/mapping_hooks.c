/* What is recorded when addresses are mapped, unmapped, mapped over and moved.
 *
 * A mapping is one allocation, of as many bytes as its pages have. When a part of it goes, it ends,
 * and what is left of it are allocations of their own, with its stack. Bytes are then right at
 * every moment, sampled or not: a rest is kept with the probability that its own size calls for.
 *
 * The table's lock is held over a call that takes addresses away, so that nobody can record what is
 * mapped there next before what was there is out of the books. */
#include "mapping_hooks.h"

#include "calling_thread.h"
#include "real_functions.h"

#include "../core/mapping_table.h"

#include <errno.h>
#include <stdarg.h>

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MAP_HUGE_SHIFT
#define MAP_HUGE_SHIFT 26
#endif

static uintptr_t page_bytes;

static inline uintptr_t whole_pages(size_t size)
{
    return ((uintptr_t)size + page_bytes - 1) & ~(page_bytes - 1);
}

/* Of a mapping with these flags. */
static uintptr_t mapped_bytes(size_t size, int flags)
{
    uintptr_t unit = page_bytes;
#ifdef MAP_HUGETLB
    if (flags & MAP_HUGETLB) {
        const int bits = flags >> MAP_HUGE_SHIFT & 63;
        unit = (uintptr_t)1 << (bits ? bits : 21);
    }
#endif
    (void)flags;
    return ((uintptr_t)size + unit - 1) & ~(unit - 1);
}

/* Allocators that take addresses by the gigabyte say so in one way or the other: they make them
 * accessible later, or ask the system not to count them as memory. */
static uint32_t kind_of(int protection, int flags)
{
    if (!(flags & MAP_ANONYMOUS))
        return ML_ALLOCATOR_MMAP_FILE;
    return protection == PROT_NONE || (flags & MAP_NORESERVE) ? ML_ALLOCATOR_MMAP_RESERVE
                                                              : ML_ALLOCATOR_MMAP;
}

/* ---- the books, under the table's lock
 * --------------------------------------------------------------------- */

/* A sample of the whole was recorded; whether one of `part` bytes would have been. */
static bool keeps_part(ml_thread *thread, size_t part, const ml_mapping *whole)
{
    if (ml_recording.exact)
        return true;
    const ml_sampling *sampling = &ml_recording.samplings[whole->sampling];
    const double odds =
        ml_sample_weight(sampling, whole->end - whole->start) / ml_sample_weight(sampling, part);
    return ml_random_unit(&thread->sampler.random_state) <= odds;
}

/* For entries to come. */
static bool make_room(uint32_t entries)
{
    if (ml_mapping_reserve(&ml_mappings, entries))
        return true;
    atomic_fetch_add_explicit(&ml_recording.allocations_dropped, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&ml_recording.dropped_for_memory, 1, memory_order_relaxed);
    return false;
}

/* For which there is room. `stack` and `origin`: as ml_record_mapping has them. */
static void put_in(ml_thread *thread, ml_mapping mapping, uint32_t stack, uint64_t origin)
{
    mapping.allocation_id = ml_record_mapping(thread, mapping.end - mapping.start,
                                              mapping.allocator, stack, origin, mapping.sampling);
    if (mapping.allocation_id)
        ml_mapping_insert(&ml_mappings, mapping);
}

static void enter_rest(ml_thread *thread, const ml_mapping *whole, uintptr_t start, uintptr_t end)
{
    if (start >= end || !keeps_part(thread, end - start, whole))
        return;
    put_in(thread, (ml_mapping){start, end, 0, whole->allocator, whole->sampling}, 0,
           whole->allocation_id);
}

/* A part of a reservation becomes memory; whose doing that is counts. */
static void enter_committed(ml_thread *thread, const ml_mapping *whole, uintptr_t start,
                            uintptr_t end)
{
    if (!keeps_part(thread, end - start, whole))
        return;
    const uint32_t stack = ml_native_stack(thread);
    if (stack != ML_STACK_DROPPED)
        put_in(thread, (ml_mapping){start, end, 0, ML_ALLOCATOR_MMAP, whole->sampling}, stack, 0);
}

static void end_entry(ml_thread *thread, const ml_mapping *gone)
{
    ml_record_unmapping(thread, gone->allocation_id, gone->end - gone->start, gone->allocator,
                        gone->sampling);
}

enum { MOST_RUNS = 64 };

/* What was recorded of a range, in the order of addresses: each run is of one allocator and ends
 * where the next one begins. What is beyond the most of them counts to the last. */
typedef struct {
    uint32_t count;
    struct {
        uintptr_t start;
        uint32_t allocator;
    } of[MOST_RUNS];
} runs;

static void note_run(runs *found, uintptr_t start, uint32_t allocator)
{
    if (found->count && found->of[found->count - 1].allocator == allocator)
        return;
    if (found->count < MOST_RUNS) {
        found->of[found->count].start = start;
        found->of[found->count].allocator = allocator;
        found->count++;
    }
}

/* Nothing of what was recorded is at these addresses any more. `found`, where it is asked for, is
 * what was. */
static void take_out(ml_thread *thread, uintptr_t start, uintptr_t end, runs *found)
{
    ml_mapping gone;
    while (start < end && ml_mapping_take(&ml_mappings, start, end, &gone)) {
        if (found)
            note_run(found, gone.start > start ? gone.start : start, gone.allocator);
        /* One entry goes, two may come. The rests first: they ask for the stack of the whole. */
        if (make_room(2)) {
            enter_rest(thread, &gone, gone.start, start);
            enter_rest(thread, &gone, end, gone.end);
        }
        end_entry(thread, &gone);
    }
}

/* What was reserved there may be used from now on. */
static void commit(ml_thread *thread, uintptr_t start, uintptr_t end)
{
    ml_mapping gone;
    while (start < end && ml_mapping_take(&ml_mappings, start, end, &gone)) {
        if (gone.allocator != ML_ALLOCATOR_MMAP_RESERVE) {
            ml_mapping_insert(&ml_mappings, gone);
        } else {
            const uintptr_t first = gone.start > start ? gone.start : start;
            const uintptr_t behind = gone.end < end ? gone.end : end;
            if (make_room(3)) {
                enter_rest(thread, &gone, gone.start, first);
                enter_rest(thread, &gone, behind, gone.end);
                enter_committed(thread, &gone, first, behind);
            }
            end_entry(thread, &gone);
        }
        start = gone.end;
    }
}

static void enter(ml_thread *thread, uintptr_t start, uintptr_t bytes, uint32_t allocator)
{
    if (!ml_recorder_is_due(thread, bytes))
        return;
    const uint32_t stack = ml_native_stack(thread);
    if (stack != ML_STACK_DROPPED && make_room(1))
        put_in(thread, (ml_mapping){start, start + bytes, 0, allocator, thread->sampling}, stack,
               0);
    ml_recorder_refill(thread);
}

/* ---- around a call
 * ---------------------------------------------------------------------------------------- */

typedef struct {
    ml_thread *thread; /* NULL: nothing is recorded of this call */
    bool is_paused;    /* what it maps is not recorded, what goes is */
} change;

static change begin_change(void)
{
    const int error = errno;
    change begun = {.thread = ml_recording_thread()};
    begun.is_paused = !begun.thread;
    if (begun.is_paused)
        begun.thread = ml_paused_thread();
    if (begun.thread) {
        ml_thread_enter(begun.thread);
        if (!ml_mapping_lock(&ml_mappings, begun.thread))
            begun.thread = NULL; /* a signal came in the middle of such a call */
    }
    errno = error;
    return begun;
}

static void end_change(const change *begun)
{
    if (!begun->thread)
        return;
    ml_mapping_unlock(&ml_mappings);
    if (!begun->is_paused)
        ml_thread_leave(begun->thread);
}

/* ---- the hooks
 * -------------------------------------------------------------------------------------------- */

static void *map(void *(*real)(void *, size_t, int, int, int, off_t), void *address, size_t size,
                 int protection, int flags, int descriptor, off_t offset)
{
    const change begun = begin_change();
    void *mapping = real(address, size, protection, flags, descriptor, offset);
    const int result = errno;
    if (begun.thread && mapping != MAP_FAILED) {
        const uintptr_t start = (uintptr_t)mapping, bytes = mapped_bytes(size, flags);
        take_out(begun.thread, start, start + bytes, NULL);
        if (!begun.is_paused)
            enter(begun.thread, start, bytes, kind_of(protection, flags));
    }
    end_change(&begun);
    errno = result;
    return mapping;
}

static void *hooked_mmap(void *address, size_t size, int protection, int flags, int descriptor,
                         off_t offset)
{
    return map(ml_real.mmap, address, size, protection, flags, descriptor, offset);
}

static void *hooked_mmap64(void *address, size_t size, int protection, int flags, int descriptor,
                           off_t offset)
{
    return map(ml_real.mmap64, address, size, protection, flags, descriptor, offset);
}

static int hooked_munmap(void *address, size_t size)
{
    if (atomic_load_explicit(&ml_mappings.count, memory_order_relaxed) == 0)
        return ml_real.munmap(address, size);
    const change begun = begin_change();
    const int failure = ml_real.munmap(address, size);
    const int result = errno;
    if (begun.thread && failure == 0)
        take_out(begun.thread, (uintptr_t)address, (uintptr_t)address + whole_pages(size), NULL);
    end_change(&begun);
    errno = result;
    return failure;
}

/* As realloc: what it returns is an allocation of who called it. Since Linux 6.17 one call moves
 * mappings of several kinds, which then lie beside each other as before. */
static void moved(const change *begun, uintptr_t old, uintptr_t old_bytes, uintptr_t new,
                  uintptr_t bytes, int flags)
{
    ml_thread *thread = begun->thread;
    if (new == old && bytes <= old_bytes) { /* its end was cut off */
        take_out(thread, new + bytes, old + old_bytes, NULL);
        return;
    }
    runs found = {0};
    if (!(flags & MREMAP_DONTUNMAP))
        take_out(thread, old, old + old_bytes, &found);
    take_out(thread, new, new + bytes, NULL);
    if (begun->is_paused)
        return;
    if (found.count == 0)
        note_run(&found, old, ML_ALLOCATOR_MMAP);
    for (uint32_t i = 0; i < found.count; i++) {
        const uintptr_t first = i == 0 ? 0 : found.of[i].start - old;
        const uintptr_t behind = i + 1 < found.count ? found.of[i + 1].start - old : bytes;
        enter(thread, new + first, behind - first, found.of[i].allocator);
    }
}

static void *hooked_mremap(void *address, size_t old_size, size_t size, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    void *wanted = flags & MREMAP_FIXED ? va_arg(more, void *) : NULL;
    va_end(more);
    const change begun = begin_change();
    void *mapping = ml_real.mremap(address, old_size, size, flags, wanted);
    const int result = errno;
    if (begun.thread && mapping != MAP_FAILED)
        moved(&begun, (uintptr_t)address, whole_pages(old_size), (uintptr_t)mapping,
              whole_pages(size), flags);
    end_change(&begun);
    errno = result;
    return mapping;
}

static int hooked_mprotect(void *address, size_t size, int protection)
{
    if (protection == PROT_NONE ||
        atomic_load_explicit(&ml_mappings.count, memory_order_relaxed) == 0)
        return ml_real.mprotect(address, size, protection);
    const change begun = begin_change();
    const int failure = ml_real.mprotect(address, size, protection);
    const int result = errno;
    if (begun.thread && failure == 0)
        commit(begun.thread, (uintptr_t)address, (uintptr_t)address + whole_pages(size));
    end_change(&begun);
    errno = result;
    return failure;
}

void ml_mapping_hooks(ml_allocation_functions *hooks)
{
    page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
    hooks->mmap = hooked_mmap;
    hooks->mmap64 = hooked_mmap64;
    hooks->munmap = hooked_munmap;
    hooks->mremap = hooked_mremap;
    hooks->mprotect = hooked_mprotect;
}

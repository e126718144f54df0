/* What the core needs of the compiler and the operating system, in one place.
 *
 * Memory of the recorder comes from mmap alone: the core runs inside other people's allocators, and
 * must never call back into one. */
#ifndef MEMLYZE_PLATFORM_H
#define MEMLYZE_PLATFORM_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

/* For variables that hooks look at: without it, each access from another file would first load the
 * variable's address from a table (-fvisibility=hidden is about definitions alone). */
#define ML_INTERNAL __attribute__((visibility("hidden")))

/* For thread-local variables. glibc has any other kind of a library that is loaded late allocated
 * at the first access, with malloc. musl has them all there beforehand, and no room for this kind.
 */
#if defined(__GLIBC__)
#define ML_THREAD_LOCAL __thread __attribute__((tls_model("initial-exec")))
#else
#define ML_THREAD_LOCAL __thread
#endif

#define ML_LIKELY(x) __builtin_expect(!!(x), 1)
#define ML_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define ML_NOINLINE __attribute__((noinline))
#define ML_INLINE static inline __attribute__((always_inline))

#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

/* Past the C library's functions: those may lead to the recorder's own hooks. */
ML_INLINE void *ml_system_map(void *address, size_t bytes, int flags)
{
#if defined(__linux__) && defined(SYS_mmap)
    return (void *)syscall(SYS_mmap, address, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
#else
    return mmap(address, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
#endif
}

/* ---- addresses of the recorder's own
 *
 * The kernel gives the highest free addresses. Those may be a hole that the program has just made
 * with munmap, to map something else into it: a program with one thread may rely on nobody being
 * faster, and would map over the recorder's memory. So the recorder takes addresses one after the
 * other where the kernel puts nothing of its own accord: between 24 and 36 TiB. Without a limit of
 * the stack it goes downwards from 21 TiB, in its old layout upwards from 43, otherwise downwards
 * from nearly 128. They begin anywhere in the first 8 TiB of these, and are the next 4. */
#define ML_OWN_ADDRESSES ((uintptr_t)6 << 42)
#define ML_OWN_ADDRESSES_BYTES ((uintptr_t)1 << 42)
#define ML_OWN_ADDRESSES_TRIED 16
#define ML_HUGE_PAGE_BYTES ((uintptr_t)1 << 21)
#if defined(__x86_64__)
#define ML_LARGEST_PAGE_BYTES ((uintptr_t)1 << 12)
#else
#define ML_LARGEST_PAGE_BYTES ((uintptr_t)1 << 16)
#endif

/* How many bytes of them were taken so far. One for each library: weak, so that it needs no source
 * file of its own. */
__attribute__((weak, visibility("hidden"))) _Atomic uintptr_t ml_own_addresses_taken;

/* MAP_FAILED: nothing could be had there. */
ML_INLINE void *ml_map_at_own_addresses(size_t bytes, int flags)
{
#if defined(__linux__) && defined(MAP_FIXED_NOREPLACE) && UINTPTR_MAX > UINT32_MAX
    const bool may_be_huge = bytes >= ML_HUGE_PAGE_BYTES;
    const uintptr_t unit = may_be_huge ? ML_HUGE_PAGE_BYTES : ML_LARGEST_PAGE_BYTES;
    const uintptr_t whole = (bytes + ML_LARGEST_PAGE_BYTES - 1) & ~(ML_LARGEST_PAGE_BYTES - 1);
    const uintptr_t taken = whole + (may_be_huge ? unit : 0); /* what aligning may cost */
    /* As random as the address of this library is. */
    const uintptr_t library = (uintptr_t)&ml_own_addresses_taken & ~(uintptr_t)4095;
    const uintptr_t first = ML_OWN_ADDRESSES + ((library << 4) & (2 * ML_OWN_ADDRESSES_BYTES - 1));
    for (int tried = 0; tried < ML_OWN_ADDRESSES_TRIED; tried++) {
        const uintptr_t place =
            atomic_fetch_add_explicit(&ml_own_addresses_taken, taken, memory_order_relaxed);
        const uintptr_t address = (first + place % ML_OWN_ADDRESSES_BYTES + unit - 1) & ~(unit - 1);
        void *memory = ml_system_map((void *)address, bytes, flags | MAP_FIXED_NOREPLACE);
        if (memory != MAP_FAILED || errno != EEXIST)
            return memory;
    }
#endif
    (void)bytes, (void)flags;
    return MAP_FAILED;
}

/* Zeroed memory straight from the kernel, NULL when there is none. Huge pages are declined: these
 * tables are touched sparsely, and a 2 MiB page for each touch would be memory of the program's.
 *
 * Unreserved and left out of core dumps: hardly anybody asks for both, so the kernel's list of
 * mappings tells which are the recorder's (memory_maps.h), and merges none of them with others. */
ML_INLINE void *ml_map(size_t bytes)
{
    const int error = errno;
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *memory = ml_map_at_own_addresses(bytes, flags);
    if (memory == MAP_FAILED)
        memory = ml_system_map(NULL, bytes, flags);
    if (memory == MAP_FAILED)
        return NULL;
    errno = error;
#ifdef MADV_NOHUGEPAGE
    madvise(memory, bytes, MADV_NOHUGEPAGE);
#endif
#ifdef MADV_DONTDUMP
    madvise(memory, bytes, MADV_DONTDUMP);
#endif
    return memory;
}

/* For a large table that is filled all over: there huge pages save most of the misses of address
 * translation, and waste nothing. */
ML_INLINE void *ml_map_dense(size_t bytes)
{
    void *memory = ml_map(bytes);
#ifdef MADV_HUGEPAGE
    if (memory && bytes >= (size_t)8 << 20)
        madvise(memory, bytes, MADV_HUGEPAGE);
#endif
    return memory;
}

ML_INLINE void ml_unmap(void *memory, size_t bytes)
{
    if (!memory)
        return;
#if defined(__linux__) && defined(SYS_munmap)
    syscall(SYS_munmap, memory, bytes);
#else
    munmap(memory, bytes);
#endif
}

/* Gives the pages back and leaves the mapping readable as zeros: safe while a late reader may still
 * look. */
ML_INLINE void ml_zero_pages(void *memory, size_t bytes)
{
    if (memory)
        madvise(memory, bytes, MADV_DONTNEED);
}

/* A lock that can be taken inside an allocator: no allocation, no owner record, re-initialised
 * after fork by storing zero. Held for tens of nanoseconds; a waiter that was unlucky yields its
 * time slice. */
typedef atomic_int ml_spinlock;

/* Returns when the lock is free, or may be (session.c). */
void ml_lock_wait(const ml_spinlock *lock);

/* Of this thread: how many locks it holds, or is about to, and the signal that has to wait until it
 * holds none (fatal_signals.c), 0: there is none. */
extern ML_INTERNAL ML_THREAD_LOCAL volatile int ml_locks_held, ml_signal_put_off;
void ml_raise_put_off(void);

ML_INLINE void ml_lock(ml_spinlock *lock)
{
    ml_locks_held++;
    while (ML_UNLIKELY(atomic_exchange_explicit(lock, 1, memory_order_acquire) != 0))
        ml_lock_wait(lock);
}

ML_INLINE void ml_unlock(ml_spinlock *lock)
{
    atomic_store_explicit(lock, 0, memory_order_release);
    if (--ml_locks_held == 0 && ML_UNLIKELY(ml_signal_put_off != 0))
        ml_raise_put_off();
}

/* A finaliser for hash tables over addresses and small ids (the constants of splitmix64, Steele et
 * al. 2014). */
ML_INLINE uint64_t ml_mix(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9ull;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

#endif

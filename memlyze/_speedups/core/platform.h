/* What the core needs of the compiler and the operating system, in one place.
 *
 * Memory of the recorder comes from mmap alone: the core runs inside other people's allocators, and
 * must never call back into one. */
#ifndef MEMLYZE_PLATFORM_H
#define MEMLYZE_PLATFORM_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

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
ML_INLINE void *ml_system_map(size_t bytes, int flags)
{
#if defined(__linux__) && defined(SYS_mmap)
    return (void *)syscall(SYS_mmap, NULL, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
#else
    return mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
#endif
}

/* Zeroed memory straight from the kernel, NULL when there is none. Huge pages are declined: these
 * tables are touched sparsely, and a 2 MiB page for each touch would be memory of the program's.
 *
 * Unreserved and left out of core dumps: hardly anybody asks for both, so the kernel's list of
 * mappings tells which are the recorder's (memory_maps.h), and merges none of them with others. */
ML_INLINE void *ml_map(size_t bytes)
{
    void *memory = ml_system_map(bytes, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
    if (memory == MAP_FAILED)
        return NULL;
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

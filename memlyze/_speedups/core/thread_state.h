/* What the recorder keeps for each thread of the program. Only that thread writes to it, save where
 * noted. */
#ifndef MEMLYZE_THREAD_STATE_H
#define MEMLYZE_THREAD_STATE_H

#include "platform.h"
#include "ring.h"
#include "sampler.h"
#include "stack_cache.h"

#define ML_THREAD_NAME_BYTES 128

typedef struct ml_thread {
    /* What every hook looks at, together in few cache lines. */
    uint64_t active_session; /* the session that this thread's allocations belong to now; ML_INSIDE
                                within a hook */
    /* What may be allocated before a hook has to look closer: the sampler's budget, lent to the
     * hooks while the thread is outside of them; then there is none in the sampler. Nothing inside,
     * and of a thread that is in no session. So a comparison with the budget, which a hook cannot
     * do without, is the only one that it needs. */
    int64_t open_budget_bytes;
    int64_t surcharge_bytes;
    ml_sampler sampler;
    uint64_t session; /* the session that this state was made up for: what the writer goes by */
    uintptr_t native_handle; /* pthread_self() */
    ml_ring ring;
    int64_t last_time_ns;
    uint64_t next_allocation_id;
    uint64_t next_range_id; /* where the present range of ids ends */
    /* Before the allocation of this id something else is to be told: there are no more ids in the
     * range, or the window or the sampling is another. */
    uint64_t attention_id;
    uint32_t window_id, last_window_id; /* now, and of the last allocation */
    uint8_t sampling, last_sampling; /* the same; the first of the budget, and what comes of it */
    uint32_t thread_id;
    uint32_t pauses; /* how often ml_thread_pause was called without ml_thread_resume */
    /* While a block is had that is to be set apart from others: its size, otherwise 0. */
    size_t set_apart_bytes;
    /* Of the language binding (CPython's context, …); the core does not look inside. */
    void *binding[2];

    ml_stack_cache stacks;

    /* What the writer has read so far; touched by the helper thread alone, at each event: in a
     * cache line in which the program has no business. */
    struct {
        int64_t time_ns;
        uint64_t next_allocation_id;
        uint32_t window_id;
        uint8_t sampling;
        uint32_t stack_numbers; /* of `stack_ids`, in use */
        bool announced;         /* its row in `threads` says all that is known */
        uint64_t measured_head; /* of the ring, when `resident_bytes` was found */
        int64_t resident_bytes; /* of the state and its buffers; 0: not found yet */
    } drained __attribute__((aligned(64)));
    uint32_t *stack_ids;             /* by the thread's own numbers; the helper thread's */
    char name[ML_THREAD_NAME_BYTES]; /* UTF-8, empty: unknown; under the lock of the list */

    uint64_t os_thread_id;
    int64_t start_ns;
    _Atomic bool exited;
    bool is_late; /* perhaps made after all destructors of the thread: nobody tells when it ends */
    struct ml_thread *next; /* in the list of all, under its lock */
} ml_thread;

/* No session has this number: a thread in a hook, or in the recorder itself, is in none. */
#define ML_INSIDE UINT64_MAX

/* 0: not recording. Otherwise the number of the running session: a thread whose state has another
 * one is not (yet) part of it. One comparison answers "recording?", "has this thread a state?", "is
 * it of this session?" and "is it in a hook already?". */
extern ML_INTERNAL _Atomic uint64_t ml_session;
/* The same in a recording of every allocation; 0 in any other. */
extern ML_INTERNAL _Atomic uint64_t ml_exact_session;
void ml_session_open(uint64_t session, bool exact);
void ml_session_close(void);

extern ML_INTERNAL ml_thread ml_no_thread; /* stands in for the state of a thread that has none */

extern ML_INTERNAL ML_THREAD_LOCAL ml_thread *ml_current_thread;

/* Makes (or brings up to date) the state of this thread. NULL: not recording, in a hook already, or
 * no memory for it. Touches no allocator but mmap. */
ml_thread *ml_thread_join_session(void);
/* The same for a thread that gives something back, which may be the last that it does. */
ml_thread *ml_thread_join_late(void);
/* The thread of a late state allocates, so its end is not that near. Inside. */
void ml_thread_allocates(ml_thread *thread);

ML_INLINE bool ml_thread_is_recording(const ml_thread *thread)
{
    return ML_LIKELY(thread->active_session ==
                     atomic_load_explicit(&ml_session, memory_order_relaxed));
}

ML_INLINE bool ml_thread_is_recording_all(const ml_thread *thread)
{
    return ML_LIKELY(thread->active_session ==
                     atomic_load_explicit(&ml_exact_session, memory_order_relaxed));
}

/* The state of this thread when it is recording, or can join the recording; otherwise NULL. */
ML_INLINE ml_thread *ml_thread_if_recording(void)
{
    ml_thread *thread = ml_current_thread;
    if (ml_thread_is_recording(thread))
        return thread;
    const bool is_inside = thread->active_session == ML_INSIDE && thread != &ml_no_thread;
    return is_inside ? NULL : ml_thread_join_session(); /* asked again and again within a record */
}

/* Between enter and leave nothing of this thread is recorded: what is allocated there is the
 * recorder's, or counted already. Only for a thread that is recording. */
ML_INLINE void ml_thread_enter(ml_thread *thread)
{
    thread->active_session = ML_INSIDE;
    thread->sampler.budget_bytes += thread->open_budget_bytes; /* 0 where it is inside already */
    thread->open_budget_bytes = 0;
}

ML_INLINE void ml_thread_leave(ml_thread *thread)
{
    thread->active_session = thread->session;
    thread->open_budget_bytes = thread->sampler.budget_bytes;
    thread->sampler.budget_bytes = 0;
}

/* The same where every allocation is recorded: there the budget is below zero for good. */
ML_INLINE void ml_thread_enter_exact(ml_thread *thread)
{
    thread->active_session = ML_INSIDE;
}

ML_INLINE void ml_thread_leave_exact(ml_thread *thread)
{
    thread->active_session = thread->session;
}

/* Whether the thread may have so much, less than ML_VAST_BYTES, without a closer look; then it is
 * spent. Never inside, not even no bytes. A thread whose session has ended meanwhile finds out when
 * the last budget is used up. */
ML_INLINE bool ml_thread_may_have(ml_thread *thread, size_t size)
{
    const int64_t budget = thread->open_budget_bytes - (int64_t)size - thread->surcharge_bytes;
    if (ML_UNLIKELY(budget <= 0))
        return false;
    thread->open_budget_bytes = budget;
    return true;
}

/* A budget may be drawn anew at any moment that does not depend on what is left of it: the
 * exponential distribution has no memory. For a thread to do so at its next allocation, the helper
 * thread puts a debt in place of what is lent. Where the thread is just spending of that, or going
 * in or out of a hook, nothing may have come of it: it is to be tried again. */
#define ML_BUDGET_TAKEN (-((int64_t)1 << 53))
ML_INLINE void ml_thread_take_budget(ml_thread *thread)
{
    if (__atomic_load_n(&thread->open_budget_bytes, __ATOMIC_RELAXED) > 0)
        __atomic_store_n(&thread->open_budget_bytes, ML_BUDGET_TAKEN, __ATOMIC_RELAXED);
}

/* Inside: whether that has happened. No draw and no block comes near half of it. */
ML_INLINE bool ml_thread_has_debt(const ml_thread *thread)
{
    return thread->sampler.budget_bytes < ML_BUDGET_TAKEN / 2;
}

/* The state of this thread when it is inside, and of the running session; otherwise NULL. Nothing
 * that it allocates is recorded, but blocks that were recorded before may die there: a collection
 * runs, a cache is emptied. */
ML_INLINE ml_thread *ml_thread_if_inside(void)
{
    ml_thread *thread = ml_current_thread;
    const bool is_inside = thread->active_session == ML_INSIDE && thread->ring.words &&
                           thread->session == atomic_load(&ml_session);
    return is_inside ? thread : NULL;
}

/* Enter and leave for code that knows not whether the thread is paused already; counted. */
ML_INLINE void ml_thread_pause(ml_thread *thread)
{
    thread->pauses++;
    ml_thread_enter(thread);
}

ML_INLINE void ml_thread_resume(ml_thread *thread)
{
    if (--thread->pauses == 0)
        ml_thread_leave(thread);
}

/* The list of all states. The helper thread walks it, under the lock. */
extern ML_INTERNAL ml_thread *ml_threads;
extern ML_INTERNAL ml_spinlock ml_threads_lock;

/* The block that stands for a thread's anchor was freed. */
void ml_threads_end_anchor(uintptr_t block);

/* Tells the name of a thread of the program, now or before its first allocation. */
void ml_thread_set_name(uint64_t os_thread_id, const char *name);

/* From now on the helper thread walks the list: the states of threads that end are then its to
 * free, since it may be looking at any of them, of earlier sessions too. */
void ml_threads_begin_reading(void);

/* Unlinks a state whose thread has ended and whose ring is empty, and frees it. Under the lock.
 * `before`: one that stands before it in the list, NULL: none is known. */
void ml_thread_release(ml_thread *thread, ml_thread *before);
/* Finds out which threads with a late state have ended meanwhile. By the helper thread. */
void ml_threads_look_after_late(void);
/* The helper thread looks at the list no more: frees the states of all threads that have ended. */
void ml_threads_end_reading(void);
/* What the states of this session's threads take of physical memory. */
int64_t ml_threads_resident_bytes(uint64_t session);
void ml_threads_after_fork(void);

/* The next allocation is in another window, or under another sampling, than the one before. */
ML_INLINE bool ml_thread_has_news(const ml_thread *thread)
{
    return thread->window_id != thread->last_window_id || thread->sampling != thread->last_sampling;
}

ML_INLINE void ml_thread_set_window(ml_thread *thread, uint32_t window_id)
{
    thread->window_id = window_id;
    thread->attention_id =
        ml_thread_has_news(thread) ? thread->next_allocation_id : thread->next_range_id;
}

ML_INLINE void ml_thread_set_sampling(ml_thread *thread, uint8_t sampling)
{
    if (thread->sampling == sampling)
        return;
    __atomic_store_n(&thread->sampling, sampling, __ATOMIC_RELAXED); /* the helper thread looks */
    ml_thread_set_window(thread, thread->window_id);
}

/* Ids are handed to threads in ranges, so that no counter is shared by each allocation. */
#define ML_ID_RANGE_BITS 16
void ml_thread_next_range(ml_thread *thread);

#endif

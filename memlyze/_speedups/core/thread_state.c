#include "thread_state.h"

#include "recorder.h"
#include "resident_pages.h"

#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

_Atomic uint64_t ml_session, ml_exact_session;
ml_thread ml_no_thread = {.active_session = UINT64_MAX, .session = UINT64_MAX};
__thread ml_thread *ml_current_thread = &ml_no_thread;
ml_thread *ml_threads;
ml_spinlock ml_threads_lock;
static bool list_is_read; /* under the lock */

void ml_session_open(uint64_t session, bool exact)
{
    /* What is left of a budget of an earlier session. A thread that is in a hook at this moment, of
     * malloc's, may spend the rest of it first. */
    ml_lock(&ml_threads_lock);
    for (ml_thread *thread = ml_threads; thread; thread = thread->next)
        __atomic_store_n(&thread->open_budget_bytes, 0, __ATOMIC_RELAXED);
    ml_unlock(&ml_threads_lock);
    atomic_store(&ml_exact_session, exact ? session : 0);
    atomic_store(&ml_session, session);
}

void ml_session_close(void)
{
    atomic_store(&ml_exact_session, 0);
    atomic_store(&ml_session, 0);
}

/* Set when this thread's state was taken down, which is when it ends. */
static ML_THREAD_LOCAL bool is_ending;

static pthread_key_t exit_key;
static pthread_once_t exit_key_once = PTHREAD_ONCE_INIT;

static uint64_t os_thread_id(void)
{
#if defined(__linux__)
    return (uint64_t)syscall(SYS_gettid);
#elif defined(__APPLE__)
    uint64_t id = 0;
    pthread_threadid_np(NULL, &id);
    return id;
#else
    return (uint64_t)(uintptr_t)pthread_self();
#endif
}

static void unmap_stack_cache(ml_thread *thread)
{
    ml_unmap(thread->stacks.frames, thread->stacks.capacity * sizeof(ml_cached_frame));
    ml_unmap(thread->stacks.scratch, thread->stacks.capacity * sizeof(void *));
    ml_unmap(thread->stacks.depth_hint, ML_DEPTH_HINTS * sizeof(uint16_t));
    ml_unmap(thread->stacks.known_codes, ML_KNOWN_CODES * sizeof(ml_known_code));
    ml_unmap(thread->stacks.known_children,
             ((size_t)thread->stacks.known_children_mask + 1) * sizeof(ml_known_child));
    ml_unmap(thread->stacks.stacks, thread->stacks.capacity * sizeof(uint32_t));
    ml_unmap(thread->stack_ids, thread->stacks.max_numbers * sizeof(uint32_t));
    memset(&thread->stacks, 0, sizeof thread->stacks);
    thread->stack_ids = NULL;
}

void ml_thread_release(ml_thread *thread, ml_thread *before)
{
    for (ml_thread **link = before ? &before->next : &ml_threads; *link; link = &(*link)->next)
        if (*link == thread) {
            *link = thread->next;
            break;
        }
    ml_ring_destroy(&thread->ring);
    unmap_stack_cache(thread);
    ml_unmap(thread, sizeof *thread);
}

/* Other thread-local destructors, and the C library, may still free memory after this one: they
 * find no state, and make a new one. It may come too late for this to be called again. */
static void thread_exits(void *state)
{
    ml_thread *thread = state;
    is_ending = true;
    ml_current_thread = &ml_no_thread;
    ml_lock(&ml_threads_lock);
    atomic_store_explicit(&thread->exited, true, memory_order_release);
    if (!list_is_read)
        ml_thread_release(thread, NULL); /* or the helper does it, once it has read the ring */
    bool is_last = true;
    for (const ml_thread *other = ml_threads; other && is_last; other = other->next)
        is_last = atomic_load_explicit(&other->exited, memory_order_relaxed);
    ml_unlock(&ml_threads_lock);
    if (is_last)
        ml_recorder_end_with_last_thread();
}

static void make_exit_key(void)
{
    pthread_key_create(&exit_key, thread_exits);
}

/* Names told of threads that have not allocated yet; the oldest makes room. */
#define NAMES_AHEAD 64
static struct {
    uint64_t os_thread_id;
    char name[ML_THREAD_NAME_BYTES];
} names_ahead[NAMES_AHEAD];
static unsigned next_name_ahead;

void ml_threads_end_anchor(uintptr_t block)
{
    ml_lock(&ml_threads_lock);
    for (ml_thread *thread = ml_threads; thread; thread = thread->next)
        if (atomic_load_explicit(&thread->stacks.anchor_block, memory_order_relaxed) == block)
            atomic_store_explicit(&thread->stacks.anchor_block, 0, memory_order_relaxed);
    ml_unlock(&ml_threads_lock);
}

static void copy_name(char *to, const char *from)
{
    size_t length = strnlen(from, ML_THREAD_NAME_BYTES - 1);
    if (from[length]) /* cut: not within a character */
        while (length && ((uint8_t)from[length] & 0xc0) == 0x80)
            length--;
    memcpy(to, from, length);
    to[length] = 0;
}

void ml_thread_set_name(uint64_t os_thread_id, const char *name)
{
    bool found = false;
    ml_lock(&ml_threads_lock);
    for (ml_thread *thread = ml_threads; thread; thread = thread->next)
        if (thread->os_thread_id == os_thread_id && !atomic_load(&thread->exited)) {
            copy_name(thread->name, name);
            thread->drained.announced = false;
            found = true;
        }
    if (!found) {
        for (unsigned i = 0; i < NAMES_AHEAD; i++) /* numbers of threads are used again */
            if (names_ahead[i].os_thread_id == os_thread_id)
                names_ahead[i].os_thread_id = 0;
        names_ahead[next_name_ahead].os_thread_id = os_thread_id;
        copy_name(names_ahead[next_name_ahead].name, name);
        next_name_ahead = (next_name_ahead + 1) % NAMES_AHEAD;
    }
    ml_unlock(&ml_threads_lock);
}

static void take_name_ahead(ml_thread *thread)
{
    for (unsigned i = 0; i < NAMES_AHEAD; i++)
        if (names_ahead[i].os_thread_id == thread->os_thread_id) {
            memcpy(thread->name, names_ahead[i].name, ML_THREAD_NAME_BYTES);
            names_ahead[i].os_thread_id = 0;
        }
}

void ml_threads_begin_reading(void)
{
    ml_lock(&ml_threads_lock);
    list_is_read = true;
    ml_unlock(&ml_threads_lock);
}

void ml_threads_look_after_late(void)
{
#if defined(__linux__)
    const pid_t process = getpid();
    ml_lock(&ml_threads_lock);
    for (ml_thread *thread = ml_threads; thread; thread = thread->next)
        if (thread->is_late && !atomic_load(&thread->exited) &&
            syscall(SYS_tgkill, process, (pid_t)thread->os_thread_id, 0) != 0)
            atomic_store_explicit(&thread->exited, true, memory_order_release);
    ml_unlock(&ml_threads_lock);
#endif
}

void ml_threads_end_reading(void)
{
    ml_lock(&ml_threads_lock);
    list_is_read = false;
    for (ml_thread *thread = ml_threads, *next; thread; thread = next) {
        next = thread->next;
        if (atomic_load(&thread->exited))
            ml_thread_release(thread, NULL);
    }
    ml_unlock(&ml_threads_lock);
}

/* Pages that were never touched take no memory: of most threads, that is most of what is mapped. */
static int64_t resident_bytes_of_state(const ml_thread *thread)
{
    const ml_stack_cache *cache = &thread->stacks;
    return ml_resident_pages_bytes(thread, sizeof *thread) +
           ml_resident_pages_bytes(thread->ring.words,
                                   ml_ring_capacity(&thread->ring) * sizeof(uint64_t)) +
           ml_resident_pages_bytes(cache->frames, cache->capacity * sizeof(ml_cached_frame)) +
           ml_resident_pages_bytes(cache->scratch, cache->capacity * sizeof(void *)) +
           ml_resident_pages_bytes(cache->stacks, cache->capacity * sizeof(uint32_t)) +
           ml_resident_pages_bytes(cache->depth_hint, ML_DEPTH_HINTS * sizeof(uint16_t)) +
           ml_resident_pages_bytes(cache->known_codes, ML_KNOWN_CODES * sizeof(ml_known_code)) +
           ml_resident_pages_bytes(cache->known_children, ((size_t)cache->known_children_mask + 1) *
                                                              sizeof(ml_known_child)) +
           ml_resident_pages_bytes(thread->stack_ids, cache->max_numbers * sizeof(uint32_t));
}

int64_t ml_threads_resident_bytes(uint64_t session)
{
    int64_t bytes = 0;
    ml_lock(&ml_threads_lock);
    ml_thread *thread = ml_threads;
    ml_unlock(&ml_threads_lock);
    for (; thread; thread = thread->next) {
        if (__atomic_load_n(&thread->session, __ATOMIC_ACQUIRE) != session)
            continue;
        /* Memory is touched as events are put into the ring. A look takes system calls: with each
         * it is longer until the next, and an idle thread costs none. */
        const uint64_t head = atomic_load_explicit(&thread->ring.head, memory_order_acquire);
        if (!thread->drained.resident_bytes ||
            head - thread->drained.measured_head > thread->drained.measured_head / 4) {
            thread->drained.resident_bytes = resident_bytes_of_state(thread);
            thread->drained.measured_head = head;
        }
        bytes += thread->drained.resident_bytes;
    }
    return bytes;
}

void ml_threads_after_fork(void)
{
    ml_thread *thread = ml_current_thread;
    atomic_store(&ml_threads_lock, 0);
    list_is_read = false;
    /* The states of the other threads stay mapped, unused: their owners do not exist here. */
    ml_threads = NULL;
    if (thread == &ml_no_thread)
        return;
    ml_threads = thread;
    thread->next = NULL;
    thread->os_thread_id = os_thread_id();
}

static bool map_buffers(ml_thread *thread)
{
    ml_stack_cache *cache = &thread->stacks;
    const uint32_t depth = ml_recording.max_stack_depth, numbers = ml_recording.stack_numbers,
                   children = ml_recording.known_children;
    if (thread->ring.words && ml_ring_capacity(&thread->ring) != ml_recording.ring_words)
        ml_ring_destroy(&thread->ring);
    if (!thread->ring.words) {
        if (!ml_ring_init(&thread->ring, ml_recording.ring_words))
            return false;
    } else {
        thread->ring.limit = ml_recording.ring_words / 2;
        atomic_store(&thread->ring.tail, 0);
        atomic_store(&thread->ring.head, 0);
    }
    if (cache->capacity != depth) {
        ml_unmap(cache->frames, cache->capacity * sizeof(ml_cached_frame));
        ml_unmap(cache->scratch, cache->capacity * sizeof(void *));
        cache->frames = ml_map(depth * sizeof(ml_cached_frame));
        cache->scratch = ml_map(depth * sizeof(void *));
        ml_unmap(cache->stacks, cache->capacity * sizeof(uint32_t));
        cache->stacks = ml_map(depth * sizeof(uint32_t));
        cache->capacity = depth;
    }
    if (!cache->depth_hint)
        cache->depth_hint = ml_map(ML_DEPTH_HINTS * sizeof(uint16_t));
    if (cache->max_numbers != numbers) {
        ml_unmap(thread->stack_ids, cache->max_numbers * sizeof(uint32_t));
        thread->stack_ids = ml_map(numbers * sizeof(uint32_t));
        cache->max_numbers = numbers;
    }
    if (cache->known_children && cache->known_children_mask + 1 != children) {
        ml_unmap(cache->known_children,
                 ((size_t)cache->known_children_mask + 1) * sizeof(ml_known_child));
        cache->known_children = NULL;
    }
    if (!cache->known_children) {
        cache->known_children = ml_map(children * sizeof(ml_known_child));
        cache->known_children_mask = children - 1;
    }
    if (!cache->known_codes)
        cache->known_codes = ml_map(ML_KNOWN_CODES * sizeof(ml_known_code));
    cache->depth = cache->numbers = 0;
    cache->epoch = cache->seen_to_epoch = 0; /* never the table's: captures start afresh */
    ml_drop_anchor(cache);
    cache->next_wish_ns = INT64_MIN;
    cache->wish_pause_ns = 0;
    cache->wants_frame_objects = false;
    if (cache->frames && cache->stacks && cache->scratch && cache->depth_hint &&
        cache->known_children && cache->known_codes && thread->stack_ids)
        return true;
    unmap_stack_cache(thread); /* so that the next try begins anew */
    return false;
}

/* May allocate: the state says "inside". */
static void leave_to_destructor(ml_thread *thread)
{
    pthread_once(&exit_key_once, make_exit_key);
    pthread_setspecific(exit_key, thread);
}

void ml_thread_allocates(ml_thread *thread)
{
    if (is_ending)
        return;
    thread->is_late = false;
    leave_to_destructor(thread);
}

/* A late state is not left to the thread's destructor: that may have been called for the last time,
 * and what is set after that would be found by another thread, which is given the same stack. */
static ml_thread *join_session(bool is_late)
{
    const uint64_t session = atomic_load_explicit(&ml_session, memory_order_acquire);
    ml_thread *thread = ml_current_thread;
    const bool is_new = thread == &ml_no_thread;
    if (session == 0 || (!is_new && thread->active_session == ML_INSIDE))
        return NULL;
    if (is_new) {
        thread = ml_map(sizeof *thread);
        if (!thread) {
            atomic_fetch_add(&ml_recording.calls_unrecorded, 1);
            return NULL;
        }
        thread->session = ML_INSIDE;
        thread->native_handle = (uintptr_t)pthread_self();
        thread->os_thread_id = os_thread_id();
        thread->is_late = is_late;
    }
    thread->active_session = ML_INSIDE;
    if (!map_buffers(thread)) {
        atomic_fetch_add(&ml_recording.calls_unrecorded, 1);
        if (is_new) /* out of address space: this thread is not recorded */
            ml_thread_release(thread, NULL);
        else
            ml_thread_leave(thread);
        return NULL;
    }
    thread->thread_id = atomic_fetch_add(&ml_recording.next_thread_id, 1);
    thread->start_ns = ml_now_ns();
    thread->last_time_ns = -1;
    thread->window_id = thread->last_window_id = 0;
    memset(thread->binding, 0, sizeof thread->binding);
    memset(&thread->drained, 0, sizeof thread->drained);
    thread->next_allocation_id = thread->next_range_id = thread->attention_id = 0;
    thread->open_budget_bytes = 0;
    thread->sampling = ml_pace_wished(&ml_recording.pace);
    thread->last_sampling = 0;
    thread->surcharge_bytes = ml_recording.samplings[0].surcharge_bytes;
    ml_sampler_seed(&thread->sampler,
                    ml_recording.seed + 0x9e3779b97f4a7c15ull * (thread->thread_id + session));
    ml_sampler_refill(&thread->sampler, &ml_recording.samplings[thread->sampling]);
    ml_lock(&ml_threads_lock);
    __atomic_store_n(&thread->session, session, __ATOMIC_RELEASE);
    take_name_ahead(thread);
    if (is_new) {
        thread->next = ml_threads;
        ml_threads = thread;
    }
    ml_unlock(&ml_threads_lock);
    ml_current_thread = thread;
    if (is_new && !is_late)
        leave_to_destructor(thread);
    ml_thread_leave(thread);
    return thread;
}

ML_NOINLINE ml_thread *ml_thread_join_session(void)
{
    return join_session(is_ending);
}

ML_NOINLINE ml_thread *ml_thread_join_late(void)
{
    return join_session(true);
}

void ml_thread_next_range(ml_thread *thread)
{
    uint64_t range = atomic_fetch_add_explicit(&ml_recording.next_range, 1, memory_order_relaxed);
    thread->next_allocation_id = range << ML_ID_RANGE_BITS;
    thread->next_range_id = (range + 1) << ML_ID_RANGE_BITS;
}

/* The way in: CPython's allocator hooks.
 *
 * A hook calls the allocator that was installed before, and reports what happened. The thread
 * counts as "inside" around that call: an object of more than 512 bytes is handed on to the raw
 * domain, whose hook must not count it again.
 *
 * Where few blocks are recorded, asking at every free whether this is one of them would be most of
 * what a recording costs. So the recorded blocks of pymalloc's are set apart: each is asked for
 * with a size that pymalloc hands on to the raw domain. It then gives them back there, too, where
 * our hook sees it, and the frees of all other blocks go to pymalloc as if nobody recorded.
 * (tcmalloc gives its samples pages of their own for the same reason.) */
#include "allocator_hooks.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "capture.h"

#include "../core/recorder.h"
#include "../native/native_hooks.h"

typedef struct {
    PyMemAllocatorEx wrapped;
    uint32_t allocator;
    /* Up to this size the allocator beneath can be called unguarded: it leads to no other hook. 0
     * where malloc is beneath, and hooked. */
    uint32_t unguarded_bytes;
    /* It is pymalloc: what it hands on to the raw domain comes through our hook there, both ways.
     */
    bool is_pymalloc;
    /* Beneath is another hook of ours, which does not see all that it should. */
    bool is_around_another;
} hooked_domain;

/* Filled before its hook is published and never changed afterwards: a call in flight always finds a
 * whole one. When another tool has removed our hook, the domain is hooked again, perhaps around
 * something else: then another generation serves. */
#define GENERATIONS 8
static hooked_domain domains[GENERATIONS][3];
static int generation_of[3] = {-1, -1, -1};

/* NULL as long as no window was opened: then there is nothing to look up. */
static PyObject *window_variable;
static PyObject *window_variable_to_be;
static PyInterpreterState *window_interpreter; /* the one that it belongs to */
static uint32_t first_window_id; /* of this recording: lower ones are of an earlier one */

/* ---- who is calling
 * ------------------------------------------------------------------------------ */

/* Set when a thread that looks whether its calls come through the hooks of a domain (ML_PROBING)
 * finds that they do. */
static bool probe_seen;
static uint32_t probed_allocator; /* of that domain */

enum { BOUND_CONTEXT, BOUND_VERSION };

/* Tells apart the thread states that a native thread gets one after the other. */
static inline void *context_version(const PyThreadState *python)
{
    return (void *)(uintptr_t)((uint64_t)python->context_ver ^ (uint64_t)python->id << 40);
}

/* The window that the calling code runs in. Looked up only when another context has been entered
 * since the last time, or the variable was set (ml_hooks_window_changed). With the GIL held. */
static inline void update_window(ml_thread *thread, PyThreadState *python)
{
    if (ML_LIKELY(thread->binding[BOUND_CONTEXT] == python->context &&
                  thread->binding[BOUND_VERSION] == context_version(python)))
        return;
    PyObject *value = NULL;
    uint32_t window_id = 0;
    /* Finds, and takes a reference; allocates nothing and runs no code: the key is compared by
     * identity. Another interpreter has another GIL, and must not touch the variable. */
    if (python->context && python->interp == window_interpreter &&
        PyContextVar_Get(window_variable, NULL, &value) == 0 && value) {
        if (PyLong_CheckExact(value))
            window_id = (uint32_t)PyLong_AsUnsignedLong(value);
        Py_DECREF(value); /* the context holds another */
    }
    ml_thread_set_window(thread, window_id < first_window_id ? 0 : window_id);
    thread->binding[BOUND_CONTEXT] = python->context;
    thread->binding[BOUND_VERSION] = context_version(python);
}

/* The Python state of the calling thread, NULL for a native thread that has none. */
ML_INLINE PyThreadState *python_thread(ml_thread *thread, bool is_raw)
{
    if (ML_UNLIKELY(is_raw)) /* perhaps without the GIL: the window stays the last one known */
        return ml_own_python_thread(thread);
    PyThreadState *python = ml_current_python_thread();
    if (!ml_is_state_of(python, thread))
        return NULL;
    if (ML_UNLIKELY(window_variable != NULL))
        update_window(thread, python);
    return python;
}

/* Inside: between enter and leave. `entry`: ml_live_table_new_entry's. */
ML_INLINE void record_with_entry(ml_thread *thread, void *block, size_t size, uint64_t *entry,
                                 uint32_t allocator, bool is_raw)
{
    PyThreadState *python = python_thread(thread, is_raw);
    const uint32_t stack = ML_LIKELY(python != NULL) ? ml_capture_stack(thread, python) : 0;
    if (ML_LIKELY(stack != ML_STACK_DROPPED))
        ml_record_allocation(thread, (uintptr_t)block, size, entry, allocator, stack);
}

static ML_NOINLINE void record(ml_thread *thread, void *block, size_t size, uint32_t allocator)
{
    uint64_t *entry = ml_live_table_new_entry(&ml_recording.live, (uintptr_t)block, size);
    if (!entry)
        ml_live_table_prefetch(&ml_recording.live, (uintptr_t)block);
    record_with_entry(thread, block, size, entry, allocator, allocator == ML_ALLOCATOR_RAW);
}

/* ---- blocks set apart
 * ---------------------------------------------------------------------------- */

/* pymalloc's own blocks are at most this large. */
#define PYMALLOC_BYTES 512

/* Whether recorded blocks of pymalloc's are set apart in this recording. */
ML_INLINE bool sets_apart(const hooked_domain *domain)
{
    return domain->is_pymalloc && ml_live_table_is_filtered(&ml_recording.live);
}

/* What is asked of pymalloc for them. The raw domain's hook, which is asked then, knows better. */
#define APART_BYTES (PYMALLOC_BYTES + 1)

/* Whether a block of this size has to be set apart; the raw domain has larger ones anyway. */
ML_INLINE bool is_to_be_apart(const hooked_domain *domain, size_t size)
{
    return size <= PYMALLOC_BYTES && sets_apart(domain);
}

/* A block that can be recorded. Inside. */
static void *malloc_to_record(const hooked_domain *domain, size_t size, ml_thread *thread)
{
    if (!is_to_be_apart(domain, size))
        return domain->wrapped.malloc(domain->wrapped.ctx, size);
    thread->set_apart_bytes = size ? size : 1;
    void *block = domain->wrapped.malloc(domain->wrapped.ctx, APART_BYTES);
    thread->set_apart_bytes = 0;
    return block;
}

/* What the raw domain is to have for what it was asked for: another tool that wraps our hook, and
 * wants bytes of its own, gets what it asks for. */
ML_INLINE size_t bytes_to_have(const ml_thread *thread, size_t size)
{
    return size == APART_BYTES && thread->set_apart_bytes ? thread->set_apart_bytes : size;
}

/* The block, or another with the same content that can be recorded; NULL: no memory for that. */
static void *moved_to_record(const hooked_domain *domain, void *block, size_t size,
                             ml_thread *thread)
{
    if (!is_to_be_apart(domain, size))
        return block;
    void *apart = malloc_to_record(domain, size, thread);
    if (!apart)
        return NULL;
    memcpy(apart, block, size);
    domain->wrapped.free(domain->wrapped.ctx, block);
    return apart;
}

/* Records a block that was had when its turn has come. The block, or the one in its place. */
ML_INLINE void *record_when_due(const hooked_domain *domain, ml_thread *thread, void *block,
                                size_t size)
{
    if (!ml_sampler_spend(&thread->sampler, size, thread->surcharge_bytes))
        return block;
    void *apart = moved_to_record(domain, block, size, thread);
    if (ML_LIKELY(apart != NULL))
        record(thread, apart, size, domain->allocator);
    ml_recorder_refill(thread);
    return apart ? apart : block;
}

/* ---- the hooks
 * ----------------------------------------------------------------------------------- */

/* Objects of at most this size never reach the raw domain, whatever debug allocator adds to them:
 * the allocator beneath can be called as the last act, unguarded. */
#define SURELY_SMALL_BYTES 256

/* The present thread's state, NULL when this call is not to be recorded. */
static inline ml_thread *recording_thread(const hooked_domain *domain)
{
    ml_thread *thread = ml_thread_if_recording();
    if (ML_UNLIKELY(!thread) && ml_current_thread->pauses >= ML_PROBING &&
        domain->allocator == probed_allocator)
        probe_seen = true;
    return thread;
}

/* The hooks for malloc and free do what is usual without a stack frame of their own, and leave the
 * rest to a function that is called as their last act. They come in kinds, for recordings of all,
 * of many and of few allocations. Each is right in any recording, so it does not matter which of
 * them another tool remembers. */

static ML_NOINLINE void *malloc_and_record(const hooked_domain *domain, size_t size,
                                           ml_thread *thread)
{
    ml_thread_enter(thread);
    const bool is_due = ml_sampler_spend(&thread->sampler, size, thread->surcharge_bytes);
    void *block = is_due ? malloc_to_record(domain, size, thread)
                         : domain->wrapped.malloc(domain->wrapped.ctx, size);
    if (is_due) {
        if (ML_LIKELY(block != NULL))
            record(thread, block, size, domain->allocator);
        else if (is_to_be_apart(domain, size)) /* pymalloc's own may still be had */
            block = domain->wrapped.malloc(domain->wrapped.ctx, size);
        ml_recorder_refill(thread);
    }
    ml_thread_leave(thread);
    return block;
}

/* This thread is not recorded, or not yet. */
static ML_NOINLINE void *malloc_elsewhere(const hooked_domain *domain, size_t size)
{
    ml_thread *thread = recording_thread(domain);
    if (thread)
        return malloc_and_record(domain, size, thread);
    return domain->wrapped.malloc(domain->wrapped.ctx, bytes_to_have(ml_current_thread, size));
}

static void *hooked_malloc(void *context, size_t size)
{
    const hooked_domain *domain = context;
    ml_thread *thread = ml_current_thread;
    if (ML_UNLIKELY(!ml_thread_is_recording(thread)))
        return malloc_elsewhere(domain, size);
    const int64_t budget = thread->sampler.budget_bytes - (int64_t)size - thread->surcharge_bytes;
    if (ML_UNLIKELY(budget < 0 || size > domain->unguarded_bytes))
        return malloc_and_record(domain, size, thread);
    thread->sampler.budget_bytes = budget;
    return domain->wrapped.malloc(domain->wrapped.ctx, size);
}

ML_INLINE void *malloc_exact(const hooked_domain *domain, size_t size, bool is_raw)
{
    ml_thread *thread = ml_current_thread;
    if (ML_UNLIKELY(!ml_thread_is_recording_all(thread)))
        return malloc_elsewhere(domain, size);
    ml_thread_enter(thread);
    void *block = domain->wrapped.malloc(domain->wrapped.ctx, size);
    uint64_t *entry = ml_live_table_new_entry(&ml_recording.live, (uintptr_t)block, size);
    if (ML_LIKELY(entry != NULL))
        record_with_entry(thread, block, size, entry, is_raw ? ML_ALLOCATOR_RAW : domain->allocator,
                          is_raw);
    else if (block)
        record(thread, block, size, domain->allocator);
    ml_thread_leave(thread);
    return block;
}

static void *hooked_malloc_exact(void *context, size_t size)
{
    return malloc_exact(context, size, false);
}

static void *hooked_raw_malloc_exact(void *context, size_t size)
{
    return malloc_exact(context, size, true);
}

static void *hooked_calloc(void *context, size_t count, size_t size)
{
    const hooked_domain *domain = context;
    ml_thread *thread = recording_thread(domain);
    if (ML_UNLIKELY(!thread))
        return domain->wrapped.calloc(domain->wrapped.ctx, count, size);
    ml_thread_enter(thread);
    void *block = domain->wrapped.calloc(domain->wrapped.ctx, count, size);
    if (ML_LIKELY(block != NULL)) /* so the product did not overflow */
        block = record_when_due(domain, thread, block, count * size);
    ml_thread_leave(thread);
    return block;
}

static void *hooked_realloc(void *context, void *block, size_t size)
{
    const hooked_domain *domain = context;
    ml_thread *thread = recording_thread(domain);
    const bool is_inside = !thread;
    if (ML_UNLIKELY(is_inside))
        thread = ml_thread_if_inside();
    if (ML_UNLIKELY(!thread))
        return domain->wrapped.realloc(domain->wrapped.ctx, block, size);
    /* Out of the books before the address can be another thread's, back into them when nothing came
     * of it. */
    ml_live live;
    const bool recorded = block && ml_live_table_may_hold((uintptr_t)block) &&
                          ml_live_table_take(&ml_recording.live, (uintptr_t)block, &live);
    ml_thread_enter(thread);
    void *moved = domain->wrapped.realloc(domain->wrapped.ctx, block, size);
    if (ML_LIKELY(moved != NULL)) {
        if (recorded)
            ml_record_taken(thread, (uintptr_t)block, live);
        if (!is_inside)
            moved = record_when_due(domain, thread, moved, size);
    } else if (recorded) {
        ml_recorder_restore((uintptr_t)block, live);
    }
    if (!is_inside)
        ml_thread_leave(thread);
    return moved;
}

static ML_NOINLINE void free_guarded(const hooked_domain *domain, void *block, ml_thread *thread)
{
    ml_thread_enter(thread); /* the raw domain beneath need not look it up again */
    domain->wrapped.free(domain->wrapped.ctx, block);
    ml_thread_leave(thread);
}

/* Everything but a small block with a direct entry, in a thread that is recording. */
static ML_NOINLINE void free_slowly(const hooked_domain *domain, void *block, uint64_t entry)
{
    ml_thread *recording = recording_thread(domain);
    ml_thread *thread = recording ? recording : ml_thread_if_inside();
    if (thread && block &&
        ml_record_free_slowly(thread, (uintptr_t)block, entry) > SURELY_SMALL_BYTES && recording)
        free_guarded(domain, block, thread);
    else
        domain->wrapped.free(domain->wrapped.ctx, block);
}

static void hooked_free_exact(void *context, void *block)
{
    const hooked_domain *domain = context;
    ml_thread *thread = ml_current_thread;
    uint64_t entry = 0;
    if (ML_LIKELY(ml_thread_is_recording(thread))) {
        /* Before the memory is given back: afterwards it may be another thread's. */
        entry = ml_live_table_take_directly(&ml_recording.live, (uintptr_t)block);
        if (ML_LIKELY(entry != 0 && ML_DIRECT_SIZE(entry) <= SURELY_SMALL_BYTES) &&
            ml_record_free_directly(thread, entry)) {
            domain->wrapped.free(domain->wrapped.ctx, block);
            return;
        }
    }
    free_slowly(domain, block, entry);
}

static ML_NOINLINE void free_after_second_look(const hooked_domain *domain, void *block)
{
    if (ml_live_table_may_still_hold(&ml_recording.live, (uintptr_t)block))
        hooked_free_exact((void *)domain, block);
    else
        domain->wrapped.free(domain->wrapped.ctx, block);
}

static void hooked_free(void *context, void *block)
{
    const hooked_domain *domain = context;
    if (ml_live_table_may_hold((uintptr_t)block))
        free_after_second_look(domain, block);
    else
        domain->wrapped.free(domain->wrapped.ctx, block);
}

static void hooked_free_marked(void *context, void *block)
{
    const hooked_domain *domain = context;
    if (ml_live_table_may_be_marked(&ml_recording.live, (uintptr_t)block))
        hooked_free_exact(context, block);
    else
        domain->wrapped.free(domain->wrapped.ctx, block);
}

/* ---- putting them in place
 * ------------------------------------------------------------------------ */

enum { RAW, MEM, OBJECT };
static const PyMemAllocatorDomain python_domains[3] = {PYMEM_DOMAIN_RAW, PYMEM_DOMAIN_MEM,
                                                       PYMEM_DOMAIN_OBJ};
static const uint32_t allocators[3] = {ML_ALLOCATOR_RAW, ML_ALLOCATOR_MEM, ML_ALLOCATOR_OBJECT};

typedef struct {
    bool malloc, free;
} met_hooks;

/* Which hooks of ours of a domain a block meets that is had from this allocator and given back to
 * it, directly or through another tool that wraps them. */
static met_hooks probe(ml_thread *thread, const PyMemAllocatorEx *allocator, size_t size,
                       int domain)
{
    met_hooks met;
    probed_allocator = allocators[domain];
    ml_thread_pause(thread);
    thread->pauses += ML_PROBING;
    probe_seen = false;
    void *block = allocator->malloc(allocator->ctx, size);
    met.malloc = probe_seen;
    probe_seen = false;
    /* The hooks for free look closer only at what is in the table. */
    const ml_live probing = {0, size, true};
    ml_live other;
    bool inserted = false;
    if (block &&
        ml_live_table_insert(&ml_recording.live, (uintptr_t)block, probing, &other, &inserted))
        ml_record_taken(thread, (uintptr_t)block, other); /* its free was missed */
    allocator->free(allocator->ctx, block);
    met.free = probe_seen;
    if (inserted && !met.free)
        ml_live_table_take(&ml_recording.live, (uintptr_t)block, &other);
    thread->pauses -= ML_PROBING;
    ml_thread_resume(thread);
    return met;
}

/* Does all that is to be recorded in this domain come through a hook of ours? */
static bool in_chain(ml_thread *thread, int domain)
{
    PyMemAllocatorEx present;
    PyMem_GetAllocator(python_domains[domain], &present);
    ml_native_probe_seen = false;
    const met_hooks met = probe(thread, &present, 1, domain);
    for (int generation = 0; generation < GENERATIONS; generation++) {
        hooked_domain *hooked = &domains[generation][domain];
        hooked->unguarded_bytes = ml_native_probe_seen || hooked->is_around_another ? 0
                                  : hooked->is_pymalloc ? PYMALLOC_BYTES
                                                        : SURELY_SMALL_BYTES;
    }
    const int latest = generation_of[domain];
    return met.malloc && (met.free || sets_apart(&domains[latest][domain]));
}

static bool same_allocator(const PyMemAllocatorEx *a, const PyMemAllocatorEx *b)
{
    return a->ctx == b->ctx && a->malloc == b->malloc && a->calloc == b->calloc &&
           a->realloc == b->realloc && a->free == b->free;
}

static PyMemAllocatorEx allocator_around(hooked_domain *hooked)
{
    const PyMemAllocatorEx all = {hooked,
                                  hooked->allocator == ML_ALLOCATOR_RAW ? hooked_raw_malloc_exact
                                                                        : hooked_malloc_exact,
                                  hooked_calloc, hooked_realloc, hooked_free_exact};
    const PyMemAllocatorEx many = {hooked, hooked_malloc, hooked_calloc, hooked_realloc,
                                   hooked_free_marked};
    PyMemAllocatorEx few = {hooked, hooked_malloc, hooked_calloc, hooked_realloc, hooked_free};
    if (atomic_load(&ml_session) == 0)
        return few;
    if (sets_apart(hooked))
        few.free = hooked->wrapped.free; /* which makes no use of the context */
    switch (ml_recording.live.kind) {
    case ML_LIVE_EXACT:
        return all;
    case ML_LIVE_MANY_SAMPLES:
        return many;
    default:
        return few;
    }
}

static void hook(ml_thread *thread, int domain)
{
    PyMemAllocatorEx present;
    PyMem_GetAllocator(python_domains[domain], &present);
    int generation = 0;
    while (generation <= generation_of[domain] &&
           !same_allocator(&domains[generation][domain].wrapped, &present))
        generation++;
    if (generation == GENERATIONS)
        return; /* eight tools took turns; what they leave us is what we see */
    hooked_domain *hooked = &domains[generation][domain];
    if (generation > generation_of[domain]) {
        hooked->wrapped = present;
        hooked->allocator = allocators[domain];
        const met_hooks met = probe(thread, &present, PYMALLOC_BYTES + 1, RAW);
        hooked->is_around_another = probe(thread, &present, 1, domain).malloc;
        /* Without a context it is one of CPython's own, which look at none. */
        hooked->is_pymalloc = domain != RAW && present.ctx == NULL && met.malloc && met.free &&
                              !hooked->is_around_another;
        generation_of[domain] = generation;
    }
    PyMemAllocatorEx ours = allocator_around(hooked);
    PyMem_SetAllocator(python_domains[domain], &ours);
}

/* Where our hook is the outermost: the kind that serves best now. The context stays, so a call of
 * another thread that reads CPython's table in between finds a pair that works. */
static void choose_kind(int domain)
{
    PyMemAllocatorEx present;
    PyMem_GetAllocator(python_domains[domain], &present);
    const hooked_domain *hooked = present.ctx;
    for (int generation = 0; generation <= generation_of[domain]; generation++)
        if (hooked == &domains[generation][domain]) {
            PyMemAllocatorEx ours = allocator_around((hooked_domain *)hooked);
            if (!same_allocator(&ours, &present))
                PyMem_SetAllocator(python_domains[domain], &ours);
        }
}

/* The state of this thread in the present recording, whether it is paused or not; NULL: there is
 * none. */
static ml_thread *present_thread(void)
{
    ml_thread *thread = ml_thread_if_recording();
    if (!thread && ml_current_thread->pauses &&
        ml_current_thread->session == atomic_load(&ml_session))
        thread = ml_current_thread;
    return thread;
}

int ml_hooks_install(void)
{
    int lost = 0;
    ml_thread *thread = present_thread();
    if (!thread)
        return 0;
    for (int domain = 0; domain < 3; domain++) {
        if (in_chain(thread, domain)) {
            choose_kind(domain);
            continue;
        }
        lost += generation_of[domain] >= 0;
        hook(thread, domain);
    }
    return lost;
}

void ml_hooks_settle(void)
{
    for (int domain = 0; domain < 3; domain++)
        choose_kind(domain);
}

void ml_hooks_set_window_variable(PyObject *variable)
{
    window_interpreter = PyThreadState_Get()->interp;
    window_variable_to_be = variable;
}

void ml_hooks_set_first_window(unsigned int window_id)
{
    first_window_id = window_id;
}

void ml_hooks_window_changed(void)
{
    window_variable = window_variable_to_be;
    if (ml_current_thread != &ml_no_thread)
        memset(ml_current_thread->binding, 0, sizeof ml_current_thread->binding);
}

unsigned int ml_hooks_thread_id(void)
{
    ml_thread *thread = present_thread();
    return thread ? thread->thread_id : 0;
}

void ml_hooks_pause_thread(void)
{
    ml_thread *thread = present_thread();
    if (thread)
        ml_thread_pause(thread);
}

void ml_hooks_resume_thread(void)
{
    ml_thread *thread = ml_current_thread;
    if (thread != &ml_no_thread && thread->pauses > 0)
        ml_thread_resume(thread);
}

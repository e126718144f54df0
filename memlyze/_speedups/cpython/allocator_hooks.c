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

#include <string.h>

#include "capture.h"
#include "hooked_domain.h"
#include "present_window.h"

#include "../native/native_hooks.h"

ml_hook_probe ml_probe;

/* ---- who is calling
 * ------------------------------------------------------------------------------ */

/* The Python state of the calling thread, NULL for a native thread that has none. */
ML_INLINE PyThreadState *python_thread(ml_thread *thread, bool is_raw)
{
    if (ML_UNLIKELY(is_raw)) /* perhaps without the GIL */
        return ml_own_python_thread_in_window(thread);
    PyThreadState *python = ml_current_python_thread();
    if (!ml_is_state_of(python, thread))
        return NULL;
    ml_window_update(thread, python);
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

/* What is asked of pymalloc for them. The raw domain's hook, which is asked then, knows better. */
#define APART_BYTES (ML_PYMALLOC_BYTES + 1)

/* Whether a block of this size has to be set apart; the raw domain has larger ones anyway. */
ML_INLINE bool is_to_be_apart(const ml_hooked_domain *domain, size_t size)
{
    return size <= ML_PYMALLOC_BYTES && ml_sets_apart(domain);
}

/* A block that can be recorded. Inside. */
static void *malloc_to_record(const ml_hooked_domain *domain, size_t size, ml_thread *thread)
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
static void *moved_to_record(const ml_hooked_domain *domain, void *block, size_t size,
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
ML_INLINE void *record_when_due(const ml_hooked_domain *domain, ml_thread *thread, void *block,
                                size_t size)
{
    if (!ml_recorder_is_due(thread, size))
        return block;
    void *apart = moved_to_record(domain, block, size, thread);
    if (ML_LIKELY(apart != NULL))
        record(thread, apart, size, domain->allocator);
    ml_recorder_refill(thread);
    return apart ? apart : block;
}

/* ---- the hooks
 * ----------------------------------------------------------------------------------- */

/* The present thread's state, NULL when this call is not to be recorded. */
static inline ml_thread *recording_thread(const ml_hooked_domain *domain)
{
    ml_thread *thread = ml_thread_if_recording();
    if (ML_UNLIKELY(!thread) && ml_current_thread->pauses >= ML_PROBING &&
        domain->allocator == ml_probe.allocator)
        ml_probe.seen = true;
    return thread;
}

/* The hooks for malloc and free do what is usual without a stack frame of their own, and leave the
 * rest to a function that is called as their last act. They come in kinds, for recordings of all,
 * of many and of few allocations, and for none. Each is right in any recording, so it does not
 * matter which of them another tool remembers. */

static ML_NOINLINE void *malloc_attentively(const ml_hooked_domain *domain, size_t size)
{
    ml_thread *thread = recording_thread(domain);
    if (ML_UNLIKELY(!thread))
        return domain->wrapped.malloc(domain->wrapped.ctx, bytes_to_have(ml_current_thread, size));
    ml_thread_enter(thread);
    const bool is_due = ml_recorder_is_due(thread, size);
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

static void *hooked_malloc(void *context, size_t size)
{
    const ml_hooked_domain *domain = context;
    if (ML_UNLIKELY(size > domain->unguarded_bytes || !ml_thread_may_have(ml_current_thread, size)))
        return malloc_attentively(domain, size);
    return domain->wrapped.malloc(domain->wrapped.ctx, size);
}

/* The same above pymalloc, which makes no use of the context and has blocks of these sizes without
 * another domain: nothing more than that is looked at on the way of every object. */
static void *hooked_pymalloc(void *context, size_t size)
{
    const ml_hooked_domain *domain = context;
    if (ML_UNLIKELY(size > ML_PYMALLOC_BYTES || !ml_thread_may_have(ml_current_thread, size)))
        return malloc_attentively(domain, size);
    return domain->wrapped.malloc(context, size);
}

/* Inside, in a recording of all: what the allocator beneath has answered. */
ML_INLINE void record_exactly(const ml_hooked_domain *domain, ml_thread *thread, void *block,
                              size_t size, bool is_raw)
{
    uint64_t *entry = ml_live_table_new_entry(&ml_recording.live, (uintptr_t)block, size);
    if (ML_LIKELY(entry != NULL))
        record_with_entry(thread, block, size, entry, is_raw ? ML_ALLOCATOR_RAW : domain->allocator,
                          is_raw);
    else if (block)
        record(thread, block, size, domain->allocator);
}

ML_INLINE void *malloc_exact(const ml_hooked_domain *domain, size_t size, bool is_raw)
{
    ml_thread *thread = ml_current_thread;
    if (ML_UNLIKELY(!ml_thread_is_recording_all(thread)))
        return malloc_attentively(domain, size);
    ml_thread_enter_exact(thread);
    void *block = domain->wrapped.malloc(domain->wrapped.ctx, size);
    record_exactly(domain, thread, block, size, is_raw);
    ml_thread_leave_exact(thread);
    return block;
}

static void *hooked_malloc_exact(void *context, size_t size)
{
    return malloc_exact(context, size, false);
}

static ML_NOINLINE void *calloc_attentively(const ml_hooked_domain *domain, size_t count,
                                            size_t size)
{
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

/* Not of the raw domain. */
static void *hooked_calloc_exact(void *context, size_t count, size_t size)
{
    const ml_hooked_domain *domain = context;
    ml_thread *thread = ml_current_thread;
    size_t bytes;
    if (ML_UNLIKELY(__builtin_mul_overflow(count, size, &bytes) ||
                    !ml_thread_is_recording_all(thread)))
        return calloc_attentively(domain, count, size);
    ml_thread_enter_exact(thread);
    void *block = domain->wrapped.calloc(domain->wrapped.ctx, count, size);
    record_exactly(domain, thread, block, bytes, false);
    ml_thread_leave_exact(thread);
    return block;
}

static void *hooked_calloc(void *context, size_t count, size_t size)
{
    const ml_hooked_domain *domain = context;
    size_t bytes;
    if (ML_UNLIKELY(__builtin_mul_overflow(count, size, &bytes) ||
                    bytes > domain->unguarded_bytes ||
                    !ml_thread_may_have(ml_current_thread, bytes)))
        return calloc_attentively(domain, count, size);
    return domain->wrapped.calloc(domain->wrapped.ctx, count, size);
}

static ML_NOINLINE void *realloc_attentively(const ml_hooked_domain *domain, void *block,
                                             size_t size)
{
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

/* A block without a direct entry, if there is one, takes the other way. Not of the raw domain. */
static void *hooked_realloc_exact(void *context, void *block, size_t size)
{
    const ml_hooked_domain *domain = context;
    ml_thread *thread = ml_current_thread;
    if (ML_UNLIKELY(!ml_thread_is_recording_all(thread)))
        return realloc_attentively(domain, block, size);
    uint64_t entry = 0;
    if (block) {
        entry = ml_live_table_take_directly(&ml_recording.live, (uintptr_t)block);
        if (ML_UNLIKELY(entry == 0))
            return realloc_attentively(domain, block, size);
    }
    ml_thread_enter_exact(thread);
    void *moved = domain->wrapped.realloc(domain->wrapped.ctx, block, size);
    if (entry && ML_UNLIKELY(!moved))
        ml_recorder_restore((uintptr_t)block, ml_direct_unpack(entry));
    else if (entry && ML_UNLIKELY(!ml_record_free_directly(thread, entry)))
        ml_record_free_slowly(thread, (uintptr_t)block, entry);
    record_exactly(domain, thread, moved, size, false);
    ml_thread_leave_exact(thread);
    return moved;
}

/* The last act of a realloc after which there is nothing to record. */
static ML_NOINLINE void *realloc_guarded(const ml_hooked_domain *domain, void *block, size_t size,
                                         ml_thread *thread)
{
    ml_thread_enter(thread); /* the block beneath may be the raw domain's, or become so */
    void *moved = domain->wrapped.realloc(domain->wrapped.ctx, block, size);
    ml_thread_leave(thread);
    return moved;
}

static void *hooked_realloc(void *context, void *block, size_t size)
{
    const ml_hooked_domain *domain = context;
    ml_thread *thread = ml_current_thread;
    if (ML_UNLIKELY(ml_live_table_may_hold((uintptr_t)block) || size >= ML_VAST_BYTES ||
                    !ml_thread_may_have(thread, size)))
        return realloc_attentively(domain, block, size);
    return realloc_guarded(domain, block, size, thread);
}

static ML_NOINLINE void free_guarded(const ml_hooked_domain *domain, void *block, ml_thread *thread)
{
    ml_thread_enter(thread); /* the raw domain beneath need not look it up again */
    domain->wrapped.free(domain->wrapped.ctx, block);
    ml_thread_leave(thread);
}

/* Everything but a small block with a direct entry, in a thread that is recording. */
static ML_NOINLINE void free_slowly(const ml_hooked_domain *domain, void *block, uint64_t entry)
{
    ml_thread *recording = recording_thread(domain);
    ml_thread *thread = recording ? recording : ml_thread_if_inside();
    if (thread && block &&
        ml_record_free_slowly(thread, (uintptr_t)block, entry) > ML_SURELY_SMALL_BYTES && recording)
        free_guarded(domain, block, thread);
    else
        domain->wrapped.free(domain->wrapped.ctx, block);
}

static void hooked_free_exact(void *context, void *block)
{
    const ml_hooked_domain *domain = context;
    ml_thread *thread = ml_current_thread;
    uint64_t entry = 0;
    if (ML_LIKELY(ml_thread_is_recording(thread))) {
        /* Before the memory is given back: afterwards it may be another thread's. */
        entry = ml_live_table_take_directly(&ml_recording.live, (uintptr_t)block);
        if (ML_LIKELY(entry != 0 && ML_DIRECT_SIZE(entry) <= ML_SURELY_SMALL_BYTES) &&
            ml_record_free_directly(thread, entry)) {
            domain->wrapped.free(domain->wrapped.ctx, block);
            return;
        }
    }
    free_slowly(domain, block, entry);
}

static ML_NOINLINE void free_after_second_look(const ml_hooked_domain *domain, void *block)
{
    if (!ml_live_table_is_filtered(&ml_recording.live))
        hooked_free_exact((void *)domain, block);
    else if (ml_live_table_may_still_hold(&ml_recording.live, (uintptr_t)block))
        free_slowly(domain, block, 0);
    else
        domain->wrapped.free(domain->wrapped.ctx, block);
}

static void hooked_free(void *context, void *block)
{
    const ml_hooked_domain *domain = context;
    if (ml_live_table_may_hold((uintptr_t)block))
        free_after_second_look(domain, block);
    else
        domain->wrapped.free(domain->wrapped.ctx, block);
}

static void hooked_free_marked(void *context, void *block)
{
    const ml_hooked_domain *domain = context;
    if (ml_live_table_may_be_marked(&ml_recording.live, (uintptr_t)block))
        hooked_free_exact(context, block);
    else
        domain->wrapped.free(domain->wrapped.ctx, block);
}

/* Between recordings: the program is to run as fast as without. */

static inline bool is_idle(void)
{
    return ML_LIKELY(atomic_load_explicit(&ml_session, memory_order_relaxed) == 0);
}

static void *idle_malloc(void *context, size_t size)
{
    const ml_hooked_domain *domain = context;
    return is_idle() ? domain->wrapped.malloc(domain->wrapped.ctx, size)
                     : malloc_attentively(domain, size);
}

static void *idle_calloc(void *context, size_t count, size_t size)
{
    const ml_hooked_domain *domain = context;
    return is_idle() ? domain->wrapped.calloc(domain->wrapped.ctx, count, size)
                     : calloc_attentively(domain, count, size);
}

static void *idle_realloc(void *context, void *block, size_t size)
{
    const ml_hooked_domain *domain = context;
    return is_idle() ? domain->wrapped.realloc(domain->wrapped.ctx, block, size)
                     : realloc_attentively(domain, block, size);
}

/* Where a domain is called while CPython's table of it is exchanged, which happens word by word, a
 * call that has read the context of before may read our function afterwards: it belongs to what was
 * published last. The raw domain is called without the GIL; the others, by interpreters that have
 * one of their own. */
ML_INLINE ml_hooked_domain *own_domain(void *context, int domain)
{
    const uintptr_t offset = (uintptr_t)context - (uintptr_t)ml_hooked_domains;
    return ML_LIKELY(offset < sizeof ml_hooked_domains) ? context : ml_latest_domains[domain];
}

typedef struct {
    void *(*malloc)(void *, size_t), *(*malloc_exact)(void *, size_t);
    void *(*idle_malloc)(void *, size_t);
    void *(*calloc)(void *, size_t, size_t), *(*idle_calloc)(void *, size_t, size_t);
    void *(*realloc)(void *, void *, size_t), *(*idle_realloc)(void *, void *, size_t);
    void (*free)(void *, void *), (*free_marked)(void *, void *), (*free_exact)(void *, void *);
} checked_hooks;

#define CHECKED_HOOKS(name, domain)                                                                \
    static void *name##_malloc(void *context, size_t size)                                         \
    {                                                                                              \
        return hooked_malloc(own_domain(context, domain), size);                                   \
    }                                                                                              \
    static void *name##_malloc_exact(void *context, size_t size)                                   \
    {                                                                                              \
        return malloc_exact(own_domain(context, domain), size, (domain) == ML_RAW);                \
    }                                                                                              \
    static void *name##_idle_malloc(void *context, size_t size)                                    \
    {                                                                                              \
        return idle_malloc(own_domain(context, domain), size);                                     \
    }                                                                                              \
    static void *name##_calloc(void *context, size_t count, size_t size)                           \
    {                                                                                              \
        return hooked_calloc(own_domain(context, domain), count, size);                            \
    }                                                                                              \
    static void *name##_idle_calloc(void *context, size_t count, size_t size)                      \
    {                                                                                              \
        return idle_calloc(own_domain(context, domain), count, size);                              \
    }                                                                                              \
    static void *name##_realloc(void *context, void *block, size_t size)                           \
    {                                                                                              \
        return hooked_realloc(own_domain(context, domain), block, size);                           \
    }                                                                                              \
    static void *name##_idle_realloc(void *context, void *block, size_t size)                      \
    {                                                                                              \
        return idle_realloc(own_domain(context, domain), block, size);                             \
    }                                                                                              \
    static void name##_free(void *context, void *block)                                            \
    {                                                                                              \
        hooked_free(own_domain(context, domain), block);                                           \
    }                                                                                              \
    static void name##_free_marked(void *context, void *block)                                     \
    {                                                                                              \
        hooked_free_marked(own_domain(context, domain), block);                                    \
    }                                                                                              \
    static void name##_free_exact(void *context, void *block)                                      \
    {                                                                                              \
        hooked_free_exact(own_domain(context, domain), block);                                     \
    }

#define NAMES_OF_CHECKED_HOOKS(name)                                                               \
    {name##_malloc,      name##_malloc_exact, name##_idle_malloc,  name##_calloc,                  \
     name##_idle_calloc, name##_realloc,      name##_idle_realloc, name##_free,                    \
     name##_free_marked, name##_free_exact}

CHECKED_HOOKS(raw, ML_RAW)
CHECKED_HOOKS(mem, ML_MEM)
CHECKED_HOOKS(object, ML_OBJECT)

static const checked_hooks checked[ML_DOMAINS] = {
    NAMES_OF_CHECKED_HOOKS(raw), NAMES_OF_CHECKED_HOOKS(mem), NAMES_OF_CHECKED_HOOKS(object)};

static PyMemAllocatorEx checked_hooks_around(ml_hooked_domain *hooked)
{
    const checked_hooks *own = &checked[hooked->domain];
    if (atomic_load(&ml_session) == 0)
        return (PyMemAllocatorEx){hooked, own->idle_malloc, own->idle_calloc, own->idle_realloc,
                                  own->free};
    switch (ml_recording.live.kind) {
    case ML_LIVE_EXACT:
        return (PyMemAllocatorEx){hooked, own->malloc_exact, own->calloc, own->realloc,
                                  own->free_exact};
    case ML_LIVE_MANY_SAMPLES:
        return (PyMemAllocatorEx){hooked, own->malloc, own->calloc, own->realloc, own->free_marked};
    default:
        return (PyMemAllocatorEx){hooked, own->malloc, own->calloc, own->realloc, own->free};
    }
}

PyMemAllocatorEx ml_hooks_around(ml_hooked_domain *hooked)
{
    if (hooked->is_checked)
        return checked_hooks_around(hooked);
    PyMemAllocatorEx few = {hooked, hooked->is_pymalloc ? hooked_pymalloc : hooked_malloc,
                            hooked_calloc, hooked_realloc, hooked_free};
    PyMemAllocatorEx many = few;
    many.free = hooked_free_marked;
    if (atomic_load(&ml_session) == 0)
        return (PyMemAllocatorEx){hooked, idle_malloc, idle_calloc, idle_realloc, hooked_free};
    if (ml_sets_apart(hooked))
        few.free = hooked->wrapped.free; /* which makes no use of the context */
    switch (ml_recording.live.kind) {
    case ML_LIVE_EXACT:
        return (PyMemAllocatorEx){hooked, hooked_malloc_exact, hooked_calloc_exact,
                                  hooked_realloc_exact, hooked_free_exact};
    case ML_LIVE_MANY_SAMPLES:
        return many;
    default:
        return few;
    }
}

/* ---- for the binding
 * ----------------------------------------------------------------------------- */

ml_thread *ml_hooks_present_thread(void)
{
    ml_thread *thread = ml_thread_if_recording();
    if (!thread && ml_current_thread->pauses &&
        ml_current_thread->session == atomic_load(&ml_session))
        thread = ml_current_thread;
    return thread;
}

unsigned int ml_hooks_thread_id(void)
{
    ml_thread *thread = ml_hooks_present_thread();
    return thread ? thread->thread_id : 0;
}

void ml_hooks_pause_thread(void)
{
    ml_thread *thread = ml_hooks_present_thread();
    if (thread)
        ml_thread_pause(thread);
}

void ml_hooks_resume_thread(void)
{
    ml_thread *thread = ml_current_thread;
    if (thread != &ml_no_thread && thread->pauses > 0)
        ml_thread_resume(thread);
}

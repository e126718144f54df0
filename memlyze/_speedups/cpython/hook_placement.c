/* Where our hooks stand. Other tools put theirs around them, or take them out with their own; so it
 * is tried out, time and again, and not assumed. */
#include "allocator_hooks.h"

#include "hooked_domain.h"

#include "../native/native_hooks.h"

ml_hooked_domain ml_hooked_domains[ML_GENERATIONS][ML_DOMAINS];
ml_hooked_domain *ml_latest_domains[ML_DOMAINS];
static int generation_of[ML_DOMAINS] = {-1, -1, -1};

static const PyMemAllocatorDomain python_domains[ML_DOMAINS] = {PYMEM_DOMAIN_RAW, PYMEM_DOMAIN_MEM,
                                                                PYMEM_DOMAIN_OBJ};
static const uint32_t allocators[ML_DOMAINS] = {ML_ALLOCATOR_RAW, ML_ALLOCATOR_MEM,
                                                ML_ALLOCATOR_OBJECT};

typedef struct {
    bool malloc, free;
} met_hooks;

/* Which hooks of ours of a domain a block meets that is had from this allocator and given back to
 * it, directly or through another tool that wraps them. */
static met_hooks probe(ml_thread *thread, const PyMemAllocatorEx *allocator, size_t size,
                       int domain)
{
    met_hooks met;
    ml_probe.allocator = allocators[domain];
    ml_thread_pause(thread);
    thread->pauses += ML_PROBING;
    ml_probe.seen = false;
    void *block = allocator->malloc(allocator->ctx, size);
    met.malloc = ml_probe.seen;
    ml_probe.seen = false;
    /* The hooks for free look closer only at what is in the table. */
    const ml_live probing = {0, size, true, 0};
    ml_live other;
    bool inserted = false;
    if (block &&
        ml_live_table_insert(&ml_recording.live, (uintptr_t)block, probing, &other, &inserted))
        ml_record_taken(thread, (uintptr_t)block, other); /* its free was missed */
    allocator->free(allocator->ctx, block);
    met.free = ml_probe.seen;
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
    for (int generation = 0; generation < ML_GENERATIONS; generation++) {
        ml_hooked_domain *hooked = &ml_hooked_domains[generation][domain];
        hooked->unguarded_bytes = ml_native_probe_seen || hooked->is_around_another ? 0
                                  : hooked->is_pymalloc ? ML_PYMALLOC_BYTES
                                                        : ML_SURELY_SMALL_BYTES;
    }
    const int latest = generation_of[domain];
    return met.malloc && (met.free || ml_sets_apart(&ml_hooked_domains[latest][domain]));
}

static bool same_allocator(const PyMemAllocatorEx *a, const PyMemAllocatorEx *b)
{
    return a->ctx == b->ctx && a->malloc == b->malloc && a->calloc == b->calloc &&
           a->realloc == b->realloc && a->free == b->free;
}

/* From CPython 3.12 on, other interpreters may have a GIL of their own, and call these allocators
 * meanwhile. */
static bool may_be_called_meanwhile(void)
{
#if PY_VERSION_HEX >= 0x030C0000
    return PyInterpreterState_Next(PyInterpreterState_Head()) != NULL;
#else
    return false;
#endif
}

static void hook(ml_thread *thread, int domain)
{
    PyMemAllocatorEx present;
    PyMem_GetAllocator(python_domains[domain], &present);
    int generation = 0;
    while (generation <= generation_of[domain] &&
           !same_allocator(&ml_hooked_domains[generation][domain].wrapped, &present))
        generation++;
    if (generation == ML_GENERATIONS)
        return; /* eight tools took turns; what they leave us is what we see */
    ml_hooked_domain *hooked = &ml_hooked_domains[generation][domain];
    if (generation > generation_of[domain]) {
        hooked->wrapped = present;
        hooked->allocator = allocators[domain];
        hooked->domain = domain;
        const met_hooks met = probe(thread, &present, ML_PYMALLOC_BYTES + 1, ML_RAW);
        hooked->is_around_another = probe(thread, &present, 1, domain).malloc;
        /* Without a context it is one of CPython's own, which look at none. */
        hooked->is_pymalloc = domain != ML_RAW && present.ctx == NULL && met.malloc && met.free &&
                              !hooked->is_around_another;
        generation_of[domain] = generation;
    }
    hooked->is_checked |= domain == ML_RAW || may_be_called_meanwhile();
    ml_latest_domains[domain] = hooked;
    PyMemAllocatorEx ours = ml_hooks_around(hooked);
    atomic_thread_fence(memory_order_release);
    PyMem_SetAllocator(python_domains[domain], &ours);
}

/* Where our hook is the outermost: the kind that serves best now. The context stays, so a call of
 * another thread that reads CPython's table in between finds a pair that works. */
static void choose_kind(int domain)
{
    PyMemAllocatorEx present;
    PyMem_GetAllocator(python_domains[domain], &present);
    const ml_hooked_domain *hooked = present.ctx;
    for (int generation = 0; generation <= generation_of[domain]; generation++)
        if (hooked == &ml_hooked_domains[generation][domain]) {
            PyMemAllocatorEx ours = ml_hooks_around((ml_hooked_domain *)hooked);
            if (!same_allocator(&ours, &present))
                PyMem_SetAllocator(python_domains[domain], &ours);
        }
}

int ml_hooks_install(void)
{
    int lost = 0;
    ml_thread *thread = ml_hooks_present_thread();
    if (!thread)
        return 0;
    for (int domain = 0; domain < ML_DOMAINS; domain++) {
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
    for (int domain = 0; domain < ML_DOMAINS; domain++)
        choose_kind(domain);
}

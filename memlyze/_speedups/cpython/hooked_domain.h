/* A domain of CPython's allocators with our hooks around it: what allocator_hooks.c, whose hooks
 * run in it, and hook_placement.c, which puts them there, share. */
#ifndef MEMLYZE_HOOKED_DOMAIN_H
#define MEMLYZE_HOOKED_DOMAIN_H

#include "compat.h"

#include "../core/recorder.h"

typedef struct {
    PyMemAllocatorEx wrapped;
    /* Up to this size the allocator beneath can be called unguarded: it leads to no other hook. 0
     * where malloc is beneath, and hooked. */
    size_t unguarded_bytes;
    uint32_t allocator;
    int domain;
    /* It was published while calls of it could come that had read the context of before. They may
     * be kept between two instructions for as long as the machine is busy. */
    bool is_checked;
    /* It is pymalloc: what it hands on to the raw domain comes through our hook there, both ways.
     */
    bool is_pymalloc;
    /* Beneath is another hook of ours, which does not see all that it should. */
    bool is_around_another;
} ml_hooked_domain;

/* pymalloc's own blocks are at most this large. */
#define ML_PYMALLOC_BYTES 512
/* Objects of at most this size never reach the raw domain, whatever debug allocator adds to them:
 * the allocator beneath can be called as the last act, unguarded. */
#define ML_SURELY_SMALL_BYTES 256

/* Filled before its hook is published and never changed afterwards: a call in flight always finds a
 * whole one. When another tool has removed our hook, the domain is hooked again, perhaps around
 * something else: then another generation serves. */
#define ML_GENERATIONS 8
enum { ML_RAW, ML_MEM, ML_OBJECT, ML_DOMAINS };
extern ML_INTERNAL ml_hooked_domain ml_hooked_domains[ML_GENERATIONS][ML_DOMAINS];
/* As they were published last. */
extern ML_INTERNAL ml_hooked_domain *ml_latest_domains[ML_DOMAINS];

/* Whether recorded blocks of pymalloc's are set apart in this recording. */
ML_INLINE bool ml_sets_apart(const ml_hooked_domain *domain)
{
    return domain->is_pymalloc && ml_live_table_is_filtered(&ml_recording.live);
}

/* The hooks that serve best now. Each kind is right in any recording, so it does not matter which
 * of them another tool remembers. */
PyMemAllocatorEx ml_hooks_around(ml_hooked_domain *domain);

/* A thread looks whether its calls come through the hooks of a domain (ML_PROBING); `seen` is set
 * when they do. */
typedef struct {
    uint32_t allocator; /* of that domain */
    bool seen;
} ml_hook_probe;

extern ML_INTERNAL ml_hook_probe ml_probe;

/* The state of the calling thread in the present recording, whether it is paused or not; NULL:
 * there is none. */
ml_thread *ml_hooks_present_thread(void);

#endif

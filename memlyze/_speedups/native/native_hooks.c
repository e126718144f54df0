/* Where the hooks of the C library's functions are put in place: in the shim's table, or in the
 * symbol tables of the libraries. */
#include "native_hooks.h"

#include "calling_thread.h"
#include "malloc_hooks.h"
#include "mapping_hooks.h"
#include "real_functions.h"
#include "symbol_patch.h"

bool ml_native_probe_seen;
ml_native_capture ml_capture_native_stack;
_Atomic bool ml_native_is_recorded;

static void publish(const ml_allocation_functions *functions)
{
    ml_allocation_functions *present = ml_preload_shim->present;
    /* Each by itself: a block may be had through a hook and given back past it, or the other way
     * round, around the beginning and the end of any recording. */
#define PUBLISH(name, result, parameters)                                                          \
    __atomic_store_n(&present->name, functions->name, __ATOMIC_RELAXED);
    ML_ALLOCATION_FUNCTIONS(PUBLISH)
#undef PUBLISH
}

/* malloc has a hook for each kind of recording; a pointer that was patched must lead to the right
 * one in the next recording, too. */
static void *(*present_malloc)(size_t size);

static void *patched_malloc(size_t size)
{
    return __atomic_load_n(&present_malloc, __ATOMIC_RELAXED)(size);
}

static void patch(const ml_allocation_functions *hooks)
{
    ml_symbol symbols[ML_MAX_SYMBOLS];
    int count = 0;
#define ADD(name, result, parameters)                                                              \
    if (ml_real.name)                                                                              \
        symbols[count++] =                                                                         \
            (ml_symbol){#name, (void *)(uintptr_t)ml_real.name, (void *)(uintptr_t)hooks->name};
    ML_ALLOCATION_FUNCTIONS(ADD)
#undef ADD
    ml_patch_symbols(symbols, count, ml_preload_shim != NULL);
}

const char *ml_native_install(ml_native_capture capture)
{
    if (!ml_find_real_functions())
        return "the program is not linked with a C library that can be looked into";
    ml_thread *thread = ml_thread_if_recording();
    if (thread)
        ml_thread_enter(thread);
    ml_allocation_functions hooks = ml_real;
    ml_capture_native_stack = capture;
    ml_malloc_hooks(&hooks);
    ml_mapping_hooks(&hooks);
    __atomic_store_n(&present_malloc, hooks.malloc, __ATOMIC_RELAXED);
    atomic_store(&ml_native_is_recorded, true);
    if (ml_preload_shim)
        publish(&hooks);
    hooks.malloc = patched_malloc;
    patch(&hooks);
    if (thread)
        ml_thread_leave(thread);
    return NULL;
}

void ml_native_settle(void)
{
    atomic_store(&ml_native_is_recorded, false);
    if (ml_preload_shim)
        publish(&ml_real);
    if (ml_real.malloc)
        __atomic_store_n(&present_malloc, ml_real.malloc, __ATOMIC_RELAXED);
}

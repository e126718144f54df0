/* glibc counts under the lock of each of its arenas in turn. The helper thread may take these
 * locks, although a hook never may:
 *
 * - Whoever holds one gives it back without waiting for anybody: no hook of ours runs within
 * glibc's malloc, so no thread waits there for room in its ring.
 * - fork() takes all of them itself, and so waits until the helper thread has let go. The child of
 *   a _Fork() or a clone() may call async-signal-safe functions alone, and malloc is none.
 * - A signal handler that interrupted malloc must not call it either. */
#include "malloc_figures.h"

#include <dlfcn.h>
#include <malloc.h>

/* As glibc declares them. The older one counts in int, and wraps around. */
typedef struct {
    size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
} figures_in_size_t;
typedef struct {
    int arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
} figures_in_int;

static figures_in_size_t (*count)(void);
static figures_in_int (*count_in_int)(void);

void ml_malloc_figures_find(void)
{
#if defined(__GLIBC__)
    /* That library's, whatever else has been put before it: jemalloc and tcmalloc have functions of
     * these names too, for heaps that look otherwise. */
    void *library = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
    if (!library)
        return;
    *(void **)&count = dlsym(library, "mallinfo2");
    *(void **)&count_in_int = dlsym(library, "mallinfo");
    dlclose(library);
#endif
}

bool ml_malloc_figures_are_known(void)
{
    return count || count_in_int;
}

bool ml_malloc_figures_read(ml_malloc_figures *figures, int64_t reserved_bytes)
{
    if (count) {
        const figures_in_size_t counted = count();
        *figures = (ml_malloc_figures){(int64_t)counted.arena, (int64_t)counted.uordblks};
        return true;
    }
    if (count_in_int && reserved_bytes <= UINT32_MAX) {
        const figures_in_int counted = count_in_int();
        *figures = (ml_malloc_figures){(uint32_t)counted.arena, (uint32_t)counted.uordblks};
        return true;
    }
    return false;
}

#include "real_functions.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>

ml_allocation_functions ml_real;
const ml_preload *ml_preload_shim;

typedef struct {
    const char *name;
    void *function;
} search;

/* Whether an object defines a symbol itself. The executable may also *name* one that it only calls:
 * where it was linked to a fixed address, the address of the function is then that of its jump
 * table, for the whole program. Called by that address, a hook would come back to itself. */
static bool is_defined(void *function)
{
#if defined(__GLIBC__)
    Dl_info info;
    const ElfW(Sym) *symbol = NULL;
    return dladdr1(function, &info, (void **)&symbol, RTLD_DL_SYMENT) == 0 || !symbol ||
           symbol->st_shndx != SHN_UNDEF;
#else
    (void)function; /* other loaders do not look at what an object only names */
    return true;
#endif
}

static int look_in_object(struct dl_phdr_info *object, size_t bytes, void *context)
{
    (void)bytes;
    search *wanted = context;
    if (!object->dlpi_name || !object->dlpi_name[0]) /* the executable */
        return 0;
    void *handle = dlopen(object->dlpi_name, RTLD_LAZY | RTLD_NOLOAD);
    if (!handle)
        return 0;
    void *function = dlsym(handle, wanted->name);
    dlclose(handle);
    if (function && is_defined(function))
        wanted->function = function;
    return wanted->function != NULL;
}

static void *find(const char *name)
{
    void *function = dlsym(RTLD_DEFAULT, name);
    if (!function || is_defined(function))
        return function;
    search wanted = {name, NULL};
    dl_iterate_phdr(look_in_object, &wanted);
    return wanted.function;
}

/* A program that brings its own malloc is before the shim, too: then nobody calls that. */
static bool is_in_front(const ml_preload *shim)
{
    Dl_info of_shim, of_malloc;
    return dladdr(shim, &of_shim) != 0 && dladdr(find("malloc"), &of_malloc) != 0 &&
           of_shim.dli_fbase == of_malloc.dli_fbase;
}

bool ml_find_real_functions(void)
{
    if (ml_real.malloc)
        return true;
    const ml_preload *shim = dlsym(RTLD_DEFAULT, ML_PRELOAD_SYMBOL);
    if (shim && shim->bytes == sizeof *shim && is_in_front(shim)) {
        ml_real = *shim->real;
        ml_preload_shim = shim;
        return ml_real.malloc != NULL;
    }
    ml_allocation_functions functions;
#define FIND(name, result, parameters) *(void **)&functions.name = find(#name);
    ML_ALLOCATION_FUNCTIONS(FIND)
#undef FIND
    if (!functions.malloc || !functions.calloc || !functions.realloc || !functions.free ||
        !functions.mmap || !functions.munmap || !functions.mprotect)
        return false;
    ml_real = functions;
    return true;
}

bool ml_real_malloc_is_libcs(void)
{
    Dl_info of_malloc, of_libc;
    /* getenv: a function that no allocator brings. */
    return dladdr((void *)(uintptr_t)ml_real.malloc, &of_malloc) != 0 &&
           dladdr(dlsym(RTLD_DEFAULT, "gnu_get_libc_version"), &of_libc) != 0 &&
           of_malloc.dli_fbase == of_libc.dli_fbase;
}

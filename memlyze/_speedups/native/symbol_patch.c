#include "symbol_patch.h"

#include "calling_thread.h"
#include "loaded_object.h"
#include "real_functions.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/auxv.h>

#if defined(__x86_64__)
#define JUMP_SLOT R_X86_64_JUMP_SLOT
#define GLOBAL_DATA R_X86_64_GLOB_DAT
#define ABSOLUTE R_X86_64_64
#elif defined(__aarch64__)
#define JUMP_SLOT R_AARCH64_JUMP_SLOT
#define GLOBAL_DATA R_AARCH64_GLOB_DAT
#define ABSOLUTE R_AARCH64_ABS64
#else
#define JUMP_SLOT UINT32_MAX
#define GLOBAL_DATA UINT32_MAX
#define ABSOLUTE UINT32_MAX
#endif

static ml_symbol symbols[ML_MAX_SYMBOLS + 1]; /* the last one is dlsym */
static int symbol_count, first_patched;
static uint64_t first_letters; /* a bit for each that a symbol begins with */

/* ---- one library
 * ------------------------------------------------------------------------------------------------
 */

static const ml_symbol *find_symbol(const char *name)
{
    if (!(first_letters >> (name[0] & 63) & 1))
        return NULL;
    for (int i = first_patched; i < symbol_count; i++)
        if (strcmp(symbols[i].name, name) == 0)
            return &symbols[i];
    return NULL;
}

/* The part that the loader has made read-only is made so again in the end. */
static void set_pointer(const ml_loaded_object *object, void **slot, void *hook, bool *is_open)
{
    const uintptr_t address = (uintptr_t)slot;
    if (address >= object->relro_start && address < object->relro_end && !*is_open) {
        if (ml_real.mprotect((void *)object->relro_start, object->relro_end - object->relro_start,
                             PROT_READ | PROT_WRITE) != 0)
            return;
        *is_open = true;
    }
    __atomic_store_n(slot, hook, __ATOMIC_RELAXED);
}

static void patch_relocation(const ml_loaded_object *object, const ElfW(Rela) * relocation,
                             bool *is_open)
{
    const uint32_t type = (uint32_t)ELF64_R_TYPE(relocation->r_info);
    if ((type != JUMP_SLOT && type != GLOBAL_DATA && type != ABSOLUTE) || relocation->r_addend != 0)
        return;
    const ElfW(Sym) *called = &object->symbols[ELF64_R_SYM(relocation->r_info)];
    const ml_symbol *symbol = find_symbol(object->strings + called->st_name);
    if (!symbol)
        return;
    void **slot = (void **)(object->base + relocation->r_offset);
    const uintptr_t present = (uintptr_t)__atomic_load_n(slot, __ATOMIC_RELAXED);
    /* Not called yet: it leads to the loader, by way of the library itself. */
    const bool is_unbound = type == JUMP_SLOT && called->st_shndx == SHN_UNDEF &&
                            present >= object->start && present < object->end;
    /* Anything else is another allocator's, or another tool's. */
    if (present == (uintptr_t)symbol->real || is_unbound)
        set_pointer(object, slot, symbol->hook, is_open);
}

static bool is_to_be_skipped(const struct dl_phdr_info *info)
{
    const uintptr_t others[] = {
        (uintptr_t)getauxval(AT_BASE),         /* the dynamic loader */
        (uintptr_t)getauxval(AT_SYSINFO_EHDR), /* the kernel's own */
        (uintptr_t)ml_preload_shim,
        (uintptr_t)symbols, /* ourselves */
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (ml_loaded_object_has(info, others[i]))
            return true;
    return false;
}

static void patch_library(const struct dl_phdr_info *info)
{
    ml_loaded_object object;
    bool is_open = false;
    if (!ml_loaded_object_read(info, &object))
        return;
    for (int table = 0; table < 2; table++)
        for (size_t i = 0; i < object.relocations[table].count; i++)
            patch_relocation(&object, &object.relocations[table].first[i], &is_open);
    if (is_open)
        ml_real.mprotect((void *)object.relro_start, object.relro_end - object.relro_start,
                         PROT_READ);
}

/* ---- all libraries
 * ---------------------------------------------------------------------------------------------- */

/* The libraries that have been looked at, and those that are next. */
typedef struct {
    uintptr_t base;
    const void *headers;
    bool is_done;
} known_library;

static struct {
    known_library *libraries;
    size_t count, capacity;
    unsigned long long added, removed; /* as the loader counted when they were looked at */
} known;

static atomic_bool scanning, scan_again;

static known_library *find_known(const struct dl_phdr_info *object)
{
    for (size_t i = 0; i < known.count; i++)
        if (known.libraries[i].base == object->dlpi_addr &&
            known.libraries[i].headers == object->dlpi_phdr)
            return &known.libraries[i];
    return NULL;
}

static bool need_room(void)
{
    if (known.count < known.capacity)
        return true;
    const size_t capacity = known.capacity ? known.capacity * 2 : 1024;
    known_library *larger = ml_map(capacity * sizeof *larger);
    if (!larger)
        return false;
    if (known.libraries)
        memcpy(larger, known.libraries, known.count * sizeof *larger);
    ml_unmap(known.libraries, known.capacity * sizeof *larger);
    known.libraries = larger;
    known.capacity = capacity;
    return true;
}

static int collect(struct dl_phdr_info *object, size_t bytes, void *unused)
{
    (void)bytes;
    (void)unused;
    if (object->dlpi_subs != known.removed) /* another library may be at the place of one */
        known.count = 0;
    known.removed = object->dlpi_subs;
    known.added = object->dlpi_adds;
    if (!find_known(object) && need_room())
        known.libraries[known.count++] =
            (known_library){object->dlpi_addr, object->dlpi_phdr, is_to_be_skipped(object)};
    return 0;
}

static int patch(struct dl_phdr_info *object, size_t bytes, void *unused)
{
    (void)bytes;
    (void)unused;
    known_library *found = find_known(object);
    if (object->dlpi_subs == known.removed && found && !found->is_done) {
        patch_library(object);
        found->is_done = true;
    }
    return 0;
}

/* A library is in the loader's list before its pointers are filled in and made read-only. The list
 * is read first, then the loader's lock waited for: after that each library that was in the list is
 * ready. */
static void wait_for_loader(void)
{
    void *handle = dlopen(NULL, RTLD_LAZY | RTLD_NOLOAD);
    if (handle)
        dlclose(handle);
}

/* Who comes while another thread scans leaves it to that one: waiting for it could be in a circle
 * with the loader's lock. */
static void scan(void)
{
    atomic_store(&scan_again, true);
    while (atomic_load(&scan_again) && !atomic_exchange(&scanning, true)) {
        while (atomic_exchange(&scan_again, false)) {
            dl_iterate_phdr(collect, NULL);
            wait_for_loader();
            dl_iterate_phdr(patch, NULL);
        }
        atomic_store(&scanning, false);
    }
}

static int look_at_counts(struct dl_phdr_info *object, size_t bytes, void *is_new)
{
    (void)bytes;
    *(bool *)is_new = object->dlpi_adds != known.added || object->dlpi_subs != known.removed;
    return 1;
}

/* ---- looking symbols up
 * ----------------------------------------------------------------------------------------- */

static void look_for_new_libraries(void)
{
    bool is_new = false;
    if (atomic_load_explicit(&ml_native_is_recorded, memory_order_relaxed))
        dl_iterate_phdr(look_at_counts, &is_new);
    if (!is_new)
        return;
    const int error = errno;
    ml_thread *thread = ml_thread_if_recording();
    if (thread)
        ml_thread_enter(thread);
    scan();
    if (thread)
        ml_thread_leave(thread);
    errno = error;
}

static const ml_symbol *symbol_named(const char *name)
{
    for (int i = 0; i < symbol_count; i++)
        if (strcmp(symbols[i].name, name) == 0)
            return &symbols[i];
    return NULL;
}

static ML_NOINLINE void *look_up(void *handle, const char *name, const ml_symbol *symbol)
{
    void *found = dlsym(handle, name);
    return found && found == symbol->real ? symbol->hook : found;
}

#if defined(__has_attribute)
#if __has_attribute(musttail)
#define ML_TAIL_CALL __attribute__((musttail))
#endif
#endif
#ifndef ML_TAIL_CALL
#define ML_TAIL_CALL /* the optimiser sees to it */
#endif

/* What "next" means, and what "default" does, depends on the library that asks; dlsym knows it by
 * its return address. So it is called in the end, in our place. */
static void *hooked_dlsym(void *restrict handle, const char *restrict name)
{
    look_for_new_libraries();
    if (handle != RTLD_NEXT && name) {
        const ml_symbol *symbol = symbol_named(name);
        if (symbol)
            return look_up(handle, name, symbol);
    }
    ML_TAIL_CALL return dlsym(handle, name);
}

/* ---- the way in
 * -------------------------------------------------------------------------------------------------
 */

static void after_fork_in_child(void)
{
    atomic_store(&scanning, false);
}

static void begin(const ml_symbol *given, int count, bool look_ups_alone)
{
    for (; symbol_count < count; symbol_count++)
        symbols[symbol_count] = given[symbol_count];
    symbols[symbol_count++] =
        (ml_symbol){"dlsym", (void *)(uintptr_t)dlsym, (void *)(uintptr_t)hooked_dlsym};
    first_patched = look_ups_alone ? count : 0;
    for (int i = first_patched; i < symbol_count; i++)
        first_letters |= (uint64_t)1 << (symbols[i].name[0] & 63);
    pthread_atfork(NULL, NULL, after_fork_in_child);
}

void ml_patch_symbols(const ml_symbol *given, int count, bool look_ups_alone)
{
    if (symbol_count == 0)
        begin(given, count, look_ups_alone);
    scan();
}

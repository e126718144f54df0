#include "invisible_allocators.h"

#include "loaded_object.h"
#include "real_functions.h"

#include <string.h>
#include <unistd.h>

/* A text that an allocator has in it whatever it is built into, and however much of its symbols was
 * stripped: the name of a variable that it reads from the environment, or what it begins a message
 * with. */
static const struct {
    const char *name, *text;
} allocators[] = {
    {"jemalloc", "<jemalloc>: "},
    {"mimalloc", "mimalloc: "},
    {"tcmalloc", "TCMALLOC_SAMPLE_PARAMETER"},
};

typedef struct {
    const void *except;
    ml_invisible_allocator *found;
    size_t count, room;
} search;

/* An allocator has to get its memory from somewhere: only what calls mmap is looked through. */
static bool calls_mmap(const ml_loaded_object *object)
{
    for (size_t i = 0; i < object->symbol_count; i++) {
        const ElfW(Sym) *symbol = &object->symbols[i];
        const char *name = object->strings + symbol->st_name;
        if (symbol->st_shndx == SHN_UNDEF && name[0] == 'm' &&
            (strcmp(name, "mmap") == 0 || strcmp(name, "mmap64") == 0))
            return true;
    }
    return false;
}

static bool has_text(const struct dl_phdr_info *info, const char *text)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type == PT_LOAD && (part->p_flags & PF_R) && !(part->p_flags & PF_W) &&
            memmem((const void *)(info->dlpi_addr + part->p_vaddr), part->p_filesz, text,
                   strlen(text)))
            return true;
    }
    return false;
}

static int look(struct dl_phdr_info *info, size_t bytes, void *context)
{
    (void)bytes;
    search *searched = context;
    ml_loaded_object object;
    const void *const others[] = {
        searched->except, allocators, /* ourselves */
        (const void *)(uintptr_t)ml_real.malloc /* seen, whichever it is */};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (ml_loaded_object_has(info, (uintptr_t)others[i]))
            return 0;
    if (!ml_loaded_object_read(info, &object) || !calls_mmap(&object))
        return 0;
    for (size_t i = 0; i < sizeof allocators / sizeof *allocators; i++) {
        if (searched->count == searched->room || !has_text(info, allocators[i].text))
            continue;
        ml_invisible_allocator *found = &searched->found[searched->count++];
        found->name = allocators[i].name;
        memset(found->file, 0, sizeof found->file);
        if (info->dlpi_name && info->dlpi_name[0])
            strncpy(found->file, info->dlpi_name, sizeof found->file - 1);
        else if (readlink("/proc/self/exe", found->file, sizeof found->file - 1) < 0)
            found->file[0] = 0;
    }
    return 0;
}

size_t ml_find_invisible_allocators(const void *except, ml_invisible_allocator *found, size_t room)
{
    search searched = {except, found, 0, room};
    if (ml_find_real_functions())
        dl_iterate_phdr(look, &searched);
    return searched.count;
}

#include "invisible_allocators.h"

#include "loaded_object.h"
#include "real_functions.h"

#include <fcntl.h>
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
    unsigned char *buffer;
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

#define ALLOCATORS (sizeof allocators / sizeof *allocators)
#define BUFFER_BYTES ((size_t)1 << 20)
#define LONGEST_TEXT 64

static bool read_fully(int file, unsigned char *to, size_t bytes, off_t offset)
{
    while (bytes) {
        const ssize_t got = pread(file, to, bytes, offset);
        if (got <= 0)
            return false;
        to += got;
        offset += got;
        bytes -= (size_t)got;
    }
    return true;
}

/* Which of the texts are in the parts of a file that are loaded to be read. From the file: what is
 * looked at in memory would be resident from then on. */
static void find_texts(const struct dl_phdr_info *info, int file, unsigned char *buffer,
                       bool has_text[ALLOCATORS])
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || !(part->p_flags & PF_R) || (part->p_flags & PF_W))
            continue;
        size_t kept = 0; /* of the chunk before: a text may lie across */
        for (size_t done = 0; done < part->p_filesz;) {
            const size_t left = part->p_filesz - done;
            const size_t bytes = left < BUFFER_BYTES - kept ? left : BUFFER_BYTES - kept;
            if (!read_fully(file, buffer + kept, bytes, (off_t)(part->p_offset + done)))
                return;
            for (size_t a = 0; a < ALLOCATORS; a++)
                has_text[a] = has_text[a] || memmem(buffer, kept + bytes, allocators[a].text,
                                                    strlen(allocators[a].text));
            done += bytes;
            const size_t held = kept + bytes;
            kept = held < LONGEST_TEXT ? held : LONGEST_TEXT;
            memmove(buffer, buffer + held - kept, kept);
        }
    }
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
    char path[sizeof searched->found->file] = {0};
    if (info->dlpi_name && info->dlpi_name[0])
        strncpy(path, info->dlpi_name, sizeof path - 1);
    else if (readlink("/proc/self/exe", path, sizeof path - 1) < 0)
        return 0;
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    bool has_text[ALLOCATORS] = {false};
    if (file >= 0) {
        find_texts(info, file, searched->buffer, has_text);
        close(file);
    }
    for (size_t a = 0; a < ALLOCATORS; a++)
        if (has_text[a] && searched->count < searched->room) {
            ml_invisible_allocator *found = &searched->found[searched->count++];
            found->name = allocators[a].name;
            memcpy(found->file, path, sizeof path);
        }
    return 0;
}

size_t ml_find_invisible_allocators(const void *except, ml_invisible_allocator *found, size_t room)
{
    search searched = {except, found, 0, room, ml_map(BUFFER_BYTES)};
    if (searched.buffer && ml_find_real_functions())
        dl_iterate_phdr(look, &searched);
    ml_unmap(searched.buffer, BUFFER_BYTES);
    return searched.count;
}

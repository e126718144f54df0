#include "resident_memory.h"

#include "anonymous_memory.h"
#include "malloc_figures.h"
#include "memory_maps.h"

#include <elf.h>
#include <link.h>
#include <string.h>

#define MAPS "/proc/self/smaps"
#define MEMORY "/proc/self/mem"

/* The helper thread's stack and more. */
#define OWN_STACK_BYTES (512 << 10)
/* Files that are told apart; all others are taken together. */
#define MAX_FILES 512

typedef struct {
    uint64_t hash;
    size_t path_at, path_bytes;
    bool is_code, is_shared_memory, is_recorders;
    int64_t mappings, reserved_bytes, resident_bytes, anonymous_bytes;
} mapped_file;

typedef struct {
    int64_t mappings, reserved_bytes, resident_bytes;
} total;

/* The snapshot in the making; the helper thread's alone. */
static struct {
    ml_maps_parser parser;
    ml_anonymous_scan scan;
    uintptr_t own_stack; /* an address in it */
    total totals[ML_RESIDENT_CATEGORIES];
    total heaps, blocks, program_break;
    int64_t heap_bytes; /* of `heaps`, by their heads */
    ml_share pools;
    mapped_file files[MAX_FILES];
    int file_count;
    ml_buffer paths;
    /* The mapping before this one. */
    uintptr_t previous_end, image_start;
    mapped_file *previous_file;
    bool previous_has_no_access;
    char text[16384];
} now;

void ml_resident_open(ml_resident_source *source)
{
    source->maps = source->memory = ml_no_descriptor;
#if defined(__linux__)
    source->maps = ml_descriptor_take(open(MAPS, O_RDONLY | O_CLOEXEC));
    source->memory = ml_descriptor_take(open(MEMORY, O_RDONLY | O_CLOEXEC));
#endif
}

void ml_resident_close(ml_resident_source *source)
{
    ml_descriptor_close(&source->maps);
    ml_descriptor_close(&source->memory);
}

static void add(int category, int64_t mappings, int64_t reserved, int64_t resident)
{
    now.totals[category].mappings += mappings;
    now.totals[category].reserved_bytes += reserved;
    now.totals[category].resident_bytes += resident;
}

/* ---- files
 * --------------------------------------------------------------------------------------- */

static uint64_t hash_path(const char *path, size_t bytes)
{
    uint64_t hash = bytes;
    for (size_t i = 0; i < bytes; i++)
        hash = ml_mix(hash ^ (uint8_t)path[i]);
    return hash;
}

/* NULL: there are too many. */
static mapped_file *file_of(const ml_mapping *mapping)
{
    const uint64_t hash = hash_path(mapping->path, mapping->path_bytes);
    /* Mappings of a file are neighbours, as a rule. */
    for (int i = now.file_count - 1; i >= 0; i--)
        if (now.files[i].hash == hash)
            return &now.files[i];
    if (now.file_count == MAX_FILES ||
        !ml_buffer_append(&now.paths, mapping->path, mapping->path_bytes))
        return NULL;
    mapped_file *file = &now.files[now.file_count++];
    *file = (mapped_file){.hash = hash,
                          .path_at = now.paths.size - mapping->path_bytes,
                          .path_bytes = mapping->path_bytes};
    return file;
}

static bool begins_with(const ml_mapping *mapping, const char *text)
{
    return strncmp(mapping->path, text, strlen(text)) == 0;
}

static bool is_shared_memory(const ml_mapping *mapping)
{
    return begins_with(mapping, "/dev/shm/") || begins_with(mapping, "/memfd:") ||
           begins_with(mapping, "/SYSV") || begins_with(mapping, "/dev/zero");
}

static void add_file(const ml_mapping *mapping)
{
    const int64_t reserved = (int64_t)(mapping->end - mapping->start);
    const uintptr_t own_code = (uintptr_t)&ml_resident_snapshot;
    mapped_file *file = file_of(mapping);
    if (!file) {
        now.previous_file = NULL;
        add(mapping->is_executable ? ML_RESIDENT_CODE : ML_RESIDENT_MAPPED_FILES, 1, reserved,
            mapping->resident_bytes);
        return;
    }
    if (file != now.previous_file)
        now.image_start = mapping->start;
    file->mappings++;
    file->reserved_bytes += reserved;
    file->resident_bytes += mapping->resident_bytes;
    file->anonymous_bytes += mapping->anonymous_bytes;
    file->is_code |= mapping->is_executable || mapping->path[0] == '[';
    file->is_shared_memory |= is_shared_memory(mapping);
    file->is_recorders |= own_code >= mapping->start && own_code < mapping->end;
    now.previous_file = file;
}

/* Where the executable or library ends whose first page is at `start`: behind the variables that
 * begin as zeros, which have no bytes in the file. 0: it is none. */
static uintptr_t image_end(uintptr_t start)
{
    ElfW(Ehdr) head;
    ElfW(Phdr) part;
    uintptr_t first = UINTPTR_MAX, last = 0;
    const int memory = now.scan.memory;
    if (!ml_memory_read(memory, start, &head, sizeof head) ||
        memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_phentsize != sizeof part)
        return 0;
    for (unsigned i = 0; i < head.e_phnum && i < 64; i++) {
        if (!ml_memory_read(memory, start + head.e_phoff + i * sizeof part, &part, sizeof part))
            return 0;
        if (part.p_type != PT_LOAD)
            continue;
        if (part.p_vaddr < first)
            first = part.p_vaddr;
        if (part.p_vaddr + part.p_memsz > last)
            last = part.p_vaddr + part.p_memsz;
    }
    return last > first ? start + (last - (first & ~(uintptr_t)4095)) : 0;
}

/* ---- memory of no file
 * --------------------------------------------------------------------------- */

/* Bytes at the start of an anonymous mapping that belong to the file below it. */
static size_t image_bytes(const ml_mapping *mapping)
{
    const mapped_file *file = now.previous_file;
    /* Of other files nothing is read: they may be slow, and their pages are not there, perhaps. */
    if (!file || !file->is_code || mapping->start != now.previous_end)
        return 0;
    const uintptr_t end = (image_end(now.image_start) + 4095) & ~(uintptr_t)4095;
    if (end <= mapping->start)
        return 0;
    return (end < mapping->end ? end : mapping->end) - mapping->start;
}

static void add_anonymous(const ml_mapping *mapping)
{
    ml_share shares[ML_OWNERS];
    const bool is_above_guard = now.previous_has_no_access && mapping->start == now.previous_end;
    ml_anonymous_divide(&now.scan, mapping, image_bytes(mapping), is_above_guard, shares);
    const ml_share *pools = &shares[ML_OWNER_POOLS], *frames = &shares[ML_OWNER_FRAMES],
                   *heap = &shares[ML_OWNER_HEAP], *block = &shares[ML_OWNER_BLOCK],
                   *stack = &shares[ML_OWNER_STACK], *image = &shares[ML_OWNER_IMAGE],
                   *rest = &shares[ML_OWNER_NOBODY];
    now.pools.reserved_bytes += pools->reserved_bytes;
    now.pools.resident_bytes += pools->resident_bytes;
    now.pools.live_bytes += pools->live_bytes;
    add(ML_RESIDENT_PYTHON_OBJECTS, pools->reserved_bytes != 0, 0, 0);
    add(ML_RESIDENT_PYTHON_FRAMES, frames->reserved_bytes != 0, frames->reserved_bytes,
        frames->resident_bytes);
    now.heaps.mappings += heap->reserved_bytes != 0;
    now.heaps.reserved_bytes += heap->reserved_bytes;
    now.heaps.resident_bytes += heap->resident_bytes;
    now.heap_bytes += heap->live_bytes;
    now.blocks.mappings += block->reserved_bytes != 0;
    now.blocks.reserved_bytes += block->reserved_bytes;
    now.blocks.resident_bytes += block->resident_bytes;
    /* Where the program's lie upon it in one mapping, it counts as one of them. */
    const bool is_own = now.own_stack >= mapping->start && now.own_stack < mapping->end &&
                        stack->reserved_bytes <= OWN_STACK_BYTES;
    add(is_own ? ML_RESIDENT_TRACER : ML_RESIDENT_THREAD_STACKS, stack->reserved_bytes != 0,
        stack->reserved_bytes, stack->resident_bytes);
    if (image->reserved_bytes) {
        mapped_file *file = now.previous_file;
        file->mappings++;
        file->reserved_bytes += image->reserved_bytes;
        file->resident_bytes += image->resident_bytes;
        file->anonymous_bytes += image->resident_bytes;
    }
    /* Without a file and yet executable: made at run time. */
    add(mapping->is_executable ? ML_RESIDENT_CODE : ML_RESIDENT_UNEXPLAINED,
        rest->reserved_bytes != 0, rest->reserved_bytes, rest->resident_bytes);
}

static void add_mapping(void *context, const ml_mapping *mapping)
{
    (void)context;
    const int64_t reserved = (int64_t)(mapping->end - mapping->start);
    const bool is_named = mapping->path[0] == '[' && !begins_with(mapping, "[anon");
    bool is_file = false;
    if (mapping->is_recorders) {
        add(ML_RESIDENT_TRACER, 1, reserved, mapping->resident_bytes);
    } else if (begins_with(mapping, "[stack")) {
        add(ML_RESIDENT_THREAD_STACKS, 1, reserved, mapping->resident_bytes);
    } else if (begins_with(mapping, "[heap]")) {
        now.program_break.mappings++;
        now.program_break.reserved_bytes += reserved;
        now.program_break.resident_bytes += mapping->resident_bytes;
    } else if (mapping->has_file || (is_named && begins_with(mapping, "[v"))) {
        add_file(mapping);
        is_file = true;
    } else if (!mapping->is_accessible) {
        add(ML_RESIDENT_NO_ACCESS, 1, reserved, mapping->resident_bytes);
    } else if (is_named) {
        add(ML_RESIDENT_UNEXPLAINED, 1, reserved, mapping->resident_bytes);
    } else {
        add_anonymous(mapping);
    }
    if (!is_file)
        now.previous_file = NULL;
    now.previous_has_no_access = !mapping->is_accessible && !mapping->has_file;
    now.previous_end = mapping->end;
}

/* ---- the snapshot
 * -------------------------------------------------------------------------------- */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t beyond(int64_t whole, int64_t part)
{
    return whole > part ? whole - part : 0;
}

static void add_pools(void)
{
    const ml_share *pools = &now.pools;
    const int64_t live = least(pools->live_bytes, pools->resident_bytes);
    add(ML_RESIDENT_PYTHON_OBJECTS, 0, pools->live_bytes, live);
    add(ML_RESIDENT_PYMALLOC_FREE, 0, beyond(pools->reserved_bytes, pools->live_bytes),
        pools->resident_bytes - live);
}

/* Whoever moves the program break has a part of `[heap]`: glibc for its first heap, and any other
 * allocator, such as a preloaded tcmalloc. Of glibc is no more than it counts beside its other
 * heaps; the rest is nobody's. */
static void divide_program_break(int64_t counted_bytes)
{
    total *heaps = &now.heaps;
    const total *whole = &now.program_break;
    const int64_t first_heap = beyond(counted_bytes, now.heap_bytes),
                  reserved = least(whole->reserved_bytes, first_heap),
                  resident = least(whole->resident_bytes, first_heap);
    heaps->mappings += reserved ? whole->mappings : 0;
    heaps->reserved_bytes += reserved;
    heaps->resident_bytes += resident;
    add(ML_RESIDENT_UNEXPLAINED, reserved ? 0 : whole->mappings, whole->reserved_bytes - reserved,
        whole->resident_bytes - resident);
}

/* A block in use may never have been touched, so what is in use can be more than is resident; which
 * pages are those of free blocks is not known. */
static void add_heaps(void)
{
    const total *heaps = &now.heaps;
    ml_malloc_figures figures;
    add(ML_RESIDENT_MALLOC_LIVE, now.blocks.mappings, now.blocks.reserved_bytes,
        now.blocks.resident_bytes);
    const bool is_counted =
        ml_malloc_figures_read(&figures, heaps->reserved_bytes + now.program_break.reserved_bytes);
    divide_program_break(is_counted ? figures.heap_bytes : 0);
    if (!is_counted) {
        add(ML_RESIDENT_UNEXPLAINED, heaps->mappings, heaps->reserved_bytes, heaps->resident_bytes);
        return;
    }
    const int64_t live = least(figures.live_bytes, heaps->resident_bytes);
    add(ML_RESIDENT_MALLOC_LIVE, heaps->mappings, figures.live_bytes, live);
    add(ML_RESIDENT_MALLOC_FREE, 0, beyond(heaps->reserved_bytes, figures.live_bytes),
        heaps->resident_bytes - live);
}

static void put_row(ml_columns *rows, int64_t now_ns, int category, const mapped_file *file,
                    total figures)
{
    const size_t path_bytes = file ? file->path_bytes : 0;
    rows->rows++;
    ml_columns_put(rows, 0, now_ns);
    ml_columns_put(rows, 1, category);
    ml_columns_put_text(rows, 2, file ? now.paths.data + file->path_at : NULL, path_bytes);
    ml_columns_put(rows, 3, figures.mappings);
    ml_columns_put(rows, 4, figures.reserved_bytes);
    ml_columns_put(rows, 5, figures.resident_bytes);
}

static void put_file(ml_columns *rows, int64_t now_ns, const mapped_file *file)
{
    const int category = file->is_recorders       ? ML_RESIDENT_TRACER
                         : file->is_shared_memory ? ML_RESIDENT_SHARED_MEMORY
                         : file->is_code          ? ML_RESIDENT_CODE
                                                  : ML_RESIDENT_MAPPED_FILES;
    total figures = {file->mappings, file->reserved_bytes, file->resident_bytes};
    if (category == ML_RESIDENT_CODE && file->anonymous_bytes) {
        const int64_t data = least(file->anonymous_bytes, file->resident_bytes);
        figures.reserved_bytes -= data;
        figures.resident_bytes -= data;
        put_row(rows, now_ns, ML_RESIDENT_LIBRARY_DATA, file, (total){0, data, data});
    }
    put_row(rows, now_ns, category, file, figures);
}

static bool put_rows(ml_columns *rows, int64_t now_ns)
{
    const size_t most_rows = ML_RESIDENT_CATEGORIES + 2 * (size_t)now.file_count;
    for (int i = 0; i < rows->column_count; i++)
        if (!ml_buffer_reserve(&rows->columns[i],
                               most_rows * ML_VARINT_MAX_BYTES + 2 * now.paths.size))
            return false;
    for (int category = 0; category < ML_RESIDENT_CATEGORIES; category++)
        put_row(rows, now_ns, category, NULL, now.totals[category]);
    for (int i = 0; i < now.file_count; i++)
        put_file(rows, now_ns, &now.files[i]);
    ml_columns_cover_time(rows, now_ns, now_ns);
    return true;
}

static bool is_open(ml_descriptor *descriptor, const char *path)
{
    return descriptor->number >= 0 &&
           (ml_descriptor_is_ours(descriptor) || ml_descriptor_reopen(descriptor, path, O_RDONLY));
}

static bool read_maps(ml_resident_source *source)
{
    if (lseek(source->maps.number, 0, SEEK_SET) != 0)
        return false;
    ml_maps_begin(&now.parser, add_mapping, NULL);
    for (;;) {
        const ssize_t got = read(source->maps.number, now.text, sizeof now.text);
        if (got < 0)
            return false;
        if (got == 0)
            break;
        ml_maps_take(&now.parser, now.text, (size_t)got);
        if (!source->go_on())
            return false;
    }
    ml_maps_end(&now.parser);
    return true;
}

bool ml_resident_snapshot(ml_resident_source *source, ml_columns *rows, int64_t about_bytes,
                          int64_t now_ns)
{
    if (!is_open(&source->maps, MAPS))
        return false;
    const int memory = is_open(&source->memory, MEMORY) ? source->memory.number : -1;
    ml_anonymous_begin(&now.scan, memory, ml_malloc_figures_are_known(), about_bytes);
    now.own_stack = (uintptr_t)&memory;
    memset(now.totals, 0, sizeof now.totals);
    now.heaps = now.blocks = now.program_break = (total){0, 0, 0};
    now.heap_bytes = 0;
    now.pools = (ml_share){0, 0, 0};
    now.file_count = 0;
    now.paths.size = 0;
    now.previous_file = NULL;
    now.previous_end = 0;
    now.previous_has_no_access = false;
    if (!read_maps(source))
        return false;
    add_pools();
    add_heaps();
    return put_rows(rows, now_ns);
}

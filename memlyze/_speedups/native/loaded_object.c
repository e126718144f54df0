#include "loaded_object.h"

#include <string.h>

static uintptr_t page_of(uintptr_t address)
{
    return address & ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1);
}

/* glibc has made these addresses absolute, other loaders leave them as they are in the file. */
static const void *pointer_of(const ml_loaded_object *object, const ElfW(Dyn) * entry)
{
    const uintptr_t address = (uintptr_t)entry->d_un.d_ptr;
    return (const void *)(address < object->base ? object->base + address : address);
}

/* Only the hash table tells how many symbols there are: the last one of the last chain is the last
 * of all. Without a symbol that others may call the chains say nothing: then the symbols before
 * them count, which are those that this object calls. */
static size_t count_of_gnu_hash(const uint32_t *table)
{
    const uint32_t buckets = table[0], first = table[1], filter_words = table[2];
    const uint32_t *bucket = table + 4 + (size_t)filter_words * (sizeof(ElfW(Addr)) / 4);
    const uint32_t *chain = bucket + buckets;
    uint32_t last = 0;
    for (uint32_t i = 0; i < buckets; i++)
        last = bucket[i] > last ? bucket[i] : last;
    if (last < first)
        return first;
    while (!(chain[last - first] & 1))
        last++;
    return (size_t)last + 1;
}

static void read_dynamic(ml_loaded_object *object, const ElfW(Dyn) * entry)
{
    bool calls_have_addends = false;
    for (; entry && entry->d_tag != DT_NULL; entry++) {
        switch (entry->d_tag) {
        case DT_SYMTAB:
            object->symbols = pointer_of(object, entry);
            break;
        case DT_STRTAB:
            object->strings = pointer_of(object, entry);
            break;
        case DT_HASH:
            object->symbol_count = ((const uint32_t *)pointer_of(object, entry))[1];
            break;
        case DT_GNU_HASH:
            if (object->symbol_count == 0)
                object->symbol_count = count_of_gnu_hash(pointer_of(object, entry));
            break;
        case DT_RELA:
            object->relocations[0].first = pointer_of(object, entry);
            break;
        case DT_RELASZ:
            object->relocations[0].count = entry->d_un.d_val / sizeof(ElfW(Rela));
            break;
        case DT_JMPREL:
            object->relocations[1].first = pointer_of(object, entry);
            break;
        case DT_PLTRELSZ:
            object->relocations[1].count = entry->d_un.d_val / sizeof(ElfW(Rela));
            break;
        case DT_PLTREL:
            calls_have_addends = entry->d_un.d_val == DT_RELA;
            break;
        default:
            break;
        }
    }
    if (!calls_have_addends)
        object->relocations[1].count = 0;
}

bool ml_loaded_object_read(const struct dl_phdr_info *info, ml_loaded_object *object)
{
    memset(object, 0, sizeof *object);
    object->base = info->dlpi_addr;
    object->start = UINTPTR_MAX;
    const ElfW(Dyn) *dynamic = NULL;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        const uintptr_t start = object->base + part->p_vaddr, end = start + part->p_memsz;
        if (part->p_type == PT_DYNAMIC) {
            dynamic = (const ElfW(Dyn) *)start;
        } else if (part->p_type == PT_GNU_RELRO) {
            object->relro_start = page_of(start);
            object->relro_end = page_of(end);
        } else if (part->p_type == PT_LOAD) {
            object->start = start < object->start ? start : object->start;
            object->end = end > object->end ? end : object->end;
        }
    }
    read_dynamic(object, dynamic);
    return object->symbols && object->strings;
}

bool ml_loaded_object_has(const struct dl_phdr_info *info, uintptr_t address)
{
    for (int i = 0; address && i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type == PT_LOAD && address - (info->dlpi_addr + part->p_vaddr) < part->p_memsz)
            return true;
    }
    return false;
}

/* What the dynamic loader knows of a library or program that is loaded. */
#ifndef MEMLYZE_LOADED_OBJECT_H
#define MEMLYZE_LOADED_OBJECT_H

#include "../core/platform.h"

#include <link.h>

typedef struct {
    uintptr_t base;
    uintptr_t start, end;             /* of all that is loaded */
    uintptr_t relro_start, relro_end; /* what the loader has made read-only after filling it in */
    const ElfW(Sym) * symbols;
    size_t symbol_count; /* of those that other objects call, or that are called in others */
    const char *strings;
    struct {
        const ElfW(Rela) * first;
        size_t count;
    } relocations[2]; /* of data, of calls */
} ml_loaded_object;

/* False: it has no symbols. */
bool ml_loaded_object_read(const struct dl_phdr_info *info, ml_loaded_object *object);
/* Whether an address lies in it. 0 lies nowhere. */
bool ml_loaded_object_has(const struct dl_phdr_info *info, uintptr_t address);

#endif

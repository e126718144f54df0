/* The second way in, for a process that was started without the preload shim: the symbol tables of
 * the libraries that are loaded.
 *
 * A library calls a function of another one through a pointer that the dynamic loader has filled
 * in. Where that pointer leads to a function that is to be hooked, it is made to lead to the hook.
 * Libraries that are loaded later are looked at when the first symbol is looked up after that:
 * which is what whoever loads a library does next. */
#ifndef MEMLYZE_SYMBOL_PATCH_H
#define MEMLYZE_SYMBOL_PATCH_H

#include "../core/platform.h"

typedef struct {
    const char *name;
    void *real, *hook;
} ml_symbol;

#define ML_MAX_SYMBOLS 32

/* From now on these symbols lead to their hooks, in every library but the dynamic loader, the
 * kernel's and our own; so does what is looked up by name. With `look_ups_alone` the pointers of
 * the libraries stay as they are: the shim is in front of them. Called again, it looks for
 * libraries that are new. */
void ml_patch_symbols(const ml_symbol *symbols, int count, bool look_ups_alone);

#endif

/* Allocators that no hook can see: built into a library or the program, under names of their own.
 */
#ifndef MEMLYZE_INVISIBLE_ALLOCATORS_H
#define MEMLYZE_INVISIBLE_ALLOCATORS_H

#include <stddef.h>

typedef struct {
    const char *name; /* jemalloc, … */
    char file[4096];  /* that it is built into */
} ml_invisible_allocator;

/* Looks through all that is loaded, but for the library or program that has the address `except` (a
 * language's own, which is known not to be in use). Returns how many were found, at most `room`. */
size_t ml_find_invisible_allocators(const void *except, ml_invisible_allocator *found, size_t room);

#endif

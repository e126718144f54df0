/* The numbers of the descriptors in a thread's table, one after the other, in ascending order;
 * without the memory that opendir would take. What has been passed may be closed. */
#ifndef MEMLYZE_DESCRIPTOR_LISTING_H
#define MEMLYZE_DESCRIPTOR_LISTING_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

typedef struct {
    uint64_t inode;
    int64_t offset;
    uint16_t bytes;
    uint8_t type;
    char name[];
} ml_directory_entry; /* of getdents64 */

typedef struct {
    int directory;  /* itself not listed; -1: there is no listing */
    long at, bytes; /* negative: it failed */
    _Alignas(ml_directory_entry) char entries[2048];
} ml_descriptor_listing;

static inline bool ml_descriptor_listing_open(ml_descriptor_listing *listing, pid_t thread)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/fd", (int)thread);
    listing->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    listing->at = listing->bytes = 0;
    return listing->directory >= 0;
}

/* The number as text, or NULL. */
static inline const char *ml_descriptor_listing_next(ml_descriptor_listing *listing)
{
    for (;;) {
        if (listing->at >= listing->bytes) {
            listing->bytes = syscall(SYS_getdents64, listing->directory, listing->entries,
                                     sizeof listing->entries);
            listing->at = 0;
            if (listing->bytes <= 0)
                return NULL;
        }
        const ml_directory_entry *entry =
            (const ml_directory_entry *)(listing->entries + listing->at);
        listing->at += entry->bytes;
        if (entry->name[0] != '.' && atoi(entry->name) != listing->directory)
            return entry->name;
    }
}

#endif

/* A file descriptor of the recorder's in a process that is not its own: the program may close
 * descriptors that it has not opened (daemons close all of them), and get the same number for a
 * file of its own. So it is told by its file, each time before it is used. That leaves the program
 * a moment between the look and the use; descriptor_table.h leaves it none. */
#ifndef MEMLYZE_DESCRIPTOR_H
#define MEMLYZE_DESCRIPTOR_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    int number; /* -1: none */
    dev_t device;
    ino_t inode;
} ml_descriptor;

static const ml_descriptor ml_no_descriptor = {-1, 0, 0};

/* Takes over an open descriptor; -1 gives none. It is moved out of the way of programs that count
 * on low ones (0 to 2 closed, select, …). */
static inline ml_descriptor ml_descriptor_take(int number)
{
    static const int floors[] = {100, 30, 3};
    ml_descriptor descriptor = {number, 0, 0};
    struct stat status;
    if (number < 0)
        return descriptor;
    for (unsigned i = 0; i < sizeof floors / sizeof *floors; i++) {
        int high = fcntl(number, F_DUPFD_CLOEXEC, floors[i]);
        if (high >= 0) {
            close(number);
            descriptor.number = high;
            break; /* otherwise the limit of descriptors is lower */
        }
    }
    if (fstat(descriptor.number, &status) == 0) {
        descriptor.device = status.st_dev;
        descriptor.inode = status.st_ino;
    }
    return descriptor;
}

static inline bool ml_descriptor_is_file(const ml_descriptor *descriptor, int number)
{
    struct stat status;
    return number >= 0 && fstat(number, &status) == 0 && status.st_dev == descriptor->device &&
           status.st_ino == descriptor->inode;
}

static inline bool ml_descriptor_is_ours(const ml_descriptor *descriptor)
{
    return ml_descriptor_is_file(descriptor, descriptor->number);
}

/* Whether it is this file that is at the path, and neither another one nor a link to it. Also of a
 * descriptor that has been closed. */
static inline bool ml_descriptor_is_at(const ml_descriptor *descriptor, const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0 && status.st_dev == descriptor->device &&
           status.st_ino == descriptor->inode;
}

/* Takes over an open descriptor of the same file in its place. False: it is another file, or none.
 */
static inline bool ml_descriptor_replace(ml_descriptor *descriptor, int number)
{
    if (!ml_descriptor_is_file(descriptor, number)) {
        if (number >= 0)
            close(number);
        descriptor->number = -1;
        return false;
    }
    *descriptor = ml_descriptor_take(number);
    return true;
}

/* When it is ours no more: opens the same file again. False: it is not there any more. */
static inline bool ml_descriptor_reopen(ml_descriptor *descriptor, const char *path, int flags)
{
    return ml_descriptor_replace(descriptor, open(path, flags | O_CLOEXEC));
}

static inline void ml_descriptor_close(ml_descriptor *descriptor)
{
    if (ml_descriptor_is_ours(descriptor))
        close(descriptor->number);
    descriptor->number = -1;
}

#endif

/* Files at which every close() of a descriptor does something, not only the last (the kernel's
 * `flush` operation). Closing a copy is noticed there: a message queue forgets whom the process
 * wanted to be notified (mq_notify), a file server is asked, and waited for. If the program is that
 * server itself (FUSE), and waits for us, it would wait forever. */
#ifndef MEMLYZE_FLUSHED_FILES_H
#define MEMLYZE_FLUSHED_FILES_H

#include <stdbool.h>
#include <sys/types.h>

#if defined(__linux__)

/* Whether one is in a thread's descriptor table, `except` for one number; also true where that
 * cannot be known, or not soon. Asks no file system. `is_shared`: the calling thread is one of
 * those that have this table, which makes it faster. A thread that stays gets faster by the second
 * time: the kernel then has its folder in /proc. */
bool ml_flushed_files_may_be_open(pid_t thread, bool is_shared, int except);

/* The mounts of some files. */
#define ML_MOST_MOUNTS 64
typedef struct {
    unsigned count;
    struct {
        int id;
        bool must_be_listed; /* a file's name does not tell that it is harmless */
    } mounts[ML_MOST_MOUNTS];
} ml_file_mounts;

/* Whether files in these mounts are flushed, or may be, by /proc/…/mountinfo, open at its start. */
bool ml_file_mounts_may_flush(const ml_file_mounts *files, int mountinfo);

#endif
#endif

#include "descriptor_table.h"

#if defined(__linux__)

#include "descriptor_listing.h"
#include "flushed_files.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* For headers that are older than the calls; the numbers are those of all architectures. */
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE (1u << 1)
#endif

/* By the system call: a library that stands before close and counts descriptors would take the
 * program's for closed. */
static void close_copy(int number, int kept)
{
    if (number != kept)
        syscall(SYS_close, number);
}

static bool close_ranges(int kept)
{
    return (kept <= 0 || syscall(SYS_close_range, 0, kept - 1, 0) == 0) &&
           syscall(SYS_close_range, kept + 1, ~0u, 0) == 0;
}

/* None of the program's may stay: a pipe would not end, a lock not be released, while we have a
 * copy. (In the program's table all stays open, with its fcntl locks.) */
static void close_all_but(int kept)
{
    /* First, so that there is room for the listing where as many are open as may be. */
    for (int number = STDIN_FILENO; number <= STDERR_FILENO; number++)
        close_copy(number, kept);
    /* Many times as fast as one by one. */
    if (prctl(PR_GET_SECCOMP) <= 0 && close_ranges(kept)) /* no filter that may kill for it */
        return;
    ml_descriptor_listing listing;
    if (!ml_descriptor_listing_open(&listing, (pid_t)syscall(SYS_gettid))) {
        close_ranges(kept);
        return;
    }
    const char *number;
    while ((number = ml_descriptor_listing_next(&listing)))
        close_copy(atoi(number), kept);
    close(listing.directory);
}

bool ml_descriptor_table_can_be_left(pid_t thread, const ml_descriptor *kept)
{
    const bool is_there = kept && ml_descriptor_is_ours(kept);
    return !ml_flushed_files_may_be_open(thread, kept, is_there ? kept->number : -1);
}

bool ml_descriptor_table_unshare(ml_descriptor *kept)
{
    /* Containers refuse unshare, but not this flag of close_range. The older call comes first: a
     * filter that does not know the newer one may kill the process for it. */
    if (unshare(CLONE_FILES) != 0 && syscall(SYS_close_range, ~0u, ~0u, CLOSE_RANGE_UNSHARE) != 0)
        return false;
    /* From here on nobody else changes the table. */
    if (!ml_descriptor_is_ours(kept))
        kept->number = -1;
    close_all_but(kept->number);
    return true;
}

int ml_descriptor_table_open_program_stderr(void)
{
    int number = -1;
    if (prctl(PR_GET_SECCOMP) <= 0) { /* no filter that may kill for it */
        int process = (int)syscall(SYS_pidfd_open, getpid(), 0);
        if (process >= 0) {
            number = (int)syscall(SYS_pidfd_getfd, process, STDERR_FILENO, 0);
            close(process);
        }
    }
    if (number < 0) /* no socket can be opened so, nor what belongs to somebody else */
        number = open("/proc/self/fd/2", O_WRONLY | O_APPEND | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    return number;
}

void ml_handover_open(ml_handover *handover)
{
    handover->socket = ml_descriptor_take(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    handover->address.sun_family = AF_UNIX;
    handover->address_bytes = sizeof handover->address;
    /* Without a name it is given one that nobody has, and that is in no directory. */
    if (bind(handover->socket.number, (struct sockaddr *)&handover->address,
             sizeof handover->address.sun_family) != 0 ||
        getsockname(handover->socket.number, (struct sockaddr *)&handover->address,
                    &handover->address_bytes) != 0)
        ml_descriptor_close(&handover->socket);
}

typedef union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
} rights;

void ml_handover_send(const ml_handover *handover, int number)
{
    rights sent;
    memset(&sent, 0, sizeof sent);
    sent.header = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(&sent.header), &number, sizeof number);
    struct iovec one_byte = {(char[]){0}, 1};
    const struct msghdr message = {.msg_name = (void *)&handover->address,
                                   .msg_namelen = handover->address_bytes,
                                   .msg_iov = &one_byte,
                                   .msg_iovlen = 1,
                                   .msg_control = &sent,
                                   .msg_controllen = sizeof sent};
    const int sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (sender >= 0) {
        sendmsg(sender, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        close(sender);
    }
}

int ml_handover_receive(ml_handover *handover)
{
    int number = -1;
    rights received;
    struct iovec one_byte = {(char[]){0}, 1};
    struct msghdr message = {.msg_iov = &one_byte,
                             .msg_iovlen = 1,
                             .msg_control = &received,
                             .msg_controllen = sizeof received};
    if (ml_descriptor_is_ours(&handover->socket) &&
        recvmsg(handover->socket.number, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) > 0 &&
        CMSG_FIRSTHDR(&message) && received.header.cmsg_type == SCM_RIGHTS)
        memcpy(&number, CMSG_DATA(&received.header), sizeof number);
    ml_descriptor_close(&handover->socket);
    return number;
}

#else /* no other system has tables for threads */

bool ml_descriptor_table_can_be_left(pid_t thread, const ml_descriptor *kept)
{
    (void)thread, (void)kept;
    return false;
}

bool ml_descriptor_table_unshare(ml_descriptor *kept)
{
    (void)kept;
    return false;
}

int ml_descriptor_table_open_program_stderr(void)
{
    return -1;
}

void ml_handover_open(ml_handover *handover)
{
    (void)handover;
}

void ml_handover_send(const ml_handover *handover, int number)
{
    (void)handover, (void)number;
}

int ml_handover_receive(ml_handover *handover)
{
    (void)handover;
    return -1;
}

#endif

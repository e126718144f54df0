/* A descriptor table of the helper thread's own (Linux). What the recorder has open is then out of
 * the program's sight: it can neither close nor replace it, whatever it does to numbers that it has
 * not opened. Where the system refuses, or closing the copies would be noticed (flushed_files.h),
 * the table stays the program's, and each use asks first (descriptor.h); the program may still come
 * in between. */
#ifndef MEMLYZE_DESCRIPTOR_TABLE_H
#define MEMLYZE_DESCRIPTOR_TABLE_H

#include "descriptor.h"

#include <sys/socket.h>
#include <sys/un.h>

/* Whether nobody would notice copies being closed of what is in a thread's table. To be asked
 * first; it takes free descriptors to find out. `kept` is not closed; NULL: the calling thread has
 * a table of its own at present. */
bool ml_descriptor_table_can_be_left(pid_t thread, const ml_descriptor *kept);
/* Gives the calling thread a table with nothing in it but `kept`, which becomes none when the
 * program has closed or replaced it before. The other threads' table stays as it is. False: the
 * thread shares it still. */
bool ml_descriptor_table_unshare(ml_descriptor *kept);
/* In a thread with a table of its own: what the program has as standard error at present, for the
 * caller to close; or -1. */
int ml_descriptor_table_open_program_stderr(void);

/* The way of a descriptor from one table to another: in a message to a socket. Opening the file
 * again would not do: it may have been renamed, and the program may have given up the rights to it.
 */
typedef struct {
    ml_descriptor socket;
    struct sockaddr_un address;
    socklen_t address_bytes;
} ml_handover;

/* In the thread that is to have the descriptor. */
void ml_handover_open(ml_handover *handover);
/* In the thread that has it. */
void ml_handover_send(const ml_handover *handover, int number);
/* In the first thread, when that was done: the descriptor, or -1. Ends the handover. */
int ml_handover_receive(ml_handover *handover);

#endif

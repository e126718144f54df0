/* What goes into the trace, and when: the rings' events as blocks, the rows of the tables, the
 * memory clock, the metadata. Called by the helper thread, and by the program only while there is
 * none. */
#ifndef MEMLYZE_WRITER_H
#define MEMLYZE_WRITER_H

#include "descriptor.h"
#include "recorder.h"

/* Creates the file. 0, or errno. */
int ml_writer_open(const ml_options *options, uint64_t session);
/* Closes the file as it is, and gives the memory back. */
void ml_writer_close(void);
/* Of the file: while no helper thread has it, it may be put into another table. */
ml_descriptor *ml_writer_descriptor(void);

/* In a helper thread that has its descriptor table, one of its own or the program's; and before it
 * ends. */
void ml_writer_begin_thread(bool has_own_descriptors);
void ml_writer_end_thread(void);
/* Takes what waits in the rings, and writes what is due. True: something was there. */
bool ml_writer_turn(int64_t now_ns);
int64_t ml_writer_longest_rest_ns(void);
/* Writes all that the session has recorded, with index and trailer, where that is still possible:
 * the file is complete until something more is written. */
void ml_writer_write_ending(int64_t now_ns, const char *reason);
/* The same for good: closes the file. */
void ml_writer_finish(int64_t now_ns, const char *reason);

/* The errno that ended writing, or 0. */
int ml_writer_failure(void);
/* Nothing can be written any more, for a reason outside the file. */
void ml_writer_give_up(int error);
/* The file was finished, and has no name any more. */
bool ml_writer_is_deleted(void);
/* Whether the user is to be told that writing has ended, or what it has cost to go on. */
bool ml_writer_has_news(void);
/* Once, on this descriptor; -1: later, perhaps. */
void ml_writer_tell_news(int descriptor);

/* Whether a heap graph is not written yet. Any thread. */
bool ml_writer_has_graphs(void);
/* In a forked child. `is_whole`: no helper thread was at work; `has_descriptors`: copies of the
 * parent's are open here. */
void ml_writer_after_fork(bool is_whole, bool has_descriptors);

#endif

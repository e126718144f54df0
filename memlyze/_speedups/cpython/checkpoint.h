/* Takes the heap graph of the program at this moment. */
#ifndef MEMLYZE_CHECKPOINT_H
#define MEMLYZE_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    ML_CHECKPOINT_TAKEN,
    ML_CHECKPOINT_TOO_MANY_OBJECTS,
    ML_CHECKPOINT_NO_MEMORY,
} ml_checkpoint_outcome;

typedef struct {
    ml_checkpoint_outcome outcome;
    uint64_t objects, references, bytes;
    int64_t pause_ns;
} ml_checkpoint;

/* While recording, under the GIL. Nothing is taken of more than `most_objects`. `reason` is one of
 * the format's, and is kept. */
ml_checkpoint ml_checkpoint_take(const char *reason, uint64_t most_objects);

/* A class written in Python, any one, which is kept: its like are told from those of C by how they
 * traverse. Before the first checkpoint. */
void ml_checkpoint_know_class(void *some_class);

/* Of how many objects at most it is to be taken when the process ends; 0: not at all. */
void ml_checkpoint_at_exit(uint64_t most_objects);
/* Takes it, before the process ends without Python's own end. */
void ml_checkpoint_exit(void);
/* Takes it, where a recording goes on, when the threads have ended and before the functions of
 * `atexit` run: they let go of what was held. No code in Python runs meanwhile, in which a signal's
 * handler would be called: that is for the program. Not once more where it was called not long
 * before, as when a server shut down. */
void ml_checkpoint_before_cleanup(void);
/* Whether that was done, and was near the end: some programs do their work in such a function. */
bool ml_checkpoint_is_last_taken(void);
/* A recording begins: none was taken in it. */
void ml_checkpoint_forget(void);

#endif

/* Takes the heap graph of the program at this moment. */
#ifndef MEMLYZE_CHECKPOINT_H
#define MEMLYZE_CHECKPOINT_H

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

/* What is to be taken when the process ends without Python's own end; 0: nothing. */
void ml_checkpoint_at_exit(uint64_t most_objects);
/* Takes it. */
void ml_checkpoint_exit(void);

#endif

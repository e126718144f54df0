/* The stack of each recorded mapping that lives, by the number of its allocation: what is left of a
 * mapping when a part of it goes is of the same stack, whoever unmaps the part. The helper thread's
 * alone: only there a stack has one number for all threads. */
#ifndef MEMLYZE_MAPPING_STACKS_H
#define MEMLYZE_MAPPING_STACKS_H

#include "platform.h"

typedef struct {
    struct ml_mapping_stack {
        uint64_t allocation_id; /* 0: empty */
        uint32_t stack_id;
        bool is_gone; /* its end was read before its beginning, which is in another thread's ring */
    } *entries;
    uint64_t capacity, count;
} ml_mapping_stacks;

void ml_mapping_stack_begins(ml_mapping_stacks *stacks, uint64_t allocation_id, uint32_t stack_id);
/* 0: not known (yet). */
uint32_t ml_mapping_stack(const ml_mapping_stacks *stacks, uint64_t allocation_id);
void ml_mapping_stack_ends(ml_mapping_stacks *stacks, uint64_t allocation_id);
void ml_mapping_stacks_free(ml_mapping_stacks *stacks);

#endif

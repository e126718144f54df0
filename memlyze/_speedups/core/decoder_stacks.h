/* The functions and call stacks of a trace, merged.
 *
 * The recorder's tables are bounded: it writes a function or stack again under another id after it
 * has emptied them. Here they become one again. Two instructions on the same line are the same
 * frame, so stacks that a person could not tell apart are one, too.
 *
 * All `codes` blocks are to be added before the first `stacks` block. Where damage took a function
 * or a caller away, a frame named `<lost>` stands in its place. */
#ifndef MEMLYZE_DECODER_STACKS_H
#define MEMLYZE_DECODER_STACKS_H

#include "decoder_lines.h"
#include "decoder_map.h"
#include "decoder_strings.h"

typedef struct ml_code {
    uint32_t function, file; /* texts */
    uint32_t line_table;     /* in tables */
    int32_t first_line;
    uint8_t line_table_kind;
    uint8_t language;
    bool expanded;
    ml_lines lines; /* once expanded */
} ml_code;

typedef struct ml_frame {
    uint32_t function, file; /* texts */
    int32_t line;
    uint8_t language;
} ml_frame;

/* A merged stack: number k has the id k + 1. */
typedef struct ml_stack {
    uint32_t parent_id; /* 0: none */
    uint32_t frame;     /* number k has the id k + 1 */
    uint32_t depth;     /* frames in the stack */
} ml_stack;

/* Start with zeros. */
typedef struct ml_stacks {
    ml_strings texts;
    ml_frame *frames;
    uint32_t frame_count, frame_capacity;
    ml_stack *stacks;
    uint32_t stack_count, stack_capacity;
    uint64_t lost; /* frames and callers that the file does not have */

    /* internal */
    ml_strings tables;
    ml_code *codes;
    uint32_t code_count, code_capacity;
    ml_map code_ids;  /* id in the file -> code */
    ml_map stack_ids; /* id in the file -> merged id */
    ml_map positions; /* (code, instruction) -> frame */
    ml_map names;     /* (function, file) -> number */
    ml_map sources;   /* (name, language) -> number */
    ml_map lines;     /* (source, line) -> frame */
    ml_map merged;    /* (parent id, frame) -> stack */
} ml_stacks;

void ml_stacks_free(ml_stacks *stacks);
ml_status ml_stacks_add_codes(ml_stacks *stacks, const ml_payload *payload, ml_error *error);
ml_status ml_stacks_add_stacks(ml_stacks *stacks, const ml_payload *payload, ml_error *error);

/* Replace ids of the file by merged ids. Ids that the file does not have become 0; returns how many
 * did. */
uint64_t ml_stacks_remap(const ml_stacks *stacks, int32_t *ids, size_t count);

/* Rows of all stacks spelled out, and the rows themselves: stacks in order, leaf first. */
uint64_t ml_stacks_spelled_rows(const ml_stacks *stacks);
void ml_stacks_spell_out(const ml_stacks *stacks, int32_t *stack_id, int32_t *depth,
                         int32_t *frame_id);

#endif

/* Texts of a trace, each kept once and numbered in the order in which they came. */
#ifndef MEMLYZE_DECODER_STRINGS_H
#define MEMLYZE_DECODER_STRINGS_H

#include "decoder_payload.h"

typedef struct ml_string {
    uint64_t hash;
    uint64_t start; /* in bytes */
    uint32_t length;
} ml_string;

/* Start with zeros. */
typedef struct ml_strings {
    ml_string *strings;
    uint32_t count, capacity;
    uint8_t *bytes;
    uint64_t byte_count, byte_capacity;
    uint32_t *slots; /* number + 1; 0: empty */
    uint32_t mask;
    uint64_t seed;
} ml_strings;

ml_status ml_strings_intern(ml_strings *strings, ml_text text, uint32_t *number, ml_error *error);
void ml_strings_free(ml_strings *strings);

#endif

/* A hash map from 64-bit keys to 32-bit values, growing, without removal. */
#ifndef MEMLYZE_DECODER_MAP_H
#define MEMLYZE_DECODER_MAP_H

#include "decoder_payload.h"

typedef struct ml_map_slot {
    uint64_t key;
    uint32_t value_plus_1; /* 0: empty */
} ml_map_slot;

/* Start with zeros. */
typedef struct ml_map {
    ml_map_slot *slots;
    size_t mask; /* number of slots - 1; 0: none */
    size_t used;
    uint64_t seed; /* differs between processes, so that a file cannot be made to collide */
} ml_map;

void ml_map_free(ml_map *map);

/* Whether the key is there; then *value is set. */
bool ml_map_find(const ml_map *map, uint64_t key, uint32_t *value);

/* The slot's value where the key is there, else `fresh`, which is then put in. *added says which.
 */
ml_status ml_map_intern(ml_map *map, uint64_t key, uint32_t fresh, uint32_t *value, bool *added,
                        ml_error *error);

uint64_t ml_mix(uint64_t value);
uint64_t ml_random_seed(void);

#endif

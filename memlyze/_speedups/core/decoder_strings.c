#include "decoder_strings.h"

#include <stdlib.h>
#include <string.h>

#include "decoder_map.h"

static uint64_t hash_of(const ml_strings *strings, ml_text text)
{
    uint64_t hash = strings->seed ^ text.bytes;
    const uint8_t *at = text.data;
    uint32_t left = text.bytes;
    for (; left >= 8; at += 8, left -= 8) {
        uint64_t chunk;
        memcpy(&chunk, at, 8);
        hash = ml_mix(hash ^ chunk);
    }
    uint64_t rest = 0;
    if (left > 0) {
        memcpy(&rest, at, left);
    }
    return ml_mix(hash ^ rest);
}

void ml_strings_free(ml_strings *strings)
{
    free(strings->strings);
    free(strings->bytes);
    free(strings->slots);
    *strings = (ml_strings){0};
}

static ml_status grow_slots(ml_strings *strings, ml_error *error)
{
    uint32_t size = strings->slots == NULL ? 1024 : (strings->mask + 1) * 2;
    uint32_t *slots = calloc(size, sizeof *slots);
    if (slots == NULL) {
        return ml_no_memory(error);
    }
    if (strings->slots == NULL) {
        strings->seed = ml_random_seed();
    }
    for (uint32_t k = 0; k < strings->count; k++) {
        uint32_t at = (uint32_t)strings->strings[k].hash & (size - 1);
        while (slots[at] != 0) {
            at = (at + 1) & (size - 1);
        }
        slots[at] = k + 1;
    }
    free(strings->slots);
    strings->slots = slots;
    strings->mask = size - 1;
    return ML_OK;
}

static ml_status append(ml_strings *strings, ml_text text, uint64_t hash, ml_error *error)
{
    if (strings->count == strings->capacity) {
        uint32_t capacity = strings->capacity == 0 ? 256 : strings->capacity * 2;
        ml_string *grown = realloc(strings->strings, capacity * sizeof *grown);
        if (grown == NULL) {
            return ml_no_memory(error);
        }
        strings->strings = grown;
        strings->capacity = capacity;
    }
    if (strings->byte_count + text.bytes > strings->byte_capacity) {
        uint64_t capacity = strings->byte_capacity * 2 + text.bytes + 4096;
        uint8_t *grown = realloc(strings->bytes, capacity);
        if (grown == NULL) {
            return ml_no_memory(error);
        }
        strings->bytes = grown;
        strings->byte_capacity = capacity;
    }
    if (text.bytes > 0) {
        memcpy(strings->bytes + strings->byte_count, text.data, text.bytes);
    }
    strings->strings[strings->count++] = (ml_string){hash, strings->byte_count, text.bytes};
    strings->byte_count += text.bytes;
    return ML_OK;
}

ml_status ml_strings_intern(ml_strings *strings, ml_text text, uint32_t *number, ml_error *error)
{
    if (strings->slots == NULL || strings->count >= strings->mask / 2) {
        ml_status status = grow_slots(strings, error);
        if (status != ML_OK) {
            return status;
        }
    }
    uint64_t hash = hash_of(strings, text);
    uint32_t at = (uint32_t)hash & strings->mask;
    for (; strings->slots[at] != 0; at = (at + 1) & strings->mask) {
        const ml_string *known = &strings->strings[strings->slots[at] - 1];
        if (known->hash == hash && known->length == text.bytes &&
            (text.bytes == 0 ||
             memcmp(strings->bytes + known->start, text.data, text.bytes) == 0)) {
            *number = strings->slots[at] - 1;
            return ML_OK;
        }
    }
    ml_status status = append(strings, text, hash, error);
    if (status == ML_OK) {
        *number = strings->count - 1;
        strings->slots[at] = strings->count;
    }
    return status;
}

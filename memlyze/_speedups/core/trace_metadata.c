#include "trace_metadata.h"

#include "platform.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MOST_KEPT_BYTES ((size_t)1 << 18)

static struct {
    ml_columns rows;
    ml_spinlock lock; /* of what follows */
    ml_columns told;
    ml_buffer kept; /* keys and values, each with the zero that ends it */
    bool keeps;
} metadata;

void ml_metadata_init(bool keeps)
{
    ml_columns_init(&metadata.rows, ML_BLOCK_METADATA, "tt");
    ml_columns_init(&metadata.told, ML_BLOCK_METADATA, "tt");
    metadata.keeps = keeps;
}

void ml_metadata_free(void)
{
    ml_columns_free(&metadata.rows);
    ml_lock(&metadata.lock);
    ml_columns_free(&metadata.told);
    ml_buffer_free(&metadata.kept);
    metadata.told.column_count = 0;
    metadata.keeps = false;
    ml_unlock(&metadata.lock);
}

static void put(ml_columns *rows, const char *key, const char *json)
{
    const size_t key_bytes = strlen(key), json_bytes = strlen(json);
    if (ml_columns_reserve_row(rows, key_bytes + json_bytes)) {
        ml_columns_put_text(rows, 0, key, key_bytes);
        ml_columns_put_text(rows, 1, json, json_bytes);
    }
}

void ml_metadata_tell(const char *key, const char *json)
{
    const size_t key_bytes = strlen(key) + 1, json_bytes = strlen(json) + 1;
    ml_lock(&metadata.lock);
    if (metadata.told.column_count) /* there is a recording */
        put(&metadata.told, key, json);
    if (metadata.keeps && metadata.kept.size < MOST_KEPT_BYTES &&
        ml_buffer_reserve(&metadata.kept, key_bytes + json_bytes)) {
        ml_buffer_append(&metadata.kept, key, key_bytes);
        ml_buffer_append(&metadata.kept, json, json_bytes);
    }
    ml_unlock(&metadata.lock);
}

void ml_metadata_put(const char *key, const char *json)
{
    put(&metadata.rows, key, json);
}

void ml_metadata_put_number(const char *key, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, value);
    ml_metadata_put(key, text);
}

void ml_metadata_put_told(void)
{
    ml_lock(&metadata.lock);
    ml_columns told = metadata.told;
    metadata.told = metadata.rows;
    ml_unlock(&metadata.lock);
    metadata.rows = told;
}

void ml_metadata_put_kept(void)
{
    ml_lock(&metadata.lock);
    const char *at = (const char *)metadata.kept.data, *end = at + metadata.kept.size;
    while (at < end) {
        const char *value = at + strlen(at) + 1;
        ml_metadata_put(at, value);
        at = value + strlen(value) + 1;
    }
    ml_unlock(&metadata.lock);
}

ml_columns *ml_metadata_rows(void)
{
    return &metadata.rows;
}

void ml_metadata_after_fork(bool is_whole)
{
    metadata.lock = 0;
    if (!is_whole)
        memset(&metadata.kept, 0, sizeof metadata.kept);
}

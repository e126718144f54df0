#include "decoder_payload.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include "checksum.h"
#include "decoder_varint.h"

enum { DIRECTORY_ENTRY_BYTES = 6, HEADER_CHECKED_BYTES = 44 };

ml_status ml_corrupt(ml_error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return ML_CORRUPT;
}

ml_status ml_no_memory(ml_error *error)
{
    snprintf(error->text, sizeof error->text, "out of memory while decoding");
    return ML_NO_MEMORY;
}

static uint16_t read_u16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static uint32_t read_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

void ml_scratch_free(ml_scratch *scratch)
{
    free(scratch->raw);
    ZSTD_freeDCtx(scratch->zstd);
    *scratch = (ml_scratch){0};
}

static ml_status reserve(ml_scratch *scratch, size_t raw_bytes, ml_error *error)
{
    size_t wanted = raw_bytes + ML_PADDING_BYTES;
    if (wanted > scratch->capacity) {
        uint8_t *raw = malloc(wanted);
        if (raw == NULL) {
            return ml_no_memory(error);
        }
        free(scratch->raw);
        scratch->raw = raw;
        scratch->capacity = wanted;
    }
    memset(scratch->raw + raw_bytes, 0, ML_PADDING_BYTES);
    return ML_OK;
}

ml_status ml_decompress(ml_scratch *scratch, const uint8_t *stored, size_t stored_bytes,
                        size_t raw_bytes, ml_error *error)
{
    /* ZSTD_decompressDCtx would also take several frames, and frames that are to be skipped. */
    if (stored_bytes < 4 || read_u32(stored) != ZSTD_MAGICNUMBER ||
        ZSTD_findFrameCompressedSize(stored, stored_bytes) != stored_bytes) {
        return ml_corrupt(error, "its payload is not one zstd frame");
    }
    if (scratch->zstd == NULL && (scratch->zstd = ZSTD_createDCtx()) == NULL) {
        return ml_no_memory(error);
    }
    ml_status status = reserve(scratch, raw_bytes, error);
    if (status != ML_OK) {
        return status;
    }
    size_t got = ZSTD_decompressDCtx(scratch->zstd, scratch->raw, raw_bytes, stored, stored_bytes);
    if (ZSTD_isError(got)) {
        return ml_corrupt(error, "its payload cannot be decompressed (%s)", ZSTD_getErrorName(got));
    }
    if (got != raw_bytes) {
        return ml_corrupt(error, "its payload decompresses to %zu bytes instead of %zu", got,
                          raw_bytes);
    }
    return ML_OK;
}

/* Fill the column table from the directory at the start of a raw payload. */
static ml_status read_directory(ml_payload *payload, const uint8_t *raw, size_t raw_bytes,
                                unsigned column_count, ml_error *error)
{
    size_t at = (size_t)column_count * DIRECTORY_ENTRY_BYTES;
    if (at > raw_bytes) {
        return ml_corrupt(error, "its directory of %u columns does not fit", column_count);
    }
    for (unsigned k = 0; k < column_count; k++) {
        const uint8_t *entry = raw + (size_t)k * DIRECTORY_ENTRY_BYTES;
        unsigned number = entry[0];
        uint32_t bytes = read_u32(entry + 2);
        if (bytes > raw_bytes - at) {
            return ml_corrupt(error, "its column %u does not fit", number);
        }
        if (number < ML_COLUMN_LIMIT) {
            ml_column *column = &payload->columns[number];
            column->repeated = column->data != NULL;
            column->data = raw + at;
            column->bytes = bytes;
            column->encoding = entry[1];
        }
        at += bytes;
    }
    if (at != raw_bytes) {
        return ml_corrupt(error, "%zu bytes follow its columns", raw_bytes - at);
    }
    return ML_OK;
}

ml_status ml_payload_open(ml_payload *payload, ml_scratch *scratch, const uint8_t *block,
                          size_t block_bytes, ml_error *error)
{
    if (block_bytes < ML_BLOCK_HEADER_BYTES || memcmp(block, "MLBK", 4) != 0 ||
        ml_crc32(block, HEADER_CHECKED_BYTES) != read_u32(block + HEADER_CHECKED_BYTES)) {
        return ml_corrupt(error, "its header is damaged");
    }
    uint8_t codec = block[5];
    uint16_t column_count = read_u16(block + 6);
    uint32_t payload_bytes = read_u32(block + 16);
    uint32_t raw_bytes = read_u32(block + 20);
    const uint8_t *stored = block + ML_BLOCK_HEADER_BYTES;
    if (payload_bytes > ML_BLOCK_MAX_BYTES || raw_bytes > ML_BLOCK_MAX_BYTES) {
        return ml_corrupt(error, "its header names a payload of more than 16 MiB");
    }
    if (payload_bytes != block_bytes - ML_BLOCK_HEADER_BYTES) {
        return ml_corrupt(error, "its payload is cut off");
    }
    if (ml_crc32(stored, payload_bytes) != read_u32(block + 40)) {
        return ml_corrupt(error, "its payload does not match its checksum");
    }
    ml_status status = ML_OK;
    if (codec == 1) {
        status = ml_decompress(scratch, stored, payload_bytes, raw_bytes, error);
    } else if (codec == 0 && payload_bytes == raw_bytes) {
        status = reserve(scratch, raw_bytes, error);
        if (status == ML_OK) {
            memcpy(scratch->raw, stored, raw_bytes);
        }
    } else if (codec == 0) {
        return ml_corrupt(error, "it is stored, but its sizes differ");
    } else {
        return ml_corrupt(error, "its codec %u is unknown", codec);
    }
    if (status != ML_OK) {
        return status;
    }
    memset(payload, 0, sizeof *payload);
    payload->block_type = block[4];
    payload->row_count = read_u32(block + 12);
    return read_directory(payload, scratch->raw, raw_bytes, column_count, error);
}

size_t ml_column_values(const ml_column *column)
{
    if (column->encoding == ML_U8) {
        return column->bytes;
    }
    size_t values = 0;
    for (uint32_t k = 0; k < column->bytes; k++) {
        values += column->data[k] < 0x80;
    }
    return values;
}

ml_status ml_column_check(const ml_payload *payload, unsigned number, ml_encoding kind,
                          size_t values, ml_error *error)
{
    const ml_column *column = &payload->columns[number];
    if (column->data == NULL) {
        return ml_corrupt(error, "its column %u is missing", number);
    }
    if (column->repeated) {
        return ml_corrupt(error, "its column %u is repeated", number);
    }
    if (kind == ML_U8 ? column->encoding > ML_DELTA : column->encoding != kind) {
        return ml_corrupt(error, "its column %u has the wrong encoding %u", number,
                          column->encoding);
    }
    if (kind == ML_F64 ? column->bytes != values * 8 : column->bytes < values) {
        return ml_corrupt(error, "its column %u does not match its %zu rows", number, values);
    }
    return ML_OK;
}

uint64_t ml_next_long_uvarint(ml_cursor *cursor)
{
    uint64_t value = 0;
    const uint8_t *at = cursor->at;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (at == cursor->end || (shift == 63 && *at > 1)) {
            break;
        }
        value |= (uint64_t)(*at & 0x7f) << shift;
        if (*at++ < 0x80) {
            cursor->at = at;
            return value;
        }
    }
    cursor->failed = true;
    cursor->at = cursor->end;
    return 0;
}

ml_status ml_column_integers(const ml_payload *payload, unsigned number, size_t values, int64_t low,
                             int64_t high, int64_t *out, ml_error *error)
{
    const ml_column *column = &payload->columns[number];
    ml_cursor cursor = ml_cursor_start(column);
    ml_encoding encoding = (ml_encoding)column->encoding;
    bool outside = false;
    for (size_t k = 0; k < values; k++) {
        uint64_t value = ml_next(&cursor, encoding);
        /* Only a delta wraps around; an unsigned value beyond 63 bits is none that a column may
         * hold. */
        outside |= encoding == ML_UVARINT && value > INT64_MAX;
        out[k] = (int64_t)value;
        outside |= out[k] < low || out[k] > high;
    }
    if (!ml_cursor_finished(&cursor)) {
        return ml_corrupt(error, "its column %u does not match its %zu rows", number, values);
    }
    if (outside) {
        return ml_corrupt(error, "its column %u holds a value that is out of range", number);
    }
    return ML_OK;
}

ml_status ml_column_doubles(const ml_payload *payload, unsigned number, size_t values, double *out,
                            ml_error *error)
{
    const ml_column *column = &payload->columns[number];
    if (column->bytes != values * 8) {
        return ml_corrupt(error, "its column %u does not match its %zu rows", number, values);
    }
    for (size_t k = 0; k < values; k++) {
        const uint8_t *at = column->data + 8 * k;
        uint64_t bits = (uint64_t)read_u32(at) | (uint64_t)read_u32(at + 4) << 32;
        memcpy(&out[k], &bits, 8);
    }
    return ML_OK;
}

ml_status ml_column_texts(const ml_payload *payload, unsigned number, size_t values, ml_text *out,
                          ml_error *error)
{
    ml_cursor cursor = ml_cursor_start(&payload->columns[number]);
    for (size_t k = 0; k < values; k++) {
        uint64_t bytes = ml_next_uvarint(&cursor);
        if (cursor.failed || bytes > (uint64_t)(cursor.end - cursor.at)) {
            return ml_corrupt(error, "its column %u does not match its %zu rows", number, values);
        }
        out[k] = (ml_text){cursor.at, (uint32_t)bytes};
        cursor.at += bytes;
    }
    if (!ml_cursor_finished(&cursor)) {
        return ml_corrupt(error, "its column %u does not match its %zu rows", number, values);
    }
    return ML_OK;
}

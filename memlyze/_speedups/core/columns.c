#include "columns.h"

void ml_columns_clear(ml_columns *columns)
{
    for (int i = 0; i < columns->column_count; i++) {
        columns->columns[i].size = 0;
        columns->previous[i] = 0;
    }
    columns->rows = 0;
    columns->first_time_ns = INT64_MAX;
    columns->last_time_ns = INT64_MIN;
}

void ml_columns_init(ml_columns *columns, uint8_t block_type, const char *encodings)
{
    static const char letters[] = "busdtf"; /* in the order of the encodings' numbers */
    memset(columns, 0, sizeof *columns);
    columns->block_type = block_type;
    for (; *encodings; encodings++)
        columns->encodings[columns->column_count++] =
            (uint8_t)(strchr(letters, *encodings) - letters);
    ml_columns_clear(columns);
}

void ml_columns_free(ml_columns *columns)
{
    for (int i = 0; i < columns->column_count; i++)
        ml_buffer_free(&columns->columns[i]);
}

size_t ml_columns_bytes(const ml_columns *columns)
{
    size_t bytes = 0;
    for (int i = 0; i < columns->column_count; i++)
        bytes += columns->columns[i].size;
    return bytes;
}

bool ml_columns_reserve_row(ml_columns *columns, size_t text_bytes)
{
    for (int i = 0; i < columns->column_count; i++) {
        size_t more = ML_VARINT_MAX_BYTES;
        if (columns->encodings[i] == ML_ENCODING_BYTES)
            more += text_bytes;
        if (!ml_buffer_reserve(&columns->columns[i], more))
            return false;
    }
    columns->rows++;
    return true;
}

void ml_columns_put_text(ml_columns *columns, int column, const void *text, size_t bytes)
{
    ml_buffer *buffer = &columns->columns[column];
    ml_put_uvarint(buffer, bytes);
    if (bytes)
        memcpy(buffer->data + buffer->size, text, bytes);
    buffer->size += bytes;
}

void ml_columns_put_double(ml_columns *columns, int column, double value)
{
    ml_buffer *buffer = &columns->columns[column];
    uint64_t bits;
    memcpy(&bits, &value, 8);
    ml_put_u64(buffer->data + buffer->size, bits);
    buffer->size += 8;
}

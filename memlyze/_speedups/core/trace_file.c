#include "trace_file.h"

#include "checksum.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

/* Level 1 keeps up with 25 million events a second on one core; level 3 makes files about 5 %
 * smaller at twice the cost. */
#define COMPRESSION_LEVEL 1
/* Below this, a zstd frame's own header eats what it gains. */
#define COMPRESS_FROM_BYTES 64

bool ml_is_disk_full(int error)
{
    return error == ENOSPC || error == EDQUOT;
}

static bool write_all(ml_trace_file *file, const uint8_t *data, size_t bytes)
{
    size_t done = 0;
    if (!ml_descriptor_is_ours(&file->descriptor) &&
        !ml_descriptor_reopen(&file->descriptor, file->path, O_WRONLY)) {
        file->error = EBADF;
        file->failed = true;
        return false;
    }
    const int descriptor = file->descriptor.number;
    if (file->has_ending) {
        file->has_ending = false;
        if (ftruncate(descriptor, (off_t)file->offset) != 0) {
            /* Its beginning is written over; readers cope with the rest. */
        }
    }
    while (done < bytes) {
        ssize_t written =
            pwrite(descriptor, data + done, bytes - done, (off_t)(file->offset + done));
        if (written <= 0) {
            const int error = written < 0 ? errno : ENOSPC;
            if (error == EINTR || (ml_is_disk_full(error) && file->make_room && file->make_room()))
                continue;
            file->error = error;
            file->failed = true;
            /* Readers cope with half a block at the end; without it they need not. */
            if (ftruncate(descriptor, (off_t)file->offset) != 0) {
                /* The half block stays. */
            }
            return false;
        }
        done += (size_t)written;
    }
    file->offset += bytes;
    return true;
}

/* The file has not come about: leaves neither it nor anything of ours behind. */
static int give_up(ml_trace_file *file, const char *path, int error)
{
    ml_trace_file_close(file);
    unlink(path);
    return error;
}

int ml_trace_file_create(ml_trace_file *file, const char *path, bool overwrite,
                         const char *metadata_json)
{
    static const uint8_t magic[8] = {0x89, 'M', 'L', 'Y', 'Z', 'E', '\r', '\n'};
    memset(file, 0, sizeof *file);
    file->descriptor = ml_no_descriptor;
    if (strlen(path) >= sizeof file->path)
        return ENAMETOOLONG;
    strcpy(file->path, path);
    if (overwrite) {
        /* Created anew rather than truncated: somebody may be reading the old one. Devices and
         * pipes are not replaced. */
        struct stat status;
        if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
            return S_ISDIR(status.st_mode) ? EISDIR : EEXIST;
        if (unlink(path) != 0 && errno != ENOENT)
            return errno;
    }
    int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor < 0)
        return errno;
    file->descriptor = ml_descriptor_take(descriptor);
    ml_columns_init(&file->index, ML_BLOCK_INDEX, "dbudd");
    file->compressor = ZSTD_createCCtx();
    if (!file->compressor)
        return give_up(file, path, ENOMEM);
    ZSTD_CCtx_setParameter(file->compressor, ZSTD_c_compressionLevel, COMPRESSION_LEVEL);
    ZSTD_CCtx_setParameter(file->compressor, ZSTD_c_checksumFlag, 0); /* the block has its own */
    const size_t metadata_bytes = strlen(metadata_json);
    uint8_t head[20] = {0};
    memcpy(head, magic, sizeof magic);
    head[8] = ML_FORMAT_VERSION;
    ml_put_u32(head + 12, (uint32_t)metadata_bytes);
    ml_put_u32(head + 16, ml_crc32(metadata_json, metadata_bytes));
    if (!ml_buffer_append(&file->stored, head, sizeof head) ||
        !ml_buffer_append(&file->stored, metadata_json, metadata_bytes))
        return give_up(file, path, ENOMEM);
    if (!write_all(file, file->stored.data, file->stored.size))
        return give_up(file, path, file->error);
    return 0;
}

/* Directory and columns, one behind the other. */
static bool join_columns(ml_buffer *raw, const ml_columns *rows)
{
    raw->size = 0;
    if (!ml_buffer_reserve(raw, ml_columns_bytes(rows) + (size_t)rows->column_count * 6))
        return false;
    for (int i = 0; i < rows->column_count; i++) {
        uint8_t entry[6] = {(uint8_t)i, rows->encodings[i]};
        ml_put_u32(entry + 2, (uint32_t)rows->columns[i].size);
        ml_buffer_append(raw, entry, sizeof entry);
    }
    for (int i = 0; i < rows->column_count; i++)
        ml_buffer_append(raw, rows->columns[i].data, rows->columns[i].size);
    return true;
}

static void remember_block(ml_trace_file *file, uint64_t offset, uint8_t block_type, uint32_t rows,
                           int64_t first_ns, int64_t last_ns)
{
    ml_columns *index = &file->index;
    if (!ml_columns_reserve_row(index, 0))
        return;
    ml_columns_put(index, 0, (int64_t)offset);
    ml_columns_put(index, 1, block_type);
    ml_columns_put(index, 2, rows);
    ml_columns_put(index, 3, first_ns);
    ml_columns_put(index, 4, last_ns);
}

/* False: it is not in the file. */
static bool put_block(ml_trace_file *file, const ml_columns *rows)
{
    ml_buffer *stored = &file->stored;
    const bool timed = rows->first_time_ns <= rows->last_time_ns;
    if (!join_columns(&file->raw, rows))
        goto no_memory;
    const size_t bound = ZSTD_compressBound(file->raw.size);
    stored->size = 0;
    if (!ml_buffer_reserve(stored, ML_BLOCK_HEADER_BYTES + bound))
        goto no_memory;
    uint8_t *header = stored->data, *payload = header + ML_BLOCK_HEADER_BYTES;
    size_t payload_bytes = 0;
    uint8_t codec = 1;
    if (file->raw.size >= COMPRESS_FROM_BYTES)
        payload_bytes =
            ZSTD_compress2(file->compressor, payload, bound, file->raw.data, file->raw.size);
    if (payload_bytes == 0 || ZSTD_isError(payload_bytes) || payload_bytes >= file->raw.size) {
        codec = 0;
        payload_bytes = file->raw.size;
        memcpy(payload, file->raw.data, payload_bytes);
    }
    memcpy(header, "MLBK", 4);
    header[4] = rows->block_type;
    header[5] = codec;
    header[6] = rows->column_count;
    header[7] = 0;
    ml_put_u32(header + 8, file->sequence);
    ml_put_u32(header + 12, rows->rows);
    ml_put_u32(header + 16, (uint32_t)payload_bytes);
    ml_put_u32(header + 20, (uint32_t)file->raw.size);
    ml_put_u64(header + 24, timed ? (uint64_t)rows->first_time_ns : 0);
    ml_put_u64(header + 32, timed ? (uint64_t)rows->last_time_ns : 0);
    ml_put_u32(header + 40, ml_crc32(payload, payload_bytes));
    ml_put_u32(header + 44, ml_crc32(header, 44));
    if (!write_all(file, header, ML_BLOCK_HEADER_BYTES + payload_bytes))
        return false;
    file->sequence++;
    return true;
no_memory:
    file->failed = true;
    file->error = ENOMEM;
    return false;
}

static void write_block(ml_trace_file *file, ml_columns *rows)
{
    const uint64_t offset = file->offset;
    if (!put_block(file, rows))
        return;
    const bool timed = rows->first_time_ns <= rows->last_time_ns;
    const int64_t first_ns = timed ? rows->first_time_ns : 0;
    const int64_t last_ns = timed ? rows->last_time_ns : 0;
    const uint32_t row_count = rows->rows;
    if (rows->block_type == ML_BLOCK_INDEX)
        ml_columns_clear(rows); /* the next index begins with this one */
    remember_block(file, offset, rows->block_type, row_count, first_ns, last_ns);
}

void ml_trace_file_write(ml_trace_file *file, ml_columns *rows)
{
    if (rows->rows && !file->failed) {
        write_block(file, rows);
        if (!file->failed && file->index.rows >= ML_INDEX_EVERY)
            write_block(file, &file->index);
    }
    ml_columns_clear(rows);
}

/* The rows that the index had when it was like `before`; it has only got more since. */
static void forget_later_rows(ml_columns *index, const ml_columns *before)
{
    for (int i = 0; i < index->column_count; i++) {
        index->columns[i].size = before->columns[i].size;
        index->previous[i] = before->previous[i];
    }
    index->rows = before->rows;
}

void ml_trace_file_write_ending(ml_trace_file *file, ml_columns *rows)
{
    const uint64_t offset = file->offset;
    const uint32_t sequence = file->sequence;
    const ml_columns index = file->index;
    if (rows->rows && !file->failed)
        write_block(file, rows);
    ml_columns_clear(rows);
    const uint64_t index_offset = file->offset;
    if (!file->failed && put_block(file, &file->index)) {
        uint8_t trailer[16];
        ml_put_u64(trailer, index_offset);
        ml_put_u32(trailer + 8, ml_crc32(trailer, 8));
        memcpy(trailer + 12, "MLZE", 4);
        write_all(file, trailer, sizeof trailer);
    }
    if (file->failed)
        return;
    /* Not by its path: the file may have been renamed, or the process be in another root. */
    struct stat status;
    file->has_no_name = ml_descriptor_is_ours(&file->descriptor) &&
                        fstat(file->descriptor.number, &status) == 0 && status.st_nlink == 0;
    file->offset = offset;
    file->sequence = sequence;
    forget_later_rows(&file->index, &index);
    file->has_ending = true;
}

void ml_trace_file_close(ml_trace_file *file)
{
    ml_descriptor_close(&file->descriptor);
    ZSTD_freeCCtx(file->compressor);
    file->compressor = NULL;
    ml_columns_free(&file->index);
    ml_buffer_free(&file->raw);
    ml_buffer_free(&file->stored);
}

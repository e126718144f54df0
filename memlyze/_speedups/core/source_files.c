#include "source_files.h"

#include "checksum.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEEN_CAPACITY (2u * ML_SOURCE_FILES_MAX)
#define PATH_BYTES 4096

void ml_source_files_init(ml_source_files *files, const char *directory, bool with_text,
                          uint64_t trace_max_bytes)
{
    memset(files, 0, sizeof *files);
    files->with_text = with_text;
    files->keeps = trace_max_bytes != 0;
    files->texts_max_bytes = ML_SOURCE_TEXTS_MAX_BYTES;
    if (files->keeps && trace_max_bytes / 8 < files->texts_max_bytes)
        files->texts_max_bytes = (size_t)(trace_max_bytes / 8);
    if (directory && strlen(directory) < sizeof files->directory)
        strcpy(files->directory, directory);
}

void ml_source_files_free(ml_source_files *files)
{
    ml_buffer_free(&files->waiting);
    ml_buffer_free(&files->text);
    ml_buffer_free(&files->kept);
    ml_unmap(files->seen, SEEN_CAPACITY * sizeof *files->seen);
    files->seen = NULL;
}

/* ---- which ones
 * ------------------------------------------------------------------------------------------ */

static const char *find(const char *name, size_t bytes, const char *part)
{
    return memmem(name, bytes, part, strlen(part));
}

/* As in "/usr/lib/python3.11/json/decoder.py". */
static bool is_of_standard_library(const char *name, size_t bytes)
{
    static const char *const folders[] = {"/lib/python", "/lib64/python"};
    if (find(name, bytes, "/site-packages/") || find(name, bytes, "/dist-packages/"))
        return false;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        const char *at = find(name, bytes, folders[i]);
        if (at) {
            at += strlen(folders[i]);
            if (at < name + bytes && *at >= '0' && *at <= '9')
                return true;
        }
    }
    return false;
}

bool ml_is_source_file(const char *name, size_t bytes)
{
    return bytes && name[0] != '<' && !memchr(name, 0, bytes) &&
           !is_of_standard_library(name, bytes);
}

/* Names are told by their hashes: of two with the same, one would go without. */
static uint64_t hash_of(const uint8_t *name, size_t bytes)
{
    uint64_t hash = bytes;
    for (size_t i = 0; i < bytes; i++)
        hash = ml_mix(hash ^ name[i]);
    return hash ? hash : 1;
}

/* False: seen before, or one too many. */
static bool is_new(ml_source_files *files, uint64_t hash)
{
    if (!files->seen)
        files->seen = ml_map(SEEN_CAPACITY * sizeof *files->seen);
    if (!files->seen)
        return false;
    uint32_t slot = (uint32_t)hash & (SEEN_CAPACITY - 1);
    for (; files->seen[slot]; slot = (slot + 1) & (SEEN_CAPACITY - 1))
        if (files->seen[slot] == hash)
            return false;
    if (files->seen_count == ML_SOURCE_FILES_MAX) {
        files->left_out++;
        return false;
    }
    files->seen[slot] = hash;
    files->seen_count++;
    return true;
}

void ml_source_files_note(ml_source_files *files, const uint8_t *name, size_t bytes)
{
    uint8_t length[4];
    if (!ml_is_source_file((const char *)name, bytes) || !is_new(files, hash_of(name, bytes)))
        return;
    ml_put_u32(length, (uint32_t)bytes);
    if (ml_buffer_reserve(&files->waiting, sizeof length + bytes)) {
        ml_buffer_append(&files->waiting, length, sizeof length);
        ml_buffer_append(&files->waiting, name, bytes);
    }
}

/* ---- reading
 * ------------------------------------------------------------------------------------------ */

/* As the system has it: bytes that are no UTF-8 stand in the name as lone surrogates, U+DC80 to
 * U+DCFF. False: too long. */
static bool path_of(const ml_source_files *files, const uint8_t *name, size_t bytes, char *path)
{
    size_t size = 0;
    if (name[0] != '/' && files->directory[0]) {
        size = strlen(files->directory);
        memcpy(path, files->directory, size);
        path[size++] = '/';
    }
    if (size + bytes >= PATH_BYTES)
        return false;
    for (size_t i = 0; i < bytes; i++) {
        const bool is_surrogate =
            i + 2 < bytes && name[i] == 0xED && (name[i + 1] == 0xB2 || name[i + 1] == 0xB3);
        if (is_surrogate) {
            path[size++] = (char)(name[i + 2] + (name[i + 1] == 0xB3 ? 0x40 : 0));
            i += 2;
        } else {
            path[size++] = (char)name[i];
        }
    }
    path[size] = 0;
    return true;
}

static const char *words_for(int error)
{
    switch (error) {
    case ENOENT:
        return "there was no such file";
    case ENOTDIR:
        return "it was inside another file, such as an archive";
    case EACCES:
    case EPERM:
        return "the program may not read it";
    case EMFILE:
    case ENFILE:
        return "too many files were open";
    default:
        return "it could not be read";
    }
}

/* The whole file into `files->text`. NULL, or why not. */
static const char *read_file(ml_source_files *files, const char *path, struct stat *status)
{
    /* Before it is opened: to open a device may have an effect, and a pipe may wait. */
    if (stat(path, status) != 0)
        return words_for(errno);
    if (!S_ISREG(status->st_mode))
        return "it is no regular file";
    if ((uint64_t)status->st_size > ML_SOURCE_FILE_MAX_BYTES)
        return "it is larger than 4 MiB";
    const size_t size = (size_t)status->st_size;
    if (!ml_buffer_reserve(&files->text, size + 1))
        return "there was no memory to read it";
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0)
        return words_for(errno);
    ssize_t got = 1;
    while (got > 0 && files->text.size <= size) {
        got = read(descriptor, files->text.data + files->text.size, size + 1 - files->text.size);
        if (got > 0)
            files->text.size += (size_t)got;
        else if (got < 0 && errno == EINTR)
            got = 1;
    }
    const int error = errno;
    close(descriptor);
    if (got < 0)
        return words_for(error);
    if (files->text.size != size)
        return "it was changed while it was read";
    if (memchr(files->text.data, 0, size))
        return "it is no text";
    return NULL;
}

static int64_t modified_ns(const struct stat *status)
{
#if defined(__APPLE__)
    const struct timespec time = status->st_mtimespec;
#else
    const struct timespec time = status->st_mtim;
#endif
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

typedef struct {
    int64_t modified_ns;
    size_t size;
    uint32_t checksum;
    size_t name_bytes, text_bytes;
    const char *why_not; /* a literal, or NULL */
} source_row;

static bool put_row(ml_columns *rows, const source_row *row, const uint8_t *name,
                    const uint8_t *text)
{
    const size_t reason_bytes = row->why_not ? strlen(row->why_not) : 0;
    if (!ml_columns_reserve_row(rows, row->name_bytes + row->text_bytes + reason_bytes))
        return false;
    ml_columns_put_text(rows, 0, name, row->name_bytes);
    ml_columns_put(rows, 1, row->modified_ns);
    ml_columns_put(rows, 2, (int64_t)row->size);
    ml_columns_put(rows, 3, row->checksum);
    ml_columns_put_text(rows, 4, text, row->text_bytes);
    ml_columns_put_text(rows, 5, row->why_not, reason_bytes);
    return true;
}

bool ml_source_files_read(ml_source_files *files, ml_columns *rows)
{
    if (files->next >= files->waiting.size) {
        files->next = files->waiting.size = 0;
        return false;
    }
    const uint8_t *at = files->waiting.data + files->next;
    const size_t bytes = at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16 | (size_t)at[3] << 24;
    const uint8_t *name = at + 4;
    files->next += 4 + bytes;

    char path[PATH_BYTES];
    struct stat status = {.st_size = 0};
    const char *why_not = "its name is too long";
    files->text.size = 0;
    if (path_of(files, name, bytes, path))
        why_not = read_file(files, path, &status);
    const size_t size = why_not ? 0 : files->text.size;
    const uint32_t checksum = ml_crc32(files->text.data, size);
    size_t text_bytes = files->with_text ? size : 0;
    if (!why_not && files->text_bytes + text_bytes > files->texts_max_bytes) {
        why_not = "the texts of the files before it take all the room that there is for texts";
        text_bytes = 0;
    }
    const source_row row = {
        .modified_ns = modified_ns(&status),
        .size = size,
        .checksum = checksum,
        .name_bytes = bytes,
        .text_bytes = text_bytes,
        .why_not = why_not,
    };
    if (!put_row(rows, &row, name, files->text.data))
        return false;
    files->text_bytes += text_bytes;
    files->stored += why_not == NULL;
    files->left_out += why_not != NULL;
    if (files->keeps && ml_buffer_reserve(&files->kept, sizeof row + bytes + text_bytes)) {
        ml_buffer_append(&files->kept, &row, sizeof row);
        ml_buffer_append(&files->kept, name, bytes);
        ml_buffer_append(&files->kept, files->text.data, text_bytes);
    }
    return true;
}

bool ml_source_files_put_kept(const ml_source_files *files, size_t *at, ml_columns *rows)
{
    source_row row;
    if (*at >= files->kept.size)
        return false;
    memcpy(&row, files->kept.data + *at, sizeof row);
    const uint8_t *name = files->kept.data + *at + sizeof row;
    *at += sizeof row + row.name_bytes + row.text_bytes;
    return put_row(rows, &row, name, name + row.name_bytes);
}

#include "memory_maps.h"

#include <string.h>

static const char *parse_number(const char *at, unsigned base, uint64_t *value)
{
    *value = 0;
    for (;; at++) {
        unsigned digit;
        if (*at >= '0' && *at <= '9')
            digit = (unsigned)(*at - '0');
        else if (base == 16 && *at >= 'a' && *at <= 'f')
            digit = (unsigned)(*at - 'a') + 10;
        else
            return at;
        *value = *value * base + digit;
    }
}

static const char *skip_blanks(const char *at)
{
    while (*at == ' ')
        at++;
    return at;
}

static const char *skip_word(const char *at)
{
    while (*at && *at != ' ')
        at++;
    return skip_blanks(at);
}

/* "7f12…-7f13… r-xp 00001000 fe:01 1234    /usr/lib/libc.so.6" */
static bool parse_first_line(ml_mapping *mapping, const char *line)
{
    uint64_t start, end, inode;
    const char *at = parse_number(line, 16, &start);
    if (at == line || *at++ != '-')
        return false;
    at = parse_number(at, 16, &end);
    if (*at++ != ' ' || strlen(at) < 4)
        return false;
    memset(mapping, 0, offsetof(ml_mapping, path));
    mapping->start = (uintptr_t)start;
    mapping->end = (uintptr_t)end;
    mapping->is_executable = at[2] == 'x';
    mapping->is_accessible = at[0] == 'r' || at[1] == 'w' || mapping->is_executable;
    at = skip_word(skip_word(skip_word(at)));
    at = skip_blanks(parse_number(at, 10, &inode));
    mapping->has_file = inode != 0;
    size_t bytes = strlen(at);
    if (bytes >= sizeof mapping->path)
        bytes = sizeof mapping->path - 1;
    memcpy(mapping->path, at, bytes);
    mapping->path[bytes] = 0;
    mapping->path_bytes = bytes;
    return true;
}

static bool starts_with(const char *line, const char *word)
{
    return strncmp(line, word, strlen(word)) == 0;
}

static int64_t parse_size(const char *line)
{
    uint64_t kib;
    parse_number(skip_word(line), 10, &kib);
    return (int64_t)kib * 1024;
}

static bool has_flag(const char *flags, const char *flag)
{
    for (; *flags; flags = skip_word(flags))
        if (starts_with(flags, flag))
            return true;
    return false;
}

static void end_mapping(ml_maps_parser *parser)
{
    if (parser->has_mapping)
        parser->each(parser->context, &parser->mapping);
    parser->has_mapping = false;
}

static void take_line(ml_maps_parser *parser)
{
    const char *line = parser->line;
    ml_mapping *mapping = &parser->mapping;
    if (starts_with(line, "Rss:")) {
        mapping->resident_bytes = parse_size(line);
    } else if (starts_with(line, "Anonymous:")) {
        mapping->anonymous_bytes = parse_size(line);
    } else if (starts_with(line, "VmFlags:")) {
        const char *flags = skip_word(line);
        mapping->is_recorders =
            !mapping->has_file && has_flag(flags, "nr") && has_flag(flags, "dd");
    } else if ((*line >= '0' && *line <= '9') || (*line >= 'a' && *line <= 'f')) {
        end_mapping(parser);
        parser->has_mapping = parse_first_line(mapping, line);
    }
}

void ml_maps_begin(ml_maps_parser *parser, ml_each_mapping *each, void *context)
{
    parser->each = each;
    parser->context = context;
    parser->has_mapping = false;
    parser->line_bytes = 0;
}

void ml_maps_take(ml_maps_parser *parser, const char *text, size_t bytes)
{
    const char *end = text + bytes;
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const size_t piece = (size_t)((newline ? newline : end) - text);
        /* A path that is too long keeps its beginning. */
        const size_t room = sizeof parser->line - 1 - parser->line_bytes;
        const size_t kept = piece < room ? piece : room;
        memcpy(parser->line + parser->line_bytes, text, kept);
        parser->line_bytes += kept;
        text += piece;
        if (newline) {
            parser->line[parser->line_bytes] = 0;
            take_line(parser);
            parser->line_bytes = 0;
            text++;
        }
    }
}

void ml_maps_end(ml_maps_parser *parser)
{
    end_mapping(parser);
}

#include "decoder_lines.h"

#include <stdlib.h>

void ml_lines_free(ml_lines *lines)
{
    free(lines->entries);
    *lines = (ml_lines){0};
}

/* Add that instructions up to `end` have this line. Neighbours with the same line become one. */
static void add(ml_lines *lines, uint32_t end, int64_t line)
{
    int32_t known = line >= 1 && line <= INT32_MAX ? (int32_t)line : 0;
    if (lines->count > 0 && lines->entries[lines->count - 1].line == known) {
        lines->entries[lines->count - 1].end = end;
    } else {
        lines->entries[lines->count++] = (ml_line_entry){end, known};
    }
}

/* Pairs of (bytes of code, lines): first the code goes on, then the line. */
static void expand_lnotab(ml_lines *lines, const uint8_t *table, uint32_t bytes)
{
    uint32_t end = 0;
    int64_t line = lines->first_line;
    for (uint32_t k = 0; k + 1 < bytes; k += 2) {
        if (table[k] > 0) {
            end += table[k];
            add(lines, end, line);
        }
        line += (int8_t)table[k + 1];
    }
    add(lines, UINT32_MAX, line);
}

/* Pairs of (bytes of code, lines): first the line changes, then the code goes on. -128 lines: this
 * code has none. */
static void expand_pep_626(ml_lines *lines, const uint8_t *table, uint32_t bytes)
{
    uint32_t end = 0;
    int64_t line = lines->first_line;
    for (uint32_t k = 0; k + 1 < bytes; k += 2) {
        int8_t step = (int8_t)table[k + 1];
        if (step != -128) {
            line += step;
        }
        if (table[k] > 0) {
            end += table[k];
            add(lines, end, step == -128 ? 0 : line);
        }
    }
}

/* A number in chunks of six bits, the lowest first. False where the table ends in it or it is too
 * long. */
static bool read_chunks(const uint8_t **at, const uint8_t *table_end, int64_t *number)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift <= 30; shift += 6) {
        if (*at == table_end) {
            return false;
        }
        uint8_t chunk = *(*at)++;
        value |= (uint64_t)(chunk & 63) << shift;
        if ((chunk & 64) == 0) {
            *number = value & 1 ? -(int64_t)(value >> 1) : (int64_t)(value >> 1);
            return true;
        }
    }
    return false;
}

/* Entries start with a byte whose highest bit is set: 1, four bits of code, three bits of length -
 * 1 in units of two bytes. */
static void expand_locations(ml_lines *lines, const uint8_t *table, uint32_t bytes)
{
    enum { ONE_LINE_0 = 10, ONE_LINE_2 = 12, NO_COLUMNS = 13, LONG = 14, NO_LOCATION = 15 };
    const uint8_t *at = table;
    const uint8_t *table_end = table + bytes;
    uint32_t end = 0;
    int64_t line = lines->first_line;
    while (at < table_end && *at & 0x80) {
        unsigned code = *at >> 3 & 15;
        uint32_t code_bytes = 2u * ((*at & 7u) + 1);
        int64_t step = 0;
        at++;
        if (code == NO_COLUMNS || code == LONG) {
            if (!read_chunks(&at, table_end, &step)) {
                return;
            }
        } else if (code >= ONE_LINE_0 && code <= ONE_LINE_2) {
            step = code - ONE_LINE_0;
        }
        line += step;
        end += code_bytes;
        add(lines, end, code == NO_LOCATION ? 0 : line);
        while (at < table_end && (*at & 0x80) == 0) {
            at++;
        }
    }
}

ml_status ml_lines_expand(ml_lines *lines, unsigned kind, const uint8_t *table, uint32_t bytes,
                          int32_t first_line, ml_error *error)
{
    *lines = (ml_lines){NULL, 0, first_line};
    if (kind < ML_LINES_LNOTAB || kind > ML_LINES_LOCATIONS) {
        return ML_OK;
    }
    /* Each entry takes at least one byte of the table; lnotab has one more, without an end. */
    lines->entries = malloc(((size_t)bytes + 1) * sizeof *lines->entries);
    if (lines->entries == NULL) {
        return ml_no_memory(error);
    }
    if (kind == ML_LINES_LNOTAB) {
        expand_lnotab(lines, table, bytes);
    } else if (kind == ML_LINES_PEP_626) {
        expand_pep_626(lines, table, bytes);
    } else {
        expand_locations(lines, table, bytes);
    }
    ml_line_entry *shrunk = realloc(lines->entries, ((size_t)lines->count + 1) * sizeof *shrunk);
    if (shrunk != NULL) {
        lines->entries = shrunk;
    }
    return ML_OK;
}

int32_t ml_lines_find(const ml_lines *lines, int32_t instruction)
{
    if (instruction < 0) {
        return lines->first_line;
    }
    uint32_t low = 0, high = lines->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (lines->entries[middle].end <= (uint32_t)instruction) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool known = low < lines->count && lines->entries[low].line != 0;
    return known ? lines->entries[low].line : lines->first_line;
}

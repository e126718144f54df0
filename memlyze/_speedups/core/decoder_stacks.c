#include "decoder_stacks.h"

#include <stdlib.h>

enum { TRUNCATED_CODE_ID = 1 };

void ml_stacks_free(ml_stacks *stacks)
{
    for (uint32_t k = 0; k < stacks->code_count; k++) {
        ml_lines_free(&stacks->codes[k].lines);
    }
    free(stacks->codes);
    free(stacks->frames);
    free(stacks->stacks);
    ml_strings_free(&stacks->texts);
    ml_strings_free(&stacks->tables);
    ml_map *maps[] = {&stacks->code_ids, &stacks->stack_ids, &stacks->positions, &stacks->names,
                      &stacks->sources,  &stacks->lines,     &stacks->merged};
    for (size_t k = 0; k < sizeof maps / sizeof *maps; k++) {
        ml_map_free(maps[k]);
    }
    *stacks = (ml_stacks){0};
}

/* Make room for one more item of an array. */
static ml_status reserve_one(void **items, uint32_t count, uint32_t *capacity, size_t item_bytes,
                             ml_error *error)
{
    if (count >= INT32_MAX) {
        return ml_corrupt(error, "it holds more functions or stacks than a trace can number");
    }
    if (count == *capacity) {
        uint32_t grown = count == 0 ? 256 : count * 2;
        void *moved = realloc(*items, grown * item_bytes);
        if (moved == NULL) {
            return ml_no_memory(error);
        }
        *items = moved;
        *capacity = grown;
    }
    return ML_OK;
}

/* Texts and line table are interned here; an id that is there already keeps its function. */
static ml_status add_code(ml_stacks *stacks, int64_t code_id, ml_text function, ml_text file,
                          ml_text line_table, ml_code code, ml_error *error)
{
    ml_status status = reserve_one((void **)&stacks->codes, stacks->code_count,
                                   &stacks->code_capacity, sizeof *stacks->codes, error);
    uint32_t place;
    bool added = false;
    if (status == ML_OK) {
        status = ml_map_intern(&stacks->code_ids, (uint64_t)code_id, stacks->code_count, &place,
                               &added, error);
    }
    if (status != ML_OK || !added) {
        return status;
    }
    stacks->codes[place] = code;
    stacks->code_count++;
    ml_code *kept = &stacks->codes[place];
    status = ml_strings_intern(&stacks->texts, function, &kept->function, error);
    if (status == ML_OK) {
        status = ml_strings_intern(&stacks->texts, file, &kept->file, error);
    }
    if (status == ML_OK) {
        status = ml_strings_intern(&stacks->tables, line_table, &kept->line_table, error);
    }
    return status;
}

ml_status ml_stacks_add_codes(ml_stacks *stacks, const ml_payload *payload, ml_error *error)
{
    enum {
        CODE_ID,
        FUNCTION,
        FILE_NAME,
        FIRST_LINE,
        LINE_TABLE_KIND,
        LINE_TABLE,
        LANGUAGE,
        COLUMNS
    };
    static const bool is_text[COLUMNS] = {
        [FUNCTION] = true, [FILE_NAME] = true, [LINE_TABLE] = true};
    size_t rows = payload->row_count;
    int64_t *numbers[COLUMNS] = {0};
    ml_text *texts[COLUMNS] = {0};
    ml_status status = ML_OK;
    for (unsigned k = 0; k < COLUMNS && status == ML_OK; k++) {
        status = ml_column_check(payload, k, is_text[k] ? ML_BYTES : ML_U8, rows, error);
        if (status == ML_OK && is_text[k]) {
            texts[k] = malloc((rows + 1) * sizeof *texts[k]);
            status = texts[k] == NULL ? ml_no_memory(error)
                                      : ml_column_texts(payload, k, rows, texts[k], error);
        } else if (status == ML_OK) {
            int64_t high = k == LINE_TABLE_KIND || k == LANGUAGE ? UINT8_MAX : INT32_MAX;
            numbers[k] = malloc((rows + 1) * sizeof *numbers[k]);
            status = numbers[k] == NULL
                         ? ml_no_memory(error)
                         : ml_column_integers(payload, k, rows, 0, high, numbers[k], error);
        }
    }
    for (size_t row = 0; row < rows && status == ML_OK; row++) {
        ml_code code = {.first_line = (int32_t)numbers[FIRST_LINE][row],
                        .line_table_kind = (uint8_t)numbers[LINE_TABLE_KIND][row],
                        .language = (uint8_t)numbers[LANGUAGE][row]};
        status = add_code(stacks, numbers[CODE_ID][row], texts[FUNCTION][row],
                          texts[FILE_NAME][row], texts[LINE_TABLE][row], code, error);
    }
    for (unsigned k = 0; k < COLUMNS; k++) {
        free(numbers[k]);
        free(texts[k]);
    }
    return status;
}

/* The frame with these texts and this line. */
static ml_status intern_frame(ml_stacks *stacks, ml_frame frame, uint32_t *number, ml_error *error)
{
    uint32_t name, source;
    bool added;
    ml_status status = reserve_one((void **)&stacks->frames, stacks->frame_count,
                                   &stacks->frame_capacity, sizeof *stacks->frames, error);
    if (status == ML_OK) {
        status = ml_map_intern(&stacks->names, (uint64_t)frame.function << 32 | frame.file,
                               (uint32_t)stacks->names.used, &name, &added, error);
    }
    if (status == ML_OK) {
        status = ml_map_intern(&stacks->sources, (uint64_t)name << 8 | frame.language,
                               (uint32_t)stacks->sources.used, &source, &added, error);
    }
    if (status == ML_OK) {
        status = ml_map_intern(&stacks->lines, (uint64_t)source << 32 | (uint32_t)frame.line,
                               stacks->frame_count, number, &added, error);
    }
    if (status == ML_OK && added) {
        stacks->frames[stacks->frame_count++] = frame;
    }
    return status;
}

static ml_status lost_frame(ml_stacks *stacks, uint32_t *number, ml_error *error)
{
    static const char name[] = "<lost>";
    ml_frame frame = {0};
    stacks->lost++;
    ml_status status = ml_strings_intern(
        &stacks->texts, (ml_text){(const uint8_t *)name, sizeof name - 1}, &frame.function, error);
    if (status == ML_OK) {
        status = ml_strings_intern(&stacks->texts, (ml_text){NULL, 0}, &frame.file, error);
    }
    return status == ML_OK ? intern_frame(stacks, frame, number, error) : status;
}

/* The frame of an instruction of a function. */
static ml_status find_frame(ml_stacks *stacks, int64_t code_id, int32_t instruction,
                            uint32_t *number, ml_error *error)
{
    uint32_t place;
    if (!ml_map_find(&stacks->code_ids, (uint64_t)code_id, &place)) {
        return lost_frame(stacks, number, error);
    }
    uint64_t position = (uint64_t)place << 32 | (uint32_t)instruction;
    if (ml_map_find(&stacks->positions, position, number)) {
        return ML_OK;
    }
    ml_code *code = &stacks->codes[place];
    ml_status status = ML_OK;
    if (!code->expanded) {
        const ml_string *table = &stacks->tables.strings[code->line_table];
        status = ml_lines_expand(&code->lines, code->line_table_kind,
                                 stacks->tables.bytes + table->start, table->length,
                                 code->first_line, error);
        code->expanded = status == ML_OK;
    }
    if (status == ML_OK) {
        ml_frame frame = {code->function, code->file, ml_lines_find(&code->lines, instruction),
                          code->language};
        status = intern_frame(stacks, frame, number, error);
    }
    bool added;
    return status == ML_OK
               ? ml_map_intern(&stacks->positions, position, *number, number, &added, error)
               : status;
}

/* The id of the merged stack with this caller (an id; 0: none) and frame. */
static ml_status intern_stack(ml_stacks *stacks, uint32_t parent_id, uint32_t frame, uint32_t *id,
                              ml_error *error)
{
    bool added;
    ml_status status = reserve_one((void **)&stacks->stacks, stacks->stack_count,
                                   &stacks->stack_capacity, sizeof *stacks->stacks, error);
    if (status == ML_OK) {
        status = ml_map_intern(&stacks->merged, (uint64_t)parent_id << 32 | frame,
                               stacks->stack_count + 1, id, &added, error);
    }
    if (status == ML_OK && added) {
        uint32_t depth = parent_id == 0 ? 1 : stacks->stacks[parent_id - 1].depth + 1;
        stacks->stacks[stacks->stack_count++] = (ml_stack){parent_id, frame, depth};
    }
    return status;
}

static ml_status add_stack(ml_stacks *stacks, int64_t stack_id, int64_t parent_id, int64_t code_id,
                           int32_t instruction, ml_error *error)
{
    uint32_t known, parent = 0, frame, id;
    bool added;
    ml_status status = ML_OK;
    if (stack_id == 0 || ml_map_find(&stacks->stack_ids, (uint64_t)stack_id, &known)) {
        return ML_OK;
    }
    if (parent_id != 0 && !ml_map_find(&stacks->stack_ids, (uint64_t)parent_id, &parent)) {
        status = lost_frame(stacks, &frame, error);
        if (status == ML_OK) {
            status = intern_stack(stacks, 0, frame, &parent, error);
        }
    }
    if (status == ML_OK) {
        status = find_frame(stacks, code_id, instruction, &frame, error);
    }
    if (status == ML_OK) {
        status = intern_stack(stacks, parent, frame, &id, error);
    }
    return status == ML_OK
               ? ml_map_intern(&stacks->stack_ids, (uint64_t)stack_id, id, &id, &added, error)
               : status;
}

ml_status ml_stacks_add_stacks(ml_stacks *stacks, const ml_payload *payload, ml_error *error)
{
    enum { STACK_ID, PARENT_ID, CODE_ID, INSTRUCTION, COLUMNS };
    static const char truncated[] = "<truncated>";
    size_t rows = payload->row_count;
    int64_t *numbers[COLUMNS] = {0};
    ml_status status = ML_OK;
    for (unsigned k = 0; k < COLUMNS && status == ML_OK; k++) {
        status = ml_column_check(payload, k, ML_U8, rows, error);
        if (status == ML_OK) {
            numbers[k] = malloc((rows + 1) * sizeof *numbers[k]);
            status = numbers[k] == NULL
                         ? ml_no_memory(error)
                         : ml_column_integers(payload, k, rows, k == INSTRUCTION ? INT32_MIN : 0,
                                              INT32_MAX, numbers[k], error);
        }
    }
    if (status == ML_OK) {
        /* The format gives this id a meaning of its own; a file need not spell it out. */
        status = add_code(stacks, TRUNCATED_CODE_ID,
                          (ml_text){(const uint8_t *)truncated, sizeof truncated - 1},
                          (ml_text){NULL, 0}, (ml_text){NULL, 0}, (ml_code){0}, error);
    }
    for (size_t row = 0; row < rows && status == ML_OK; row++) {
        status = add_stack(stacks, numbers[STACK_ID][row], numbers[PARENT_ID][row],
                           numbers[CODE_ID][row], (int32_t)numbers[INSTRUCTION][row], error);
    }
    for (unsigned k = 0; k < COLUMNS; k++) {
        free(numbers[k]);
    }
    return status;
}

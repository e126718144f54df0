/* Fuzzes the decoder: blocks of any content must be decoded or refused, and what was decoded must
 * hold together.
 *
 * With clang it is a libFuzzer target:
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -I memlyze/_speedups/core \
 *         tests/native/fuzz_decoder.c memlyze/_speedups/core/{checksum,decoder_*}.c -lzstd -lm
 *
 * With gcc it brings its own loop, guided by coverage where the decoder is compiled with
 * -fsanitize-coverage=trace-pc (tests/trace/test_fuzz_decoder.py does): fuzz_decoder ITERATIONS
 * SEED FILE...
 *
 * An input is a row of blocks, each: type, codec, column count (u8), row count (u16), payload bytes
 * (u16), payload. Headers with correct checksums are made here, so that no input is wasted on
 * guessing them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checksum.h"
#include "decoder_events.h"
#include "decoder_stacks.h"

enum { CAPACITY = 32, INPUT_HEADER_BYTES = 7, EVENTS = 1, CODES = 2, STACKS = 3 };

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static void put_u32(uint8_t *at, uint32_t value)
{
    for (int k = 0; k < 4; k++) {
        at[k] = (uint8_t)(value >> 8 * k);
    }
}

/* A block around the payload, in memory of its own size, so that reading past its end is seen. */
static uint8_t *make_block(const uint8_t *input, size_t payload_bytes, size_t *block_bytes)
{
    *block_bytes = ML_BLOCK_HEADER_BYTES + payload_bytes;
    uint8_t *block = calloc(1, *block_bytes);
    REQUIRE(block != NULL);
    memcpy(block, "MLBK", 4);
    block[4] = input[0];
    block[5] = input[1] & 1;
    block[6] = input[2];
    put_u32(block + 12, input[3] | (uint32_t)input[4] << 8);
    put_u32(block + 16, (uint32_t)payload_bytes);
    /* Of a compressed payload, any number may be right. */
    put_u32(block + 20, block[5] ? (uint32_t)payload_bytes * 4 : (uint32_t)payload_bytes);
    memcpy(block + ML_BLOCK_HEADER_BYTES, input + INPUT_HEADER_BYTES, payload_bytes);
    put_u32(block + 40, ml_crc32(block + ML_BLOCK_HEADER_BYTES, payload_bytes));
    put_u32(block + 44, ml_crc32(block, 44));
    return block;
}

/* Decode every column every way, as decode_columns of _decoder.pyx does for tables of rows. */
static void decode_columns(const ml_payload *payload)
{
    ml_error error;
    size_t rows = payload->row_count;
    for (unsigned number = 0; number < ML_COLUMN_LIMIT; number++) {
        if (ml_column_check(payload, number, ML_U8, rows, &error) == ML_OK) {
            int64_t *values = malloc((rows + 1) * sizeof *values);
            ml_column_integers(payload, number, rows, 0, INT64_MAX, values, &error);
            REQUIRE(ml_column_values(&payload->columns[number]) <= payload->columns[number].bytes);
            free(values);
        }
        if (ml_column_check(payload, number, ML_F64, rows, &error) == ML_OK) {
            double *values = malloc((rows + 1) * sizeof *values);
            ml_column_doubles(payload, number, rows, values, &error);
            free(values);
        }
        if (ml_column_check(payload, number, ML_BYTES, rows, &error) == ML_OK) {
            ml_text *texts = malloc((rows + 1) * sizeof *texts);
            if (ml_column_texts(payload, number, rows, texts, &error) == ML_OK && rows > 0) {
                const ml_column *column = &payload->columns[number];
                REQUIRE(texts[rows - 1].data + texts[rows - 1].bytes ==
                        column->data + column->bytes);
            }
            free(texts);
        }
    }
}

/* Any bytes are a line table. They end where the block's memory ends. */
static void find_lines(const uint8_t *table, size_t bytes)
{
    for (unsigned kind = ML_LINES_NONE; kind <= ML_LINES_LOCATIONS + 1; kind++) {
        ml_error error;
        ml_lines lines;
        REQUIRE(ml_lines_expand(&lines, kind, table, (uint32_t)bytes, 7, &error) == ML_OK);
        for (int32_t instruction = -2; instruction < 600; instruction += 2) {
            REQUIRE(ml_lines_find(&lines, instruction) >= 1);
        }
        ml_lines_free(&lines);
    }
}

static void check_allocations(const ml_events *events)
{
    const ml_allocation_columns *columns = &events->columns;
    REQUIRE(events->rows <= columns->capacity);
    uint64_t freed = 0;
    for (uint64_t row = 0; row < events->rows; row++) {
        uint64_t found;
        REQUIRE(columns->time_ns[row] >= 0);
        REQUIRE(columns->freed_ns[row] == -1 || columns->freed_ns[row] >= columns->time_ns[row]);
        REQUIRE(columns->size[row] >= 0 && columns->stack_id[row] >= 0);
        REQUIRE(columns->weight[row] >= 1);
        REQUIRE(ml_ids_find((ml_ids *)&events->ids, (uint64_t)columns->allocation_id[row], &found));
        REQUIRE(found == row);
        freed += columns->freed_ns[row] != -1;
    }
    REQUIRE(freed == events->frees);
}

static void check_stacks(const ml_stacks *stacks)
{
    for (uint32_t k = 0; k < stacks->stack_count; k++) {
        REQUIRE(stacks->stacks[k].parent_id <= k);
        REQUIRE(stacks->stacks[k].frame < stacks->frame_count);
    }
    for (uint32_t k = 0; k < stacks->frame_count; k++) {
        REQUIRE(stacks->frames[k].function < stacks->texts.count);
        REQUIRE(stacks->frames[k].file < stacks->texts.count);
        REQUIRE(stacks->frames[k].line >= 0);
    }
    uint64_t rows = ml_stacks_spelled_rows(stacks);
    if (rows < 100000) {
        int32_t *spelled = malloc((3 * rows + 1) * sizeof *spelled);
        ml_stacks_spell_out(stacks, spelled, spelled + rows, spelled + 2 * rows);
        free(spelled);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int64_t ids[CAPACITY], times[CAPACITY], freed[CAPACITY];
    static int32_t sizes[CAPACITY], stack_ids[CAPACITY], threads[CAPACITY], windows[CAPACITY];
    static uint8_t allocators[CAPACITY];
    static double weights[CAPACITY];
    static const ml_sampling samplings[] = {{1, 0, 0}, {2, 4096, 10}, {7, 1, 1e300}};
    const ml_allocation_columns columns = {ids,        times,     freed,   sizes,   weights,
                                           allocators, stack_ids, threads, windows, CAPACITY};
    ml_error error;
    ml_scratch scratch = {0};
    ml_stacks stacks = {0};
    ml_events events;
    REQUIRE(ml_events_init(&events, &columns, samplings, 3, &error) == ML_OK);
    while (size >= INPUT_HEADER_BYTES) {
        size_t payload_bytes = data[5] | (size_t)data[6] << 8;
        if (payload_bytes > size - INPUT_HEADER_BYTES) {
            payload_bytes = size - INPUT_HEADER_BYTES;
        }
        size_t block_bytes;
        uint8_t *block = make_block(data, payload_bytes, &block_bytes);
        find_lines(block + ML_BLOCK_HEADER_BYTES, payload_bytes);
        ml_payload payload;
        if (ml_payload_open(&payload, &scratch, block, block_bytes, &error) == ML_OK) {
            if (payload.block_type == EVENTS) {
                ml_events_add(&events, &payload, &error);
            } else if (payload.block_type == CODES) {
                ml_stacks_add_codes(&stacks, &payload, &error);
            } else if (payload.block_type == STACKS) {
                ml_stacks_add_stacks(&stacks, &payload, &error);
            } else {
                decode_columns(&payload);
            }
        }
        free(block);
        data += INPUT_HEADER_BYTES + payload_bytes;
        size -= INPUT_HEADER_BYTES + payload_bytes;
    }
    ml_events_finish(&events);
    check_allocations(&events);
    check_stacks(&stacks);
    ml_stacks_remap(&stacks, stack_ids, events.rows);
    for (uint64_t row = 0; row < events.rows; row++) {
        REQUIRE((uint32_t)stack_ids[row] <= stacks.stack_count);
    }
    ml_events_free(&events);
    ml_stacks_free(&stacks);
    ml_scratch_free(&scratch);
    return 0;
}

#ifdef FUZZ_STANDALONE
#include "fuzz_loop.h"
#endif

/* Functions, each named once: copies of the code objects that stacks go through, so that nothing of
 * the program is kept alive.
 *
 * The table is bounded. When the descriptions are too many they are forgotten, and what is met
 * again is described again under a new id: what was written to the trace stays true.
 *
 * Everything here is under `lock`, except `epoch`, which tells the threads that something they may
 * have remembered is no longer so: a code object died, and its address may be used again. */
#ifndef MEMLYZE_CODE_TABLE_H
#define MEMLYZE_CODE_TABLE_H

#include "buffer.h"
#include "platform.h"

#define ML_CODE_TRUNCATED 1 /* "<truncated>": frames below this are unknown */
#define ML_LANGUAGE_PYTHON 0

typedef struct {
    ml_spinlock lock;
    _Atomic uint64_t epoch;

    struct ml_code_address {
        uintptr_t address; /* 0: empty */
        uint32_t code_id;
    } *addresses; /* of live code objects; open addressing */
    uint32_t address_count, address_capacity;

    struct ml_code_content {
        uint64_t hash; /* 0: empty */
        uint32_t code_id;
    } *contents; /* what was described, by content: equal code made again and again has one id */
    uint32_t content_count, content_capacity, max_contents;
    uint32_t next_id;

    ml_buffer added; /* records that the writer has not taken yet, as ml_code_begin lays them out */
    uint64_t total, resets;
    size_t mapped_bytes;
} ml_code_table;

extern ML_INTERNAL ml_code_table ml_codes;

bool ml_code_table_init(ml_code_table *table, uint32_t max_contents);
void ml_code_table_clear(ml_code_table *table);

/* The id of the code object at this address, 0 when it is not known. */
uint32_t ml_code_find(const ml_code_table *table, uintptr_t address);

/* Describing a code object: begin, then its parts in the order name, file, line table, then finish
 * with the address. Record: u32 code_id, u32 first_line, u8 line_table_kind, u8 language, and three
 * times u32 length + bytes. */
typedef struct {
    size_t start;
    size_t part; /* where the length of the open part stands */
    bool failed;
} ml_code_record;
ml_code_record ml_code_begin(ml_code_table *table, uint32_t first_line, uint8_t line_table_kind,
                             uint8_t language);
void ml_code_part(ml_code_table *table, ml_code_record *record);
void ml_code_bytes(ml_code_table *table, ml_code_record *record, const void *data, size_t size);
/* The code's id; 0 when there was no memory. `address` 0: not an object of the program. */
uint32_t ml_code_finish(ml_code_table *table, ml_code_record *record, uintptr_t address);

/* Frames may have ended unseen: threads are to trust nothing that they remember. Takes the lock
 * itself. */
void ml_code_renew_epoch(ml_code_table *table);

/* The code object at this address is going; it need not be known. Takes the lock itself. */
void ml_code_died(ml_code_table *table, uintptr_t address);

#endif

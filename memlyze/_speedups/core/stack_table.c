#include "stack_table.h"

ml_stack_table ml_stacks;

#define FIRST_CAPACITY 1024

static inline uint32_t stack_slot(const ml_stack_table *table, uint32_t parent, uint32_t code,
                                  uint32_t instruction)
{
    uint64_t hash =
        ml_mix(((uint64_t)parent << 32 | code) + (uint64_t)instruction * 0x9e3779b97f4a7c15ull);
    return (uint32_t)hash & (table->stack_capacity - 1);
}

static inline uint32_t address_slot(uint32_t capacity, uintptr_t address)
{
    return (uint32_t)ml_mix((uint64_t)address >> 4) & (capacity - 1);
}

static void *map_counted(ml_stack_table *table, size_t bytes)
{
    void *memory = ml_map(bytes);
    if (memory)
        table->mapped_bytes += bytes;
    return memory;
}

static void unmap_counted(ml_stack_table *table, void *memory, size_t bytes)
{
    if (memory) {
        ml_unmap(memory, bytes);
        table->mapped_bytes -= bytes;
    }
}

static void new_epoch(ml_stack_table *table)
{
    atomic_fetch_add_explicit(&table->epoch, 1, memory_order_release);
}

bool ml_stack_table_init(ml_stack_table *table, uint32_t max_stacks, uint32_t max_codes)
{
    ml_stack_table_clear(table);
    table->max_stacks = max_stacks;
    table->max_codes = max_codes;
    table->next_stack_id = 1;
    table->next_code_id = ML_CODE_TRUNCATED;
    table->stack_capacity = table->code_address_capacity = table->code_content_capacity =
        FIRST_CAPACITY;
    table->stacks = map_counted(table, FIRST_CAPACITY * sizeof *table->stacks);
    table->code_addresses = map_counted(table, FIRST_CAPACITY * sizeof *table->code_addresses);
    table->code_contents = map_counted(table, FIRST_CAPACITY * sizeof *table->code_contents);
    if (!table->stacks || !table->code_addresses || !table->code_contents) {
        ml_stack_table_clear(table);
        return false;
    }
    ml_code_record record = ml_code_begin(table, 0, 0, 0);
    ml_code_part(table, &record);
    ml_code_bytes(table, &record, "<truncated>", 11);
    ml_code_part(table, &record);
    ml_code_part(table, &record);
    uint32_t code_id = ml_code_finish(table, &record, 0);
    table->truncated_stack_id = ml_stack_child(table, 0, code_id, 0);
    return code_id == ML_CODE_TRUNCATED;
}

void ml_stack_table_clear(ml_stack_table *table)
{
    ml_lock(&table->lock);
    unmap_counted(table, table->stacks, table->stack_capacity * sizeof *table->stacks);
    unmap_counted(table, table->code_addresses,
                  table->code_address_capacity * sizeof *table->code_addresses);
    unmap_counted(table, table->code_contents,
                  table->code_content_capacity * sizeof *table->code_contents);
    ml_buffer_free(&table->new_stacks);
    ml_buffer_free(&table->new_codes);
    table->stacks = NULL;
    table->code_addresses = NULL;
    table->code_contents = NULL;
    table->stack_capacity = table->code_address_capacity = table->code_content_capacity = 0;
    table->stack_count = table->code_address_count = table->code_content_count = 0;
    table->resets = table->stacks_total = table->codes_total = 0;
    atomic_store(&table->truncated, 0);
    new_epoch(table);
    ml_unlock(&table->lock);
}

/* Empties a table that has reached its bound. Ids go on, so that no id means two things. */
static void reset(ml_stack_table *table)
{
    memset(table->stacks, 0, table->stack_capacity * sizeof *table->stacks);
    table->stack_count = 0;
    table->resets++;
    new_epoch(table);
}

static bool grow_stacks(ml_stack_table *table)
{
    uint32_t capacity = table->stack_capacity;
    ml_stack_row *old = table->stacks,
                 *larger = map_counted(table, (size_t)capacity * 2 * sizeof *old);
    if (!larger)
        return false;
    table->stacks = larger;
    table->stack_capacity = capacity * 2;
    for (uint32_t i = 0; i < capacity; i++) {
        if (!old[i].stack_id)
            continue;
        uint32_t slot = stack_slot(table, old[i].parent_id, old[i].code_id, old[i].instruction);
        while (larger[slot].stack_id)
            slot = (slot + 1) & (table->stack_capacity - 1);
        larger[slot] = old[i];
    }
    unmap_counted(table, old, capacity * sizeof *old);
    return true;
}

uint32_t ml_stack_child(ml_stack_table *table, uint32_t parent_id, uint32_t code_id,
                        uint32_t instruction)
{
    if (ML_UNLIKELY(!table->stacks))
        return parent_id;
    uint32_t slot = stack_slot(table, parent_id, code_id, instruction);
    for (; table->stacks[slot].stack_id; slot = (slot + 1) & (table->stack_capacity - 1)) {
        const ml_stack_row *row = &table->stacks[slot];
        if (row->parent_id == parent_id && row->code_id == code_id &&
            row->instruction == instruction)
            return row->stack_id;
    }
    if (ML_UNLIKELY(table->stack_count >= table->max_stacks)) {
        reset(table);
        return ml_stack_child(table, parent_id, code_id, instruction);
    }
    if (ML_UNLIKELY(table->stack_count >= table->stack_capacity / 4 * 3)) {
        if (!grow_stacks(table))
            reset(table);
        return ml_stack_child(table, parent_id, code_id, instruction);
    }
    ml_stack_row row = {table->next_stack_id, parent_id, code_id, instruction};
    if (!ml_buffer_append(&table->new_stacks, &row, sizeof row)) {
        atomic_fetch_add(&table->truncated, 1);
        return parent_id;
    }
    table->next_stack_id++;
    table->stacks[slot] = row;
    table->stack_count++;
    table->stacks_total++;
    return row.stack_id;
}

uint32_t ml_code_find(const ml_stack_table *table, uintptr_t address)
{
    if (ML_UNLIKELY(!table->code_addresses))
        return 0;
    uint32_t mask = table->code_address_capacity - 1;
    uint32_t slot = address_slot(table->code_address_capacity, address);
    for (; table->code_addresses[slot].address; slot = (slot + 1) & mask)
        if (table->code_addresses[slot].address == address)
            return table->code_addresses[slot].code_id;
    return 0;
}

static bool add_code_address(ml_stack_table *table, uintptr_t address, uint32_t code_id)
{
    if (table->code_address_count >= table->code_address_capacity / 2) {
        uint32_t capacity = table->code_address_capacity * 2;
        struct ml_code_address *larger = map_counted(table, capacity * sizeof *larger);
        if (!larger)
            return false;
        for (uint32_t i = 0; i < table->code_address_capacity; i++) {
            struct ml_code_address entry = table->code_addresses[i];
            if (!entry.address)
                continue;
            uint32_t slot = address_slot(capacity, entry.address);
            while (larger[slot].address)
                slot = (slot + 1) & (capacity - 1);
            larger[slot] = entry;
        }
        unmap_counted(table, table->code_addresses,
                      table->code_address_capacity * sizeof *table->code_addresses);
        table->code_addresses = larger;
        table->code_address_capacity = capacity;
    }
    uint32_t slot = address_slot(table->code_address_capacity, address);
    while (table->code_addresses[slot].address)
        slot = (slot + 1) & (table->code_address_capacity - 1);
    table->code_addresses[slot] = (struct ml_code_address){address, code_id};
    table->code_address_count++;
    return true;
}

void ml_code_died(ml_stack_table *table, uintptr_t address)
{
    ml_lock(&table->lock);
    if (table->code_addresses) {
        uint32_t mask = table->code_address_capacity - 1;
        uint32_t gap = address_slot(table->code_address_capacity, address);
        while (table->code_addresses[gap].address && table->code_addresses[gap].address != address)
            gap = (gap + 1) & mask;
        if (table->code_addresses[gap].address) {
            for (uint32_t i = (gap + 1) & mask; table->code_addresses[i].address;
                 i = (i + 1) & mask) {
                uint32_t wanted =
                    address_slot(table->code_address_capacity, table->code_addresses[i].address);
                if (((i - wanted) & mask) >= ((i - gap) & mask)) {
                    table->code_addresses[gap] = table->code_addresses[i];
                    gap = i;
                }
            }
            table->code_addresses[gap].address = 0;
            table->code_address_count--;
            new_epoch(table);
        }
    }
    ml_unlock(&table->lock);
}

ml_code_record ml_code_begin(ml_stack_table *table, uint32_t first_line, uint8_t line_table_kind,
                             uint8_t language)
{
    ml_code_record record = {.start = table->new_codes.size};
    uint8_t head[10];
    ml_put_u32(head, 0); /* the id, known at the end */
    ml_put_u32(head + 4, first_line);
    head[8] = line_table_kind;
    head[9] = language;
    record.failed = !ml_buffer_append(&table->new_codes, head, sizeof head);
    return record;
}

void ml_code_part(ml_stack_table *table, ml_code_record *record)
{
    uint8_t length[4] = {0};
    record->part = table->new_codes.size;
    record->failed = record->failed || !ml_buffer_append(&table->new_codes, length, sizeof length);
}

void ml_code_bytes(ml_stack_table *table, ml_code_record *record, const void *data, size_t size)
{
    if (record->failed || !ml_buffer_append(&table->new_codes, data, size)) {
        record->failed = true;
        return;
    }
    size_t length = table->new_codes.size - record->part - 4;
    ml_put_u32(table->new_codes.data + record->part, (uint32_t)length);
}

/* FNV-1a, 64 bits, over eight bytes at a time: equal content, equal id; nothing hostile is hashed.
 */
static uint64_t hash_bytes(const uint8_t *data, size_t size)
{
    uint64_t hash = 0xcbf29ce484222325ull ^ size, word;
    for (; size >= 8; data += 8, size -= 8) {
        memcpy(&word, data, 8);
        hash = ml_mix(hash ^ word);
    }
    for (; size; data++, size--)
        hash = (hash ^ *data) * 0x100000001b3ull;
    hash = ml_mix(hash);
    return hash ? hash : 1;
}

static struct ml_code_content *find_content(struct ml_code_content *contents, uint32_t capacity,
                                            uint64_t hash)
{
    uint32_t slot = (uint32_t)hash & (capacity - 1);
    while (contents[slot].hash && contents[slot].hash != hash)
        slot = (slot + 1) & (capacity - 1);
    return &contents[slot];
}

static bool grow_contents(ml_stack_table *table)
{
    uint32_t capacity = table->code_content_capacity * 2;
    struct ml_code_content *larger = map_counted(table, capacity * sizeof *larger);
    if (!larger)
        return false;
    for (uint32_t i = 0; i < table->code_content_capacity; i++)
        if (table->code_contents[i].hash)
            *find_content(larger, capacity, table->code_contents[i].hash) = table->code_contents[i];
    unmap_counted(table, table->code_contents,
                  table->code_content_capacity * sizeof *table->code_contents);
    table->code_contents = larger;
    table->code_content_capacity = capacity;
    return true;
}

uint32_t ml_code_finish(ml_stack_table *table, ml_code_record *record, uintptr_t address)
{
    uint32_t code_id = 0;
    if (record->failed || !table->code_contents)
        goto undo;
    uint64_t hash =
        hash_bytes(table->new_codes.data + record->start, table->new_codes.size - record->start);
    if (table->code_content_count >= table->code_content_capacity / 2 &&
        (table->code_content_capacity / 2 >= table->max_codes || !grow_contents(table))) {
        memset(table->code_contents, 0,
               table->code_content_capacity * sizeof *table->code_contents);
        table->code_content_count = 0;
        table->resets++;
    }
    struct ml_code_content *content =
        find_content(table->code_contents, table->code_content_capacity, hash);
    bool known = content->hash != 0;
    if (!known) {
        content->hash = hash;
        content->code_id = table->next_code_id++;
        table->code_content_count++;
        table->codes_total++;
    }
    code_id = content->code_id;
    if (address && !add_code_address(table, address, code_id)) {
        code_id = 0; /* not remembered: described again, under the same id, when it is met next */
    }
    if (!known) {
        ml_put_u32(table->new_codes.data + record->start, content->code_id);
        return code_id ? code_id : content->code_id;
    }
undo:
    table->new_codes.size = record->start;
    return code_id;
}

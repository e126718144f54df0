#include "code_table.h"

ml_code_table ml_codes;

#define FIRST_CAPACITY 1024

static inline uint32_t address_slot(uint32_t capacity, uintptr_t address)
{
    return (uint32_t)ml_mix((uint64_t)address >> 4) & (capacity - 1);
}

static void *map_counted(ml_code_table *table, size_t bytes)
{
    void *memory = ml_map(bytes);
    if (memory)
        table->mapped_bytes += bytes;
    return memory;
}

static void unmap_counted(ml_code_table *table, void *memory, size_t bytes)
{
    if (memory) {
        ml_unmap(memory, bytes);
        table->mapped_bytes -= bytes;
    }
}

static void new_epoch(ml_code_table *table)
{
    atomic_fetch_add_explicit(&table->epoch, 1, memory_order_release);
}

bool ml_code_table_init(ml_code_table *table, uint32_t max_contents)
{
    ml_code_table_clear(table);
    table->max_contents = max_contents;
    table->next_id = ML_CODE_TRUNCATED;
    table->address_capacity = table->content_capacity = FIRST_CAPACITY;
    table->addresses = map_counted(table, FIRST_CAPACITY * sizeof *table->addresses);
    table->contents = map_counted(table, FIRST_CAPACITY * sizeof *table->contents);
    if (!table->addresses || !table->contents) {
        ml_code_table_clear(table);
        return false;
    }
    ml_code_record record = ml_code_begin(table, 0, 0, 0);
    ml_code_part(table, &record);
    ml_code_bytes(table, &record, "<truncated>", 11);
    ml_code_part(table, &record);
    ml_code_part(table, &record);
    return ml_code_finish(table, &record, 0) == ML_CODE_TRUNCATED;
}

void ml_code_table_clear(ml_code_table *table)
{
    ml_lock(&table->lock);
    unmap_counted(table, table->addresses, table->address_capacity * sizeof *table->addresses);
    unmap_counted(table, table->contents, table->content_capacity * sizeof *table->contents);
    ml_buffer_free(&table->added);
    table->addresses = NULL;
    table->contents = NULL;
    table->address_capacity = table->content_capacity = 0;
    table->address_count = table->content_count = 0;
    table->total = table->resets = 0;
    new_epoch(table);
    ml_unlock(&table->lock);
}

uint32_t ml_code_find(const ml_code_table *table, uintptr_t address)
{
    if (ML_UNLIKELY(!table->addresses))
        return 0;
    uint32_t mask = table->address_capacity - 1;
    uint32_t slot = address_slot(table->address_capacity, address);
    for (; table->addresses[slot].address; slot = (slot + 1) & mask)
        if (table->addresses[slot].address == address)
            return table->addresses[slot].code_id;
    return 0;
}

static bool add_code_address(ml_code_table *table, uintptr_t address, uint32_t code_id)
{
    if (table->address_count >= table->address_capacity / 2) {
        uint32_t capacity = table->address_capacity * 2;
        struct ml_code_address *larger = map_counted(table, capacity * sizeof *larger);
        if (!larger)
            return false;
        for (uint32_t i = 0; i < table->address_capacity; i++) {
            struct ml_code_address entry = table->addresses[i];
            if (!entry.address)
                continue;
            uint32_t slot = address_slot(capacity, entry.address);
            while (larger[slot].address)
                slot = (slot + 1) & (capacity - 1);
            larger[slot] = entry;
        }
        unmap_counted(table, table->addresses, table->address_capacity * sizeof *table->addresses);
        table->addresses = larger;
        table->address_capacity = capacity;
    }
    uint32_t slot = address_slot(table->address_capacity, address);
    while (table->addresses[slot].address)
        slot = (slot + 1) & (table->address_capacity - 1);
    table->addresses[slot] = (struct ml_code_address){address, code_id};
    table->address_count++;
    return true;
}

void ml_code_renew_epoch(ml_code_table *table)
{
    ml_lock(&table->lock);
    new_epoch(table);
    ml_unlock(&table->lock);
}

void ml_code_died(ml_code_table *table, uintptr_t address)
{
    ml_lock(&table->lock);
    if (table->addresses) {
        uint32_t mask = table->address_capacity - 1;
        uint32_t gap = address_slot(table->address_capacity, address);
        while (table->addresses[gap].address && table->addresses[gap].address != address)
            gap = (gap + 1) & mask;
        if (table->addresses[gap].address) {
            for (uint32_t i = (gap + 1) & mask; table->addresses[i].address; i = (i + 1) & mask) {
                uint32_t wanted =
                    address_slot(table->address_capacity, table->addresses[i].address);
                if (((i - wanted) & mask) >= ((i - gap) & mask)) {
                    table->addresses[gap] = table->addresses[i];
                    gap = i;
                }
            }
            table->addresses[gap].address = 0;
            table->address_count--;
            new_epoch(table);
        }
    }
    ml_unlock(&table->lock);
}

ml_code_record ml_code_begin(ml_code_table *table, uint32_t first_line, uint8_t line_table_kind,
                             uint8_t language)
{
    ml_code_record record = {.start = table->added.size};
    uint8_t head[10];
    ml_put_u32(head, 0); /* the id, known at the end */
    ml_put_u32(head + 4, first_line);
    head[8] = line_table_kind;
    head[9] = language;
    record.failed = !ml_buffer_append(&table->added, head, sizeof head);
    return record;
}

void ml_code_part(ml_code_table *table, ml_code_record *record)
{
    uint8_t length[4] = {0};
    record->part = table->added.size;
    record->failed = record->failed || !ml_buffer_append(&table->added, length, sizeof length);
}

void ml_code_bytes(ml_code_table *table, ml_code_record *record, const void *data, size_t size)
{
    if (record->failed || !ml_buffer_append(&table->added, data, size)) {
        record->failed = true;
        return;
    }
    size_t length = table->added.size - record->part - 4;
    ml_put_u32(table->added.data + record->part, (uint32_t)length);
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

static bool grow_contents(ml_code_table *table)
{
    uint32_t capacity = table->content_capacity * 2;
    struct ml_code_content *larger = map_counted(table, capacity * sizeof *larger);
    if (!larger)
        return false;
    for (uint32_t i = 0; i < table->content_capacity; i++)
        if (table->contents[i].hash)
            *find_content(larger, capacity, table->contents[i].hash) = table->contents[i];
    unmap_counted(table, table->contents, table->content_capacity * sizeof *table->contents);
    table->contents = larger;
    table->content_capacity = capacity;
    return true;
}

uint32_t ml_code_finish(ml_code_table *table, ml_code_record *record, uintptr_t address)
{
    uint32_t code_id = 0;
    if (record->failed || !table->contents)
        goto undo;
    uint64_t hash =
        hash_bytes(table->added.data + record->start, table->added.size - record->start);
    if (table->content_count >= table->content_capacity / 2 &&
        (table->content_capacity / 2 >= table->max_contents || !grow_contents(table))) {
        memset(table->contents, 0, table->content_capacity * sizeof *table->contents);
        table->content_count = 0;
        table->resets++;
    }
    struct ml_code_content *content = find_content(table->contents, table->content_capacity, hash);
    bool known = content->hash != 0;
    if (!known) {
        content->hash = hash;
        content->code_id = table->next_id++;
        table->content_count++;
        table->total++;
    }
    code_id = content->code_id;
    if (address && !add_code_address(table, address, code_id)) {
        code_id = 0; /* not remembered: described again, under the same id, when it is met next */
    }
    if (!known) {
        ml_put_u32(table->added.data + record->start, content->code_id);
        return code_id ? code_id : content->code_id;
    }
undo:
    table->added.size = record->start;
    return code_id;
}

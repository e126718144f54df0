#include "carried.h"

#include <string.h>

/* ---- blocks
 * -------------------------------------------------------------------------------------- */

static uint64_t find(const ml_carried *carried, uint64_t allocation_id)
{
    const uint64_t mask = carried->capacity - 1;
    uint64_t slot = ml_mix(allocation_id) & mask;
    while (carried->blocks[slot].allocation_id &&
           carried->blocks[slot].allocation_id != allocation_id)
        slot = (slot + 1) & mask;
    return slot;
}

static bool make_room(ml_carried *carried)
{
    if ((carried->count + 1) * 2 <= carried->capacity)
        return true;
    ml_carried larger = {.capacity = carried->capacity ? carried->capacity * 2 : 1024};
    larger.blocks = ml_map(larger.capacity * sizeof *larger.blocks);
    if (!larger.blocks)
        return false;
    for (uint64_t i = 0; i < carried->capacity; i++)
        if (carried->blocks[i].allocation_id)
            larger.blocks[find(&larger, carried->blocks[i].allocation_id)] = carried->blocks[i];
    ml_unmap(carried->blocks, carried->capacity * sizeof *carried->blocks);
    carried->blocks = larger.blocks;
    carried->capacity = larger.capacity;
    return true;
}

/* Closes the gap (Knuth, TAOCP 6.4, algorithm R). */
static void erase(ml_carried *carried, uint64_t slot)
{
    const uint64_t mask = carried->capacity - 1;
    uint64_t gap = slot;
    for (uint64_t i = (slot + 1) & mask; carried->blocks[i].allocation_id; i = (i + 1) & mask) {
        const uint64_t home = ml_mix(carried->blocks[i].allocation_id) & mask;
        if (((i - home) & mask) >= ((i - gap) & mask)) {
            carried->blocks[gap] = carried->blocks[i];
            gap = i;
        }
    }
    carried->blocks[gap].allocation_id = 0;
    carried->count--;
}

void ml_carried_begins(ml_carried *carried, const ml_carried_block *block)
{
    if (!make_room(carried)) {
        carried->blocks_left++;
        carried->bytes_left += block->size;
        return;
    }
    const uint64_t slot = find(carried, block->allocation_id);
    if (carried->blocks[slot].allocation_id) { /* its end was there first */
        carried->gone -= carried->blocks[slot].is_gone;
        erase(carried, slot);
        return;
    }
    carried->count++;
    carried->blocks[slot] = *block;
}

void ml_carried_ends(ml_carried *carried, uint64_t allocation_id)
{
    if (!make_room(carried))
        return;
    const uint64_t slot = find(carried, allocation_id);
    if (carried->blocks[slot].allocation_id) {
        carried->gone -= carried->blocks[slot].is_gone;
        erase(carried, slot);
    } else {
        carried->blocks[slot] = (ml_carried_block){.allocation_id = allocation_id, .is_gone = true};
        carried->count++;
        carried->gone++;
    }
}

/* ---- rows as they are written
 * -------------------------------------------------------------------- */

void ml_carried_add_stacks(ml_carried *carried, const ml_buffer *rows)
{
    if (carried->keeps)
        ml_buffer_append(&carried->stacks, rows->data, rows->size);
}

void ml_carried_add_codes(ml_carried *carried, const ml_buffer *records)
{
    if (carried->keeps)
        ml_buffer_append(&carried->codes, records->data, records->size);
}

void ml_carried_add_thread(ml_carried *carried, const ml_thread_row *row)
{
    if (carried->keeps)
        ml_buffer_append(&carried->threads, row, sizeof *row);
}

void ml_carried_add_windows(ml_carried *carried, ml_buffer *records)
{
    ml_buffer_append(&carried->windows, records->data, records->size);
    records->size = 0;
}

void ml_carried_free(ml_carried *carried)
{
    ml_unmap(carried->blocks, carried->capacity * sizeof *carried->blocks);
    ml_buffer *all[] = {&carried->stacks, &carried->codes, &carried->threads, &carried->windows,
                        &carried->spared_codes};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        ml_buffer_free(all[i]);
    memset(carried, 0, sizeof *carried);
}

size_t ml_carried_bytes(const ml_carried *carried)
{
    return carried->capacity * sizeof *carried->blocks + carried->stacks.capacity +
           carried->codes.capacity + carried->threads.capacity + carried->windows.capacity +
           carried->spared_codes.capacity;
}

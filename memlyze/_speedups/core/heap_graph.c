#include "heap_graph.h"

#define FIRST_NUMBERS 1024

ml_graph *ml_graph_new(const char *reason)
{
    ml_graph *graph = ml_map(sizeof *graph);
    if (graph) {
        graph->reason = reason;
        graph->objects.item_bytes = sizeof(ml_graph_object);
        graph->references.item_bytes = sizeof(uint64_t);
        graph->allocations.item_bytes = sizeof(ml_graph_allocation);
        graph->objects.bits = graph->references.bits = graph->allocations.bits = ML_CHUNK_BITS;
    }
    return graph;
}

void ml_graph_free(ml_graph *graph)
{
    ml_buffer *buffers[] = {&graph->types, &graph->names, &graph->texts, &graph->roots};
    ml_graph_numbers *numbers[] = {&graph->type_numbers, &graph->name_numbers};
    ml_address_set_free(&graph->addresses);
    ml_chunks_free(&graph->objects);
    ml_chunks_free(&graph->references);
    ml_chunks_free(&graph->allocations);
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        ml_buffer_free(buffers[i]);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        ml_unmap(numbers[i]->slots, numbers[i]->capacity * sizeof *numbers[i]->slots);
    ml_unmap(graph, sizeof *graph);
}

uint64_t ml_graph_bytes(const ml_graph *graph)
{
    return ml_address_set_bytes(&graph->addresses) + ml_chunks_bytes(&graph->objects) +
           ml_chunks_bytes(&graph->references) + ml_chunks_bytes(&graph->allocations) +
           graph->types.capacity + graph->names.capacity + graph->texts.capacity +
           graph->roots.capacity +
           (graph->type_numbers.capacity + graph->name_numbers.capacity) * sizeof(ml_graph_key);
}

/* ---- numbers by pointer
 * -------------------------------------------------------------------------- */

static ml_graph_key *slot_of(const ml_graph_numbers *numbers, uintptr_t key)
{
    uint64_t slot = ml_mix(key) & (numbers->capacity - 1);
    while (numbers->slots[slot].key && numbers->slots[slot].key != key)
        slot = (slot + 1) & (numbers->capacity - 1);
    return &numbers->slots[slot];
}

uint32_t ml_graph_number(const ml_graph_numbers *numbers, uintptr_t key)
{
    return numbers->capacity ? slot_of(numbers, key)->number : 0;
}

static bool grow(ml_graph_numbers *numbers)
{
    const ml_graph_numbers old = *numbers;
    numbers->capacity = old.capacity ? old.capacity * 2 : FIRST_NUMBERS;
    numbers->slots = ml_map(numbers->capacity * sizeof *numbers->slots);
    if (!numbers->slots) {
        *numbers = old;
        return false;
    }
    for (uint64_t i = 0; i < old.capacity; i++)
        if (old.slots[i].key)
            *slot_of(numbers, old.slots[i].key) = old.slots[i];
    ml_unmap(old.slots, old.capacity * sizeof *old.slots);
    return true;
}

static uint32_t new_number(ml_graph *graph, ml_graph_numbers *numbers, uintptr_t key)
{
    if ((uint64_t)numbers->count * 2 >= numbers->capacity && !grow(numbers)) {
        graph->failed = true;
        return 0;
    }
    *slot_of(numbers, key) = (ml_graph_key){key, ++numbers->count};
    return numbers->count;
}

/* ---- structures with texts behind them
 * ----------------------------------------------------------- */

static void append(ml_graph *graph, ml_buffer *buffer, const void *data, size_t bytes)
{
    if (!ml_buffer_append(buffer, data, bytes))
        graph->failed = true;
}

uint32_t ml_graph_add_type(ml_graph *graph, uintptr_t key, ml_graph_type type, const char *name,
                           const char *module)
{
    type.name_bytes = (uint32_t)strlen(name);
    type.module_bytes = (uint32_t)strlen(module);
    const uint32_t number = new_number(graph, &graph->type_numbers, key);
    if (!number)
        return 0;
    append(graph, &graph->types, &type, sizeof type);
    append(graph, &graph->types, name, type.name_bytes);
    append(graph, &graph->types, module, type.module_bytes);
    return number;
}

static void add_text(ml_graph *graph, ml_buffer *buffer, uintptr_t of, const char *text,
                     size_t bytes)
{
    const ml_graph_text head = {of, (uint32_t)bytes};
    append(graph, buffer, &head, sizeof head);
    append(graph, buffer, text, bytes);
}

uint32_t ml_graph_add_name(ml_graph *graph, uintptr_t key, const char *name, size_t bytes)
{
    const uint32_t number = new_number(graph, &graph->name_numbers, key);
    if (number)
        add_text(graph, &graph->names, number, name, bytes);
    return number;
}

void ml_graph_add_text(ml_graph *graph, uintptr_t object, const char *text, size_t bytes)
{
    add_text(graph, &graph->texts, object, text, bytes);
}

void ml_graph_add_root(ml_graph *graph, ml_graph_root root, const char *name, const char *function,
                       const char *file)
{
    const char *texts[3] = {name, function, file};
    for (int i = 0; i < 3; i++)
        root.texts[i] = (uint32_t)strlen(texts[i]);
    append(graph, &graph->roots, &root, sizeof root);
    for (int i = 0; i < 3; i++)
        append(graph, &graph->roots, texts[i], root.texts[i]);
}

#include "heap_graph_writer.h"

#define SLICE 65536
#define ROWS_PER_BLOCK ((uint32_t)1 << 17)
#define BLOCK_BYTES ((size_t)6 << 20)
#define MAX_ID ((uint64_t)INT32_MAX)

typedef enum { PLACE, RESOLVE, COUNT, TYPES, NAMES, OBJECTS, REFERENCES, TEXTS, ROOTS, LAST } stage;

typedef struct ml_graph_writing {
    stage stage;
    uint64_t object;     /* the next one */
    uint64_t reference;  /* the next word */
    uint64_t allocation; /* the next row */
    size_t offset;       /* in a buffer */
    uint32_t *places;    /* of objects, by the numbers of their addresses */
    uint32_t *found;     /* references to each object that are in the graph */
    uint64_t wide_number;
    int64_t last_index; /* of the present object's items */
    uint32_t left;      /* references of the present object that are to come */
    bool is_wide;
    bool has_failed; /* there was no memory for a row: what is written of it is not all */
    size_t address_count;
    uint64_t first_object_id, first_type_id, first_name_id, written_references;
    ml_columns rows;
} writing;

static size_t found_bytes(const ml_graph *graph)
{
    return (size_t)(graph->objects.count + 1) * sizeof(uint32_t);
}

/* Addresses may have been met that no object was found at: of another interpreter's objects, or of
 * what the collector is about to free. */
static size_t places_bytes(const writing *state)
{
    return (state->address_count + 1) * sizeof(uint32_t);
}

/* Makes room for a row. False: there is no memory, and the whole is given up. */
static bool reserve_row(writing *state, size_t text_bytes)
{
    state->has_failed = state->has_failed || !ml_columns_reserve_row(&state->rows, text_bytes);
    return !state->has_failed;
}

static void begin_rows(writing *state, stage next, uint8_t block_type, const char *encodings)
{
    ml_columns_free(&state->rows);
    ml_columns_init(&state->rows, block_type, encodings);
    state->stage = next;
    state->object = state->reference = state->allocation = 0;
    state->offset = 0;
    state->left = 0;
    state->is_wide = false;
}

static bool begin(ml_graph *graph)
{
    writing *state = ml_map(sizeof *state);
    if (!state)
        return false;
    graph->writing = state;
    state->address_count = ml_address_set_rank(&graph->addresses);
    state->places = ml_map_dense(places_bytes(state));
    state->found = ml_map_dense(found_bytes(graph));
    return state->places && state->found;
}

void ml_graph_stop_writing(ml_graph *graph)
{
    writing *state = graph->writing;
    if (!state)
        return;
    ml_unmap(state->places, places_bytes(state));
    ml_unmap(state->found, found_bytes(graph));
    ml_columns_free(&state->rows);
    ml_unmap(state, sizeof *state);
    graph->writing = NULL;
}

static uint32_t place_of(ml_graph *graph, uintptr_t address)
{
    const uint32_t number = ml_address_rank(&graph->addresses, address);
    return number == ML_ADDRESS_UNKNOWN ? UINT32_MAX : graph->writing->places[number] - 1;
}

static int64_t id_of(ml_graph *graph, uintptr_t address)
{
    const uint32_t place = address ? place_of(graph, address) : UINT32_MAX;
    return place == UINT32_MAX ? 0 : (int64_t)(graph->writing->first_object_id + place);
}

static void flush(writing *state, ml_trace_file *file, bool whole)
{
    if (whole || state->rows.rows >= ROWS_PER_BLOCK || ml_columns_bytes(&state->rows) > BLOCK_BYTES)
        ml_trace_file_write(file, &state->rows);
}

/* ---- numbers for what was an address
 * ------------------------------------------------------------- */

static void place_slice(ml_graph *graph)
{
    writing *state = graph->writing;
    for (uint32_t n = 0; n < SLICE && state->object < graph->objects.count; n++, state->object++) {
        const ml_graph_object *object = ml_chunks_at(&graph->objects, state->object);
        /* One more than the place: an address whose object was given up has 0. */
        const uint32_t number = ml_address_rank(&graph->addresses, object->address);
        if (number != ML_ADDRESS_UNKNOWN)
            state->places[number] = (uint32_t)state->object + 1;
    }
    if (state->object == graph->objects.count)
        state->stage = RESOLVE;
}

static void resolve_slice(ml_graph *graph)
{
    writing *state = graph->writing;
    const uint64_t count = graph->references.count;
    for (uint32_t n = 0; n < SLICE && state->reference < count; n++, state->reference++) {
        uint64_t *word = ml_chunks_at(&graph->references, state->reference);
        if (*word & ML_REFERENCE_WIDE)
            continue;
        const uint32_t place = place_of(graph, ML_REFERENCE_ADDRESS(*word));
        *word = (*word & ~(((uint64_t)1 << 44) - 1)) | place;
        if (place != UINT32_MAX)
            state->found[place]++;
    }
    if (state->reference == count) {
        state->stage = COUNT;
        state->object = 0;
    }
}

static void count_roots(ml_graph *graph)
{
    for (size_t at = 0; at < graph->roots.size;) {
        ml_graph_root root;
        memcpy(&root, graph->roots.data + at, sizeof root);
        at += sizeof root + root.texts[0] + root.texts[1] + root.texts[2];
        const uint32_t place = place_of(graph, root.object);
        if (place != UINT32_MAX && root.is_counted)
            graph->writing->found[place]++;
    }
}

/* Types are referred to by their instances: told by the type of each, not by a reference. */
static void count_instances(ml_graph *graph)
{
    writing *state = graph->writing;
    const size_t types = graph->type_numbers.count;
    uint32_t *places = ml_map((types + 1) * sizeof *places);
    size_t at = 0;
    if (!places) {
        state->has_failed = true;
        return;
    }
    for (size_t number = 1; number <= types && at < graph->types.size; number++) {
        ml_graph_type type;
        memcpy(&type, graph->types.data + at, sizeof type);
        at += sizeof type + type.name_bytes + type.module_bytes;
        places[number] = type.is_counted && type.object ? place_of(graph, type.object) : UINT32_MAX;
    }
    for (uint64_t i = 0; i < graph->objects.count; i++) {
        const ml_graph_object *object = ml_chunks_at(&graph->objects, i);
        const uint32_t place = object->type <= types ? places[object->type] : UINT32_MAX;
        if (object->type && place != UINT32_MAX)
            state->found[place]++;
    }
    ml_unmap(places, (types + 1) * sizeof *places);
}

/* ---- rows
 * ---------------------------------------------------------------------------------------- */

static void type_slice(ml_graph *graph, ml_trace_file *file)
{
    writing *state = graph->writing;
    ml_columns *rows = &state->rows;
    for (uint64_t id = state->first_type_id; state->offset < graph->types.size; id++) {
        const uint8_t *at = graph->types.data + state->offset;
        ml_graph_type type;
        memcpy(&type, at, sizeof type);
        at += sizeof type;
        if (!reserve_row(state, (size_t)type.name_bytes + type.module_bytes))
            break;
        ml_columns_put(rows, 0, (int64_t)id);
        ml_columns_put_text(rows, 1, at, type.name_bytes);
        ml_columns_put_text(rows, 2, at + type.name_bytes, type.module_bytes);
        ml_columns_put(rows, 3, id_of(graph, type.object));
        ml_columns_put(rows, 4, type.is_counted);
        state->offset += sizeof type + type.name_bytes + type.module_bytes;
        flush(state, file, false);
    }
    flush(state, file, true);
    begin_rows(state, NAMES, ML_BLOCK_OBJECT_NAMES, "dt");
}

/* Names, and the texts of objects. */
static bool text_slice(ml_graph *graph, ml_trace_file *file, const ml_buffer *texts, bool of_names)
{
    writing *state = graph->writing;
    ml_columns *rows = &state->rows;
    for (uint32_t n = 0; n < SLICE && state->offset < texts->size; n++) {
        ml_graph_text text;
        memcpy(&text, texts->data + state->offset, sizeof text);
        const int64_t id = of_names ? (int64_t)(state->first_name_id + text.address - 1)
                                    : id_of(graph, text.address);
        const uint8_t *at = texts->data + state->offset + sizeof text;
        state->offset += sizeof text + text.bytes;
        if (id == 0 || !reserve_row(state, text.bytes))
            continue;
        ml_columns_put(rows, 0, id);
        ml_columns_put_text(rows, 1, at, text.bytes);
    }
    const bool is_last = state->offset >= texts->size;
    flush(state, file, is_last);
    return is_last;
}

static void object_slice(ml_graph *graph, ml_trace_file *file)
{
    writing *state = graph->writing;
    ml_columns *rows = &state->rows;
    for (uint32_t n = 0; n < SLICE && state->object < graph->objects.count; n++) {
        const ml_graph_object *object = ml_chunks_at(&graph->objects, state->object);
        ml_graph_allocation allocation = {0};
        if (state->allocation < graph->allocations.count) {
            const ml_graph_allocation *next = ml_chunks_at(&graph->allocations, state->allocation);
            if (next->place == state->object) {
                allocation = *next;
                state->allocation++;
            }
        }
        if (!reserve_row(state, 0))
            break;
        const uint32_t found = state->found[state->object];
        const uint32_t unseen = object->refcount == UINT32_MAX || object->refcount < found
                                    ? 0
                                    : object->refcount - found;
        ml_columns_put(rows, 0, (int64_t)(state->first_object_id + state->object));
        ml_columns_put(rows, 1,
                       object->type ? (int64_t)(state->first_type_id + object->type - 1) : 0);
        ml_columns_put(rows, 2, (int64_t)object->size_bytes);
        ml_columns_put(rows, 3, (int64_t)object->length - 1);
        ml_columns_put(rows, 4, (int64_t)object->address);
        ml_columns_put(rows, 5, unseen < MAX_ID ? unseen : (int64_t)MAX_ID);
        ml_columns_put(rows, 6, (int64_t)allocation.allocation_id);
        ml_columns_put(rows, 7, (int64_t)allocation.buffer_allocation_id);
        state->object++;
    }
    const bool is_last = state->object == graph->objects.count;
    flush(state, file, is_last);
    if (is_last)
        begin_rows(state, REFERENCES, ML_BLOCK_OBJECT_REFERENCES, "ddbu");
}

static void put_reference(writing *state, uint64_t word)
{
    ml_columns *rows = &state->rows;
    const ml_how how = ML_REFERENCE_HOW(word);
    uint64_t number = state->is_wide ? state->wide_number : ML_REFERENCE_NUMBER(word);
    if (how == ML_HOW_ITEM) {
        if (!state->is_wide)
            number += (uint64_t)(state->last_index + 1);
        state->last_index = (int64_t)number;
    } else if (number) {
        number += state->first_name_id - 1;
    }
    number = number < MAX_ID ? number : MAX_ID;
    state->is_wide = false;
    const uint32_t to = ML_REFERENCE_PLACE(word);
    if (to == UINT32_MAX || !reserve_row(state, 0))
        return;
    const int64_t from_id = (int64_t)(state->first_object_id + state->object - 1);
    ml_columns_put(rows, 0, from_id);
    ml_columns_put(rows, 1, (int64_t)(state->first_object_id + to));
    ml_columns_put(rows, 2, how);
    ml_columns_put(rows, 3, (int64_t)number);
    state->written_references++;
}

static void reference_slice(ml_graph *graph, ml_trace_file *file)
{
    writing *state = graph->writing;
    const uint64_t count = graph->references.count;
    for (uint32_t n = 0; n < SLICE && state->reference < count; n++, state->reference++) {
        while (state->left == 0 && state->object < graph->objects.count) {
            const ml_graph_object *object = ml_chunks_at(&graph->objects, state->object++);
            state->left = object->references;
            state->last_index = -1;
        }
        const uint64_t word = *(const uint64_t *)ml_chunks_at(&graph->references, state->reference);
        if (word & ML_REFERENCE_WIDE) {
            state->wide_number = word & ~ML_REFERENCE_WIDE;
            state->is_wide = true;
            continue;
        }
        state->left--;
        put_reference(state, word);
    }
    const bool is_last = state->reference == count;
    flush(state, file, is_last);
    if (is_last)
        begin_rows(state, TEXTS, ML_BLOCK_OBJECT_TEXTS, "dt");
}

static void write_roots(ml_graph *graph, ml_trace_file *file)
{
    writing *state = graph->writing;
    ml_columns *rows = &state->rows;
    while (state->offset < graph->roots.size) {
        const uint8_t *at = graph->roots.data + state->offset;
        ml_graph_root root;
        memcpy(&root, at, sizeof root);
        at += sizeof root;
        const size_t bytes = (size_t)root.texts[0] + root.texts[1] + root.texts[2];
        state->offset += sizeof root + bytes;
        const int64_t id = id_of(graph, root.object);
        if (id == 0 || !reserve_row(state, bytes))
            continue;
        ml_columns_put(rows, 0, id);
        ml_columns_put(rows, 1, root.kind);
        for (int i = 0; i < 3; i++) {
            ml_columns_put_text(rows, 2 + i, at, root.texts[i]);
            at += root.texts[i];
        }
        ml_columns_put(rows, 5, root.line);
        ml_columns_put(rows, 6, (int64_t)root.os_thread_id);
        flush(state, file, false);
    }
    flush(state, file, true);
}

static void write_checkpoint(ml_graph *graph, uint32_t checkpoint_id, ml_trace_file *file)
{
    writing *state = graph->writing;
    ml_columns *rows = &state->rows;
    const size_t reason_bytes = strlen(graph->reason);
    if (!reserve_row(state, reason_bytes))
        return;
    ml_columns_put(rows, 0, checkpoint_id);
    ml_columns_put(rows, 1, graph->time_ns);
    ml_columns_put_text(rows, 2, graph->reason, reason_bytes);
    ml_columns_put(rows, 3, graph->pause_ns);
    ml_columns_put(rows, 4, (int64_t)state->first_object_id);
    ml_columns_put(rows, 5, (int64_t)graph->objects.count);
    ml_columns_put(rows, 6, (int64_t)state->written_references);
    ml_columns_put(rows, 7, (int64_t)ml_graph_bytes(graph));
    ml_columns_cover_time(rows, graph->time_ns, graph->time_ns);
    flush(state, file, true);
}

static bool give_ids(ml_graph *graph, ml_graph_ids *ids)
{
    writing *state = graph->writing;
    if (ids->objects + graph->objects.count > MAX_ID)
        return false;
    state->first_object_id = ids->objects + 1;
    state->first_type_id = ids->types + 1;
    state->first_name_id = ids->names + 1;
    ids->objects += graph->objects.count;
    ids->types += graph->type_numbers.count;
    ids->names += graph->name_numbers.count;
    ids->checkpoints++;
    return true;
}

bool ml_graph_write_slice(ml_graph *graph, ml_graph_ids *ids, ml_trace_file *file)
{
    writing *state = graph->writing;
    if (!state && begin(graph))
        return true;
    if (!state || state->has_failed) {
        ml_graph_stop_writing(graph);
        graph->failed = true;
        return false;
    }
    switch (state->stage) {
    case PLACE:
        place_slice(graph);
        return true;
    case RESOLVE:
        resolve_slice(graph);
        return true;
    case COUNT:
        count_roots(graph);
        count_instances(graph);
        if (!give_ids(graph, ids)) {
            graph->failed = true;
            break;
        }
        begin_rows(state, TYPES, ML_BLOCK_OBJECT_TYPES, "dttdb");
        return true;
    case TYPES:
        type_slice(graph, file);
        return true;
    case NAMES:
        if (text_slice(graph, file, &graph->names, true))
            begin_rows(state, OBJECTS, ML_BLOCK_OBJECTS, "duusdudd");
        return true;
    case OBJECTS:
        object_slice(graph, file);
        return true;
    case REFERENCES:
        reference_slice(graph, file);
        return true;
    case TEXTS:
        if (text_slice(graph, file, &graph->texts, false))
            begin_rows(state, ROOTS, ML_BLOCK_OBJECT_ROOTS, "dbtttuu");
        return true;
    case ROOTS:
        write_roots(graph, file);
        begin_rows(state, LAST, ML_BLOCK_CHECKPOINTS, "ddtuduuu");
        return true;
    case LAST:
        write_checkpoint(graph, ids->checkpoints, file);
        graph->failed = state->has_failed;
        break;
    }
    ml_graph_stop_writing(graph);
    return false;
}

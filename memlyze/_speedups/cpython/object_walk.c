#include "object_walk.h"

#include "frame_variables.h"

#include "../core/recorder.h"

#define SMALLEST_INT (-5)
#define LARGEST_SMALL_INT 256
#define FIRST_WAITING 4096

void ml_walk_init(ml_walk *walk, ml_graph *graph, PyTypeObject *some_class, uint64_t most_objects)
{
    memset(walk, 0, sizeof *walk);
    walk->graph = graph;
    walk->most_objects = most_objects;
    ml_type_table_init(&walk->types, graph, some_class);
    /* These two are not made: they are there, as are the numbers between them. */
    PyObject *lowest = PyLong_FromLong(SMALLEST_INT), *highest = PyLong_FromLong(LARGEST_SMALL_INT);
    const size_t count = LARGEST_SMALL_INT - SMALLEST_INT;
    if ((uintptr_t)highest - (uintptr_t)lowest == count * sizeof(PyLongObject)) {
        walk->small_ints = (uintptr_t)lowest;
        walk->small_ints_end = (uintptr_t)highest + 1;
    }
    Py_DECREF(lowest);
    Py_DECREF(highest);
}

void ml_walk_free(ml_walk *walk)
{
    ml_type_table_free(&walk->types);
    ml_unmap(walk->waiting, walk->waiting_capacity * sizeof *walk->waiting);
}

/* ---- meeting an object
 * --------------------------------------------------------------------------- */

static inline bool is_there_for_good(const ml_walk *walk, PyObject *object)
{
    return (uintptr_t)object >> 47 || object == Py_None || object == Py_True ||
           object == Py_False || object == Py_Ellipsis || object == Py_NotImplemented ||
           ((uintptr_t)object >= walk->small_ints && (uintptr_t)object < walk->small_ints_end);
}

static uint32_t refcount_of(PyObject *object)
{
    const Py_ssize_t count = Py_REFCNT(object);
    /* Objects that never die have counts that mean nothing. */
    return count > 0 && count < ((Py_ssize_t)1 << 28) ? (uint32_t)count : UINT32_MAX;
}

static ml_graph_object *add_object(ml_walk *walk, PyObject *object, const ml_type_details *details,
                                   bool has_gc_head)
{
    ml_graph *graph = walk->graph;
    const uint64_t place = graph->objects.count;
    ml_graph_object *row = ml_chunks_add(&graph->objects);
    if (!row) {
        graph->failed = true;
        return NULL;
    }
    if (ML_UNLIKELY(place >= walk->most_objects))
        walk->too_many = true;
    const ml_object_size size = ml_measure_object(object, details->kind, has_gc_head);
    *row = (ml_graph_object){
        .address = (uintptr_t)object,
        .size_bytes = size.bytes,
        .type = details->number,
        .refcount = refcount_of(object),
        .length = !size.has_items               ? 0
                  : size.items < UINT32_MAX - 1 ? (uint32_t)size.items + 1
                                                : UINT32_MAX,
    };
    const ml_graph_allocation found = {
        place,
        ml_live_table_find(&ml_recording.live, size.block),
        size.buffer ? ml_live_table_find(&ml_recording.live, size.buffer) : 0,
    };
    if (found.allocation_id || found.buffer_allocation_id) {
        ml_graph_allocation *allocation = ml_chunks_add(&graph->allocations);
        if (allocation)
            *allocation = found;
        else
            graph->failed = true;
    }
    if (details->kind >= ML_OBJECT_FUNCTION || details->kind == ML_OBJECT_TYPE)
        if (ml_text_of_object(&walk->text, object, details->kind))
            ml_graph_add_text(graph, (uintptr_t)object, walk->text.text, walk->text.bytes);
    return row;
}

static void wait_for_turn(ml_walk *walk, PyObject *object)
{
    if (walk->waiting_count == walk->waiting_capacity) {
        const size_t capacity = walk->waiting_capacity ? walk->waiting_capacity * 2 : FIRST_WAITING;
        PyObject **waiting = ml_map(capacity * sizeof *waiting);
        if (!waiting) {
            walk->graph->failed = true;
            return;
        }
        if (walk->waiting_count)
            memcpy(waiting, walk->waiting, walk->waiting_count * sizeof *waiting);
        ml_unmap(walk->waiting, walk->waiting_capacity * sizeof *waiting);
        walk->waiting = waiting;
        walk->waiting_capacity = capacity;
    }
    walk->waiting[walk->waiting_count++] = object;
}

/* Whether something that is not tracked refers to others. The collector stops to track what holds
 * only what cannot be part of a cycle. */
static bool has_references(PyObject *object, const ml_type_details *details)
{
    if (PyTuple_CheckExact(object))
        return PyTuple_GET_SIZE(object) > 0;
    if (PyDict_CheckExact(object))
        return ((PyDictObject *)object)->ma_used > 0;
    if (details->kind == ML_OBJECT_TYPE)
        return true; /* one that is not made at run time */
    return !PyType_IS_GC(Py_TYPE(object)) &&
           (details->slot_count > 0 || details->kind == ML_OBJECT_NDARRAY);
}

bool ml_walk_meet(ml_walk *walk, PyObject *object)
{
    if (is_there_for_good(walk, object))
        return false;
    if (!ml_address_meet(&walk->graph->addresses, (uintptr_t)object, &walk->graph->failed) ||
        ml_is_tracked(object)) /* then it is, or will be, come by */
        return true;
    const ml_type_details *details = ml_type_details_of(&walk->types, Py_TYPE(object));
    if (!details)
        return true;
    if (has_references(object, details))
        wait_for_turn(walk, object);
    else
        add_object(walk, object, details, ml_has_gc_head(object));
    return true;
}

/* ---- its references
 * ------------------------------------------------------------------------------ */

static void refer(ml_walk *walk, PyObject *to, ml_how how, uint64_t number)
{
    if (!is_there_for_good(walk, to))
        ml_graph_add_reference(walk->graph, walk->row, (uintptr_t)to, how, number);
}

static void expect(ml_walk *walk, PyObject *value, ml_how how, uint32_t name)
{
    if (value && walk->expected_count < ML_MOST_EXPECTED)
        walk->expected[walk->expected_count++] = (ml_expected){value, how, name};
}

static void expect_variables(ml_walk *walk, const ml_frame *frame)
{
    if (!frame || ml_frame_is_transparent(frame))
        return;
    const PyCodeObject *code = ml_frame_code(frame);
    const Py_ssize_t count = ml_frame_variable_count(code);
    for (Py_ssize_t i = 0; i < count && walk->expected_count < ML_MOST_EXPECTED; i++) {
        PyObject *value = ml_frame_variable(frame, i);
        if (value)
            expect(walk, value, ML_HOW_LOCAL,
                   ml_name_number(walk->graph, ml_frame_variable_name(code, i)));
    }
}

static void expect_attributes(ml_walk *walk, PyObject *object, ml_type_details *details)
{
    static const char dict_name[] = "__dict__";
    for (uint32_t i = 0; i < details->slot_count; i++)
        expect(walk, *(PyObject **)((char *)object + details->slots[i].offset), ML_HOW_ATTRIBUTE,
               details->slots[i].name);
    if (details->kind == ML_OBJECT_TYPE || details->kind == ML_OBJECT_MODULE)
        return;
    const ml_attributes attributes = ml_attributes_of(object);
    for (size_t i = 0; i < attributes.count; i++) {
        if (!attributes.values[i])
            continue;
        uint32_t name = i < ML_MOST_ATTRIBUTES ? details->attribute_names[i] : 0;
        if (ML_UNLIKELY(name == 0)) {
            PyObject *str = ml_attribute_name(details->type, i);
            name = str ? ml_name_number(walk->graph, str) : 0;
            if (i < ML_MOST_ATTRIBUTES)
                details->attribute_names[i] = name;
        }
        expect(walk, attributes.values[i], ML_HOW_ATTRIBUTE, name);
    }
    if (attributes.dict) {
        uint32_t name = ml_graph_number(&walk->graph->name_numbers, (uintptr_t)dict_name);
        if (name == 0)
            name = ml_graph_add_name(walk->graph, (uintptr_t)dict_name, dict_name,
                                     sizeof dict_name - 1);
        expect(walk, attributes.dict, ML_HOW_ATTRIBUTE, name);
    }
}

static void walk_dict(ml_walk *walk, PyObject *dict)
{
    Py_ssize_t at = 0;
    PyObject *key, *value;
    if (ml_dict_shares_values((PyDictObject *)dict))
        return;
    while (PyDict_Next(dict, &at, &key, &value)) {
        if (is_there_for_good(walk, key)) {
            if (ml_walk_meet(walk, value))
                refer(walk, value, ML_HOW_VALUE, ml_name_number(walk->graph, key));
            continue;
        }
        ml_walk_meet(walk, key);
        refer(walk, key, ML_HOW_KEY, 0);
        if (ml_address_name(&walk->graph->addresses, (uintptr_t)key, &walk->graph->failed)) {
            ml_text_clear(&walk->text);
            ml_text_add_key(&walk->text, key);
            ml_graph_add_text(walk->graph, (uintptr_t)key, walk->text.text, walk->text.bytes);
        }
        if (ml_walk_meet(walk, value))
            refer(walk, value, ML_HOW_VALUE, 0);
    }
}

static void walk_array(ml_walk *walk, PyObject **items, Py_ssize_t count)
{
    Py_ssize_t last = -1;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (!items[i] || !ml_walk_meet(walk, items[i]))
            continue;
        const uint64_t left_out = (uint64_t)(i - last - 1);
        refer(walk, items[i], ML_HOW_ITEM,
              left_out <= ML_REFERENCE_MAX_NUMBER ? left_out : (uint64_t)i);
        last = i;
    }
}

static void walk_set(ml_walk *walk, const PySetObject *set)
{
    for (Py_ssize_t i = 0; i <= set->mask; i++) {
        const setentry *entry = &set->table[i];
        if (entry->key && entry->hash != -1 && ml_walk_meet(walk, entry->key))
            refer(walk, entry->key, ML_HOW_MEMBER, 0);
    }
}

static void walk_items(ml_walk *walk, PyObject *object)
{
    switch (walk->details->kind) {
    case ML_OBJECT_DICT:
        walk_dict(walk, object);
        break;
    case ML_OBJECT_LIST:
        walk_array(walk, ((PyListObject *)object)->ob_item, Py_SIZE(object));
        break;
    case ML_OBJECT_TUPLE:
        walk_array(walk, ((PyTupleObject *)object)->ob_item, Py_SIZE(object));
        break;
    case ML_OBJECT_SET:
        walk_set(walk, (const PySetObject *)object);
        break;
    case ML_OBJECT_NDARRAY:
        walk_array(walk, (PyObject **)((ml_ndarray *)object)->data,
                   (Py_ssize_t)ml_ndarray_objects(object));
        break;
    default:
        break;
    }
}

/* ---- what a type's own tp_traverse comes by
 * ------------------------------------------------------ */

/* Items that walk_items has met: they come once more, in their order or in the reverse one. */
static bool is_item(ml_walk *walk, PyObject *value)
{
    PyObject *key, *item;
    PyObject **items;
    switch (walk->details->kind) {
    case ML_OBJECT_DICT:
        if (value == walk->seen_key) {
            walk->seen_key = NULL;
            return true;
        }
        Py_ssize_t at = walk->next_place;
        if (PyDict_Next(walk->object, &at, &key, &item) && (value == item || value == key)) {
            walk->next_place = at;
            walk->seen_key = value == item ? key : item;
            return true;
        }
        return false;
    case ML_OBJECT_LIST:
        items = ((PyListObject *)walk->object)->ob_item;
        break;
    case ML_OBJECT_TUPLE:
        items = ((PyTupleObject *)walk->object)->ob_item;
        break;
    case ML_OBJECT_SET: {
        const PySetObject *set = (const PySetObject *)walk->object;
        while (walk->next_place <= set->mask && !set->table[walk->next_place].key)
            walk->next_place++;
        if (walk->next_place > set->mask || set->table[walk->next_place].key != value)
            return false;
        walk->next_place++;
        return true;
    }
    default:
        return false;
    }
    while (walk->first_item < walk->last_item && !items[walk->last_item - 1])
        walk->last_item--;
    while (walk->first_item < walk->last_item && !items[walk->first_item])
        walk->first_item++;
    if (walk->first_item == walk->last_item)
        return false;
    if (items[walk->last_item - 1] == value)
        walk->last_item--;
    else if (items[walk->first_item] == value)
        walk->first_item++;
    else
        return false;
    return true;
}

static int visit(PyObject *value, void *argument)
{
    ml_walk *walk = argument;
    /* The type is told by the object's row. */
    if (!value || (value == (PyObject *)Py_TYPE(walk->object) && walk->details->is_counted))
        return 0;
    for (size_t n = 0; n < walk->expected_count; n++) {
        const size_t place = (walk->expected_next + n) % walk->expected_count;
        ml_expected *expected = &walk->expected[place];
        if (expected->value != value)
            continue;
        expected->value = NULL;
        walk->expected_next = place + 1;
        if (ml_walk_meet(walk, value))
            refer(walk, value, expected->how, expected->name);
        return 0;
    }
    if (is_item(walk, value))
        return 0;
    const bool is_deque = walk->details->kind == ML_OBJECT_DEQUE;
    const Py_ssize_t place = is_deque ? walk->next_place++ : 0;
    if (!ml_walk_meet(walk, value))
        return 0;
    if (!is_deque) {
        refer(walk, value, ML_HOW_OTHER, 0);
        return 0;
    }
    const Py_ssize_t left_out = place - walk->first_item;
    refer(walk, value, ML_HOW_ITEM,
          (uint64_t)(left_out <= ML_REFERENCE_MAX_NUMBER ? left_out : place));
    walk->first_item = place + 1;
    return 0;
}

/* A class is tracked before it has a name. */
static bool is_half_made(PyObject *object, const ml_type_details *details)
{
    return details->kind == ML_OBJECT_TYPE &&
           !(((PyTypeObject *)object)->tp_flags & Py_TPFLAGS_READY);
}

/* `is_tracked`: it stands in one of the collector's lists. */
static void walk_object(ml_walk *walk, PyObject *object, bool is_tracked)
{
    ml_type_details *details = ml_type_details_of(&walk->types, Py_TYPE(object));
    if (!details || is_half_made(object, details))
        return;
    walk->object = object;
    walk->details = details;
    walk->row = add_object(walk, object, details, is_tracked || ml_has_gc_head(object));
    walk->expected_count = walk->expected_next = 0;
    if (!walk->row)
        return;
    walk_items(walk, object);
    expect_attributes(walk, object, details);
    if (details->is_known || (details->kind == ML_OBJECT_TYPE && !is_tracked)) {
        for (size_t i = 0; i < walk->expected_count; i++)
            if (ml_walk_meet(walk, walk->expected[i].value))
                refer(walk, walk->expected[i].value, walk->expected[i].how, walk->expected[i].name);
        return;
    }
    if (details->kind == ML_OBJECT_GENERATOR)
        expect_variables(walk, ml_generator_frame(object));
    if (details->kind == ML_OBJECT_FRAME)
        expect_variables(walk, ml_frame_of_object(object));
    walk->first_item = walk->next_place = 0;
    walk->last_item =
        details->kind == ML_OBJECT_LIST || details->kind == ML_OBJECT_TUPLE ? Py_SIZE(object) : 0;
    walk->seen_key = NULL;
    Py_TYPE(object)->tp_traverse(object, visit, walk);
}

void ml_walk_waiting(ml_walk *walk)
{
    while (walk->waiting_count && !ml_walk_is_over(walk))
        walk_object(walk, walk->waiting[--walk->waiting_count], false);
}

static void walk_generation(ml_walk *walk, struct gc_generation *generation)
{
    PyGC_Head *first = &generation->head;
    for (PyGC_Head *head = ML_GC_NEXT(first); head != first; head = ML_GC_NEXT(head)) {
        __builtin_prefetch(ML_GC_NEXT(head));
        PyObject *object = (PyObject *)((uintptr_t)head + ML_GC_HEAD_BYTES);
        ml_address_meet(&walk->graph->addresses, (uintptr_t)object, &walk->graph->failed);
        walk_object(walk, object, true);
        ml_walk_waiting(walk);
        if (ml_walk_is_over(walk))
            return;
    }
}

void ml_walk_tracked(ml_walk *walk)
{
    struct gc_generation *generations = ml_gc_generations();
    for (int i = 0; i < 3; i++)
        walk_generation(walk, &generations[i]);
    walk_generation(walk, ml_gc_frozen());
}

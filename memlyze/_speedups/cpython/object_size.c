#include "object_size.h"

#include <string.h>

#define DEQUE_BLOCK_ITEMS 64
#define DEQUE_BLOCK_BYTES ((DEQUE_BLOCK_ITEMS + 2) * sizeof(PyObject *))
#define EMPTY_KEYS_BYTES 64
#define SANE_ITEMS ((Py_ssize_t)1 << 40)

/* The beginning of array.array. */
typedef struct {
    PyObject_VAR_HEAD char *items;
    Py_ssize_t allocated;
    const struct {
        char typecode;
        int item_bytes;
    } *description;
} array_object;

static ml_object_kind kind_by_name(const PyTypeObject *type)
{
    if (strcmp(type->tp_name, "collections.deque") == 0)
        return ML_OBJECT_DEQUE;
    if (strcmp(type->tp_name, "array.array") == 0 &&
        type->tp_basicsize >= (Py_ssize_t)sizeof(array_object))
        return ML_OBJECT_ARRAY;
    if (strcmp(type->tp_name, "numpy.ndarray") == 0 &&
        type->tp_basicsize >= (Py_ssize_t)sizeof(ml_ndarray))
        return ML_OBJECT_NDARRAY;
    return ML_OBJECT_PLAIN;
}

ml_object_kind ml_object_kind_of(PyTypeObject *type)
{
    static const struct {
        unsigned long flag;
        ml_object_kind kind;
    } by_flag[] = {
        {Py_TPFLAGS_UNICODE_SUBCLASS, ML_OBJECT_STR}, {Py_TPFLAGS_BYTES_SUBCLASS, ML_OBJECT_BYTES},
        {Py_TPFLAGS_LONG_SUBCLASS, ML_OBJECT_INT},    {Py_TPFLAGS_TUPLE_SUBCLASS, ML_OBJECT_TUPLE},
        {Py_TPFLAGS_LIST_SUBCLASS, ML_OBJECT_LIST},   {Py_TPFLAGS_DICT_SUBCLASS, ML_OBJECT_DICT},
        {Py_TPFLAGS_TYPE_SUBCLASS, ML_OBJECT_TYPE},
    };
    for (size_t i = 0; i < sizeof by_flag / sizeof *by_flag; i++)
        if (type->tp_flags & by_flag[i].flag)
            return by_flag[i].kind;
    const struct {
        PyTypeObject *type;
        ml_object_kind kind;
    } by_base[] = {
        {&PySet_Type, ML_OBJECT_SET},
        {&PyFrozenSet_Type, ML_OBJECT_SET},
        {&PyByteArray_Type, ML_OBJECT_BYTEARRAY},
        {&PyFunction_Type, ML_OBJECT_FUNCTION},
        {&PyModule_Type, ML_OBJECT_MODULE},
        {&PyCode_Type, ML_OBJECT_CODE},
        {&PyGen_Type, ML_OBJECT_GENERATOR},
        {&PyCoro_Type, ML_OBJECT_GENERATOR},
        {&PyAsyncGen_Type, ML_OBJECT_GENERATOR},
        {&PyFrame_Type, ML_OBJECT_FRAME},
    };
    for (PyTypeObject *base = type; base; base = base->tp_base) {
        for (size_t i = 0; i < sizeof by_base / sizeof *by_base; i++)
            if (base == by_base[i].type)
                return by_base[i].kind;
        /* A class that the program has written may have any name. */
        if (!(base->tp_flags & Py_TPFLAGS_HEAPTYPE) || strcmp(base->tp_name, "array.array") == 0 ||
            strcmp(base->tp_name, "collections.deque") == 0) {
            const ml_object_kind kind = kind_by_name(base);
            if (kind != ML_OBJECT_PLAIN)
                return kind;
        }
    }
    return ML_OBJECT_PLAIN;
}

static void set_items(ml_object_size *size, Py_ssize_t items)
{
    size->has_items = true;
    size->items = items > 0 && items < SANE_ITEMS ? (size_t)items : 0;
}

static void set_buffer(ml_object_size *size, const void *buffer, size_t bytes)
{
    if (buffer) {
        size->buffer = (uintptr_t)buffer;
        size->bytes += bytes;
    }
}

static void set_bytearray(ml_object_size *size, const PyByteArrayObject *array)
{
#if PY_VERSION_HEX >= 0x030f0000
    if (array->ob_alloc) /* else what it has is the empty bytes, which everybody has */
        set_buffer(size, array->ob_bytes_object,
                   offsetof(PyBytesObject, ob_sval) + 1 + (size_t)array->ob_alloc);
#else
    set_buffer(size, array->ob_bytes, (size_t)array->ob_alloc);
#endif
}

static void measure_text(ml_object_size *size, PyObject *text)
{
    if (!ml_unicode_is_ready(text))
        return;
    const Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    const size_t bytes = (size_t)(length + 1) * (size_t)PyUnicode_KIND(text);
    set_items(size, length);
    if (!PyUnicode_IS_COMPACT(text)) {
        set_buffer(size, ((PyUnicodeObject *)text)->data.any, bytes);
        return;
    }
    size->bytes -= (size_t)Py_TYPE(text)->tp_basicsize;
    if (PyUnicode_IS_ASCII(text)) {
        size->bytes += sizeof(PyASCIIObject) + bytes;
        return;
    }
    size->bytes += sizeof(PyCompactUnicodeObject) + bytes;
    const PyCompactUnicodeObject *compact = (const PyCompactUnicodeObject *)text;
    if (compact->utf8)
        size->bytes += (size_t)compact->utf8_length + 1;
}

static void measure_dict(ml_object_size *size, const PyDictObject *dict)
{
    set_items(size, dict->ma_used);
    if (!dict->ma_values) {
        if (ml_dict_keys_bytes(dict) > EMPTY_KEYS_BYTES) /* all empty ones share a table */
            set_buffer(size, dict->ma_keys, ml_dict_keys_bytes(dict));
    } else if (!ml_dict_shares_values(dict)) {
        /* The keys belong to the class. */
        set_buffer(size, dict->ma_values, (size_t)dict->ma_used * sizeof(PyObject *));
    }
}

static size_t ndarray_bytes(const ml_ndarray *array)
{
    size_t bytes = sizeof(double);
    for (int i = 0; i < array->dimension_count; i++) {
        const Py_ssize_t stride = array->strides[i] < 0 ? -array->strides[i] : array->strides[i];
        const size_t extent = (size_t)array->dimensions[i] * (size_t)stride;
        if (array->dimensions[i] == 0)
            return 0;
        if (i == 0 || extent > bytes)
            bytes = extent;
    }
    return bytes;
}

size_t ml_ndarray_objects(PyObject *object)
{
    const ml_ndarray *array = (const ml_ndarray *)object;
    if (!array->data || !array->description || array->description->kind != 'O' ||
        !(array->flags & ML_NDARRAY_OWNS_DATA) || !(array->flags & ML_NDARRAY_CONTIGUOUS))
        return 0;
    return array->dimension_count ? ndarray_bytes(array) / sizeof(PyObject *) : 1;
}

static void measure_ndarray(ml_object_size *size, const ml_ndarray *array)
{
    size_t items = 1;
    for (int i = 0; i < array->dimension_count; i++)
        items *= (size_t)array->dimensions[i];
    set_items(size, (Py_ssize_t)items);
    if (array->flags & ML_NDARRAY_OWNS_DATA)
        set_buffer(size, array->data, ndarray_bytes(array));
}

static void measure_attributes(ml_object_size *size, PyObject *object)
{
    const ml_attributes attributes = ml_attributes_of(object);
    if (attributes.block) {
        size->buffer = attributes.block;
        size->bytes += attributes.bytes;
    }
#if PY_VERSION_HEX >= 0x030d0000
    else if (attributes.values) {
        size->bytes += sizeof(PyDictValues) + attributes.count * sizeof(PyObject *);
    }
#endif
}

ml_object_size ml_measure_object(PyObject *object, ml_object_kind kind, bool has_gc_head)
{
    PyTypeObject *type = Py_TYPE(object);
    const size_t before = ml_bytes_before(object, has_gc_head);
    ml_object_size size = {before + (size_t)type->tp_basicsize, 0, (uintptr_t)object - before, 0,
                           false};
    if (type->tp_itemsize > 0) {
        Py_ssize_t items =
            kind == ML_OBJECT_INT ? (Py_ssize_t)ml_int_digits(object) : Py_SIZE(object);
        items = items < 0 ? -items : items;
        if (items < SANE_ITEMS)
            size.bytes += (size_t)items * (size_t)type->tp_itemsize;
    }
    switch (kind) {
    case ML_OBJECT_STR:
        measure_text(&size, object);
        break;
    case ML_OBJECT_BYTES:
    case ML_OBJECT_TUPLE:
        set_items(&size, Py_SIZE(object));
        break;
    case ML_OBJECT_BYTEARRAY:
        set_items(&size, Py_SIZE(object));
        set_bytearray(&size, (PyByteArrayObject *)object);
        break;
    case ML_OBJECT_LIST:
        set_items(&size, Py_SIZE(object));
        set_buffer(&size, ((PyListObject *)object)->ob_item,
                   (size_t)((PyListObject *)object)->allocated * sizeof(PyObject *));
        break;
    case ML_OBJECT_DICT:
        measure_dict(&size, (const PyDictObject *)object);
        break;
    case ML_OBJECT_SET: {
        const PySetObject *set = (const PySetObject *)object;
        set_items(&size, set->used);
        if (set->table != set->smalltable)
            set_buffer(&size, set->table, (size_t)(set->mask + 1) * sizeof(setentry));
        break;
    }
    case ML_OBJECT_DEQUE:
        set_items(&size, Py_SIZE(object));
        size.bytes += (size.items / DEQUE_BLOCK_ITEMS + 1) * DEQUE_BLOCK_BYTES;
        break;
    case ML_OBJECT_ARRAY: {
        const array_object *array = (const array_object *)object;
        set_items(&size, Py_SIZE(object));
        if (array->description)
            set_buffer(&size, array->items,
                       (size_t)array->allocated * (size_t)array->description->item_bytes);
        break;
    }
    case ML_OBJECT_NDARRAY:
        measure_ndarray(&size, (const ml_ndarray *)object);
        break;
    case ML_OBJECT_PLAIN:
        measure_attributes(&size, object);
        break;
    default:
        break;
    }
    return size;
}

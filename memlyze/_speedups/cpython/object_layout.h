/* Objects as they lie in memory: which the collector tracks, what stands before an object, and
 * where an instance keeps its attributes. With frames.h, the only place that sees CPython's
 * internal headers. */
#ifndef MEMLYZE_OBJECT_LAYOUT_H
#define MEMLYZE_OBJECT_LAYOUT_H

#include "frames.h"

#define Py_BUILD_CORE 1
#if PY_VERSION_HEX >= 0x03090000
#include <internal/pycore_gc.h>
#include <internal/pycore_interp.h>
#else
#include <internal/pycore_pystate.h>
#endif
#if PY_VERSION_HEX >= 0x030b0000
#include <internal/pycore_dict.h>
#include <internal/pycore_object.h>
#endif
#undef Py_BUILD_CORE
#include "compat.h"

/* ---- what the collector tracks
 * ------------------------------------------------------------------- */

#define ML_GC_HEAD(object) ((PyGC_Head *)((uintptr_t)(object) - ML_GC_HEAD_BYTES))
#define ML_GC_NEXT(head) ((PyGC_Head *)((head)->_gc_next & ~(uintptr_t)3))

/* The lists of the three generations. In releases of 3.14 they have other names, in one place. */
static inline struct gc_generation *ml_gc_generations(void)
{
#if PY_VERSION_HEX >= 0x030e0000
    return &PyInterpreterState_Get()->gc.permanent_generation - 3;
#elif PY_VERSION_HEX >= 0x03090000
    return PyInterpreterState_Get()->gc.generations;
#else
    return _PyRuntime.gc.generations;
#endif
}

/* The list of what gc.freeze() has set apart. */
static inline struct gc_generation *ml_gc_frozen(void)
{
#if PY_VERSION_HEX >= 0x03090000
    return &PyInterpreterState_Get()->gc.permanent_generation;
#else
    return &_PyRuntime.gc.permanent_generation;
#endif
}

/* Not for what stands in the collector's own lists, which has one: an object may be there before it
 * is made, and its type's answer is not ready then. The collector does not ask either. */
static inline bool ml_has_gc_head(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    return PyType_IS_GC(type) && (!type->tp_is_gc || type->tp_is_gc(object));
}

static inline bool ml_is_tracked(PyObject *object)
{
    return ml_has_gc_head(object) && ML_GC_HEAD(object)->_gc_next != 0;
}

/* ---- what stands before an object in its block
 * --------------------------------------------------- */

static inline size_t ml_bytes_before(PyObject *object, bool has_gc_head)
{
    size_t bytes = has_gc_head ? ML_GC_HEAD_BYTES : 0;
#if PY_VERSION_HEX >= 0x030c0000
    if (Py_TYPE(object)->tp_flags & Py_TPFLAGS_PREHEADER)
        bytes += 2 * sizeof(PyObject *);
#elif PY_VERSION_HEX >= 0x030b0000
    if (Py_TYPE(object)->tp_flags & Py_TPFLAGS_MANAGED_DICT)
        bytes += 2 * sizeof(PyObject *);
#endif
    return bytes;
}

/* ---- attributes of an instance
 * ------------------------------------------------------------------- */

typedef struct {
    PyObject *dict;    /* NULL: none */
    PyObject **values; /* kept without a dict; NULL: none */
    size_t count;
    size_t bytes;    /* of a block of their own, 0: they are in the object's */
    uintptr_t block; /* its address */
} ml_attributes;

static inline PyObject *ml_dict_at_offset(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    Py_ssize_t offset = type->tp_dictoffset;
    if (offset == 0)
        return NULL;
    if (offset < 0) {
        const Py_ssize_t items = Py_SIZE(object) < 0 ? -Py_SIZE(object) : Py_SIZE(object);
        offset += (Py_ssize_t)_PyObject_VAR_SIZE(type, items);
    }
    return *(PyObject **)((char *)object + offset);
}

#if PY_VERSION_HEX >= 0x030b0000

/* The names of `values`, in their order. */
static inline PyObject *ml_attribute_name(PyTypeObject *type, size_t place)
{
    PyDictKeysObject *keys = ((PyHeapTypeObject *)type)->ht_cached_keys;
    if (!keys || (Py_ssize_t)place >= keys->dk_nentries)
        return NULL;
    return DK_UNICODE_ENTRIES(keys)[place].me_key;
}

static inline ml_attributes ml_attributes_of(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    ml_attributes found = {NULL, NULL, 0, 0, 0};
    if (!(type->tp_flags & Py_TPFLAGS_MANAGED_DICT)) {
        found.dict = ml_dict_at_offset(object);
        return found;
    }
    PyDictValues *values = NULL;
#if PY_VERSION_HEX >= 0x030d0000
    found.dict = (PyObject *)_PyObject_GetManagedDict(object);
    if (type->tp_flags & Py_TPFLAGS_INLINE_VALUES)
        values = _PyObject_InlineValues(object);
    if (values && values->valid) {
        found.values = values->values;
        found.count = values->capacity;
    }
#else
#if PY_VERSION_HEX >= 0x030c0000
    const PyDictOrValues either = *_PyObject_DictOrValuesPointer(object);
    if (_PyDictOrValues_IsValues(either))
        values = _PyDictOrValues_GetValues(either);
    else
        found.dict = _PyDictOrValues_GetDict(either);
#else
    values = *_PyObject_ValuesPointer(object);
    found.dict = *_PyObject_ManagedDictPointer(object);
#endif
    PyDictKeysObject *keys = ((PyHeapTypeObject *)type)->ht_cached_keys;
    if (values && keys) {
        const size_t prefix = ((uint8_t *)values)[-1];
        found.values = values->values;
        found.count = (size_t)keys->dk_nentries;
        found.block = (uintptr_t)values - prefix;
        /* As many as the keys have room for. */
        found.bytes = prefix + (size_t)(keys->dk_nentries + keys->dk_usable) * sizeof(PyObject *);
    }
#endif
    return found;
}

#else

static inline PyObject *ml_attribute_name(PyTypeObject *type, size_t place)
{
    (void)type;
    (void)place;
    return NULL;
}

static inline ml_attributes ml_attributes_of(PyObject *object)
{
    return (ml_attributes){ml_dict_at_offset(object), NULL, 0, 0, 0};
}

#endif

/* ---- the tables of a dict
 * ------------------------------------------------------------------------ */

#if PY_VERSION_HEX < 0x030b0000
/* As in Objects/dict-common.h, which is not installed. */
struct ml_dict_keys {
    Py_ssize_t dk_refcnt, dk_size;
    void *dk_lookup;
    Py_ssize_t dk_usable, dk_nentries;
    char dk_indices[];
};
#endif

/* Bytes of the keys, values included where these stand with them. */
static inline size_t ml_dict_keys_bytes(const PyDictObject *dict)
{
#if PY_VERSION_HEX >= 0x030b0000
    const PyDictKeysObject *keys = dict->ma_keys;
    const size_t entry = DK_IS_UNICODE(keys) ? sizeof(PyDictUnicodeEntry) : sizeof(PyDictKeyEntry);
    return sizeof *keys + ((size_t)1 << keys->dk_log2_index_bytes) +
           (size_t)(((int64_t)1 << keys->dk_log2_size) * 2 / 3) * entry;
#else
    const struct ml_dict_keys *keys = (const struct ml_dict_keys *)dict->ma_keys;
    const size_t size = (size_t)keys->dk_size;
    const size_t index = size <= 0xff ? 1 : size <= 0xffff ? 2 : size <= 0xffffffff ? 4 : 8;
    return sizeof *keys + index * size + size * 2 / 3 * 3 * sizeof(PyObject *);
#endif
}

/* Whether the values of a dict are those of an instance, where they were met already. */
static inline bool ml_dict_shares_values(const PyDictObject *dict)
{
#if PY_VERSION_HEX >= 0x030d0000
    return dict->ma_values && dict->ma_values->embedded;
#else
    (void)dict;
    return false;
#endif
}

static inline size_t ml_int_digits(PyObject *number)
{
#if PY_VERSION_HEX >= 0x030c0000
    return ((PyLongObject *)number)->long_value.lv_tag >> 3;
#else
    return (size_t)(Py_SIZE(number) < 0 ? -Py_SIZE(number) : Py_SIZE(number));
#endif
}

#endif

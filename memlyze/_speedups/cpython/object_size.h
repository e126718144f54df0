/* How large an object is, without asking it: nothing of Python's is called. */
#ifndef MEMLYZE_OBJECT_SIZE_H
#define MEMLYZE_OBJECT_SIZE_H

#include "object_layout.h"

typedef struct {
    size_t bytes;     /* with what stands before it and with its buffer */
    size_t items;     /* where `has_items` */
    uintptr_t block;  /* where its block begins */
    uintptr_t buffer; /* a second block that it owns; 0: none */
    bool has_items;
} ml_object_size;

/* Kinds of objects that are looked into in ways of their own. */
typedef enum {
    ML_OBJECT_PLAIN,
    ML_OBJECT_STR,
    ML_OBJECT_BYTES,
    ML_OBJECT_BYTEARRAY,
    ML_OBJECT_INT,
    ML_OBJECT_TUPLE,
    ML_OBJECT_LIST,
    ML_OBJECT_DICT,
    ML_OBJECT_SET,
    ML_OBJECT_TYPE,
    ML_OBJECT_DEQUE,
    ML_OBJECT_ARRAY,
    ML_OBJECT_NDARRAY,
    ML_OBJECT_FUNCTION,
    ML_OBJECT_MODULE,
    ML_OBJECT_CODE,
    ML_OBJECT_GENERATOR,
    ML_OBJECT_FRAME,
} ml_object_kind;

ml_object_kind ml_object_kind_of(PyTypeObject *type);
ml_object_size ml_measure_object(PyObject *object, ml_object_kind kind, bool has_gc_head);

/* The beginning of numpy's arrays, which has been the same for as long as its C interface. */
typedef struct {
    PyObject_HEAD char *data;
    int dimension_count;
    Py_ssize_t *dimensions;
    Py_ssize_t *strides;
    PyObject *base;
    struct {
        PyObject_HEAD PyTypeObject *type;
        char kind;
    } *description;
    int flags;
} ml_ndarray;
#define ML_NDARRAY_OWNS_DATA 4
#define ML_NDARRAY_CONTIGUOUS 3

/* The objects in an array of objects that owns them, one after the other; 0: it is none. */
size_t ml_ndarray_objects(PyObject *array);

#endif

/* What the references of a type's objects are like, found out once for each type: which attributes
 * are kept at which places, and whether these, and the items of a container, are all that there
 * is. */
#ifndef MEMLYZE_TYPE_DETAILS_H
#define MEMLYZE_TYPE_DETAILS_H

#include "object_text.h"

#include "../core/heap_graph.h"

#define ML_MOST_SLOTS 64
#define ML_MOST_ATTRIBUTES 32

typedef struct {
    Py_ssize_t offset;
    uint32_t name; /* its number in the graph */
} ml_slot;

typedef struct {
    PyTypeObject *type;
    uint32_t number; /* in the graph */
    ml_object_kind kind;
    bool is_known;   /* its items, slots and attributes are all that its objects refer to */
    bool is_counted; /* its objects refer to it */
    uint32_t slot_count;
    ml_slot slots[ML_MOST_SLOTS];
    uint32_t attribute_names[ML_MOST_ATTRIBUTES]; /* of values that an instance keeps; 0: ask */
} ml_type_details;

typedef struct {
    ml_graph *graph;
    ml_chunks details; /* by the numbers of types, less one */
    ml_type_details *last[8];
    traverseproc of_classes; /* what a class written in Python traverses with */
    ml_text name, module;
} ml_type_table;

void ml_type_table_init(ml_type_table *table, ml_graph *graph, PyTypeObject *some_class);
void ml_type_table_free(ml_type_table *table);
/* NULL: no memory. */
ml_type_details *ml_type_table_add(ml_type_table *table, PyTypeObject *type);

static inline ml_type_details *ml_type_details_of(ml_type_table *table, PyTypeObject *type)
{
    ml_type_details **last = &table->last[(uintptr_t)type >> 5 & 7];
    if (ML_LIKELY(*last && (*last)->type == type))
        return *last;
    const uint32_t number = ml_graph_number(&table->graph->type_numbers, (uintptr_t)type);
    if (ML_LIKELY(number && number <= table->details.count))
        *last = ml_chunks_at(&table->details, number - 1);
    else /* one that there was no memory for stays without */
        *last = number ? NULL : ml_type_table_add(table, type);
    return *last;
}

/* The number of a name that is a str. */
uint32_t ml_name_number(ml_graph *graph, PyObject *name);

#endif

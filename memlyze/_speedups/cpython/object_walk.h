/* Walks over the program's objects and puts them, with what they refer to, into a heap graph.
 *
 * Under the GIL, and without a call that could make or free an object or run the program's code. A
 * pointer is followed only where it is known to lead to an object: from the collector's lists, by
 * tp_traverse, from the items and members of types whose layout is public. */
#ifndef MEMLYZE_OBJECT_WALK_H
#define MEMLYZE_OBJECT_WALK_H

#include "type_details.h"

typedef struct {
    PyObject *value; /* NULL: seen already */
    ml_how how;
    uint32_t name;
} ml_expected;

#define ML_MOST_EXPECTED 256

typedef struct {
    ml_graph *graph;
    ml_type_table types;
    uint64_t most_objects;
    bool too_many;
    uintptr_t small_ints, small_ints_end; /* numbers that are there once and for all */
    PyObject **waiting;                   /* objects that are not tracked, and refer to others */
    size_t waiting_count, waiting_capacity;

    /* Of the object that is walked over. */
    PyObject *object;
    ml_graph_object *row;
    const ml_type_details *details;
    ml_expected expected[ML_MOST_EXPECTED]; /* what tp_traverse is about to come by, named */
    size_t expected_count, expected_next;
    Py_ssize_t first_item, last_item, next_place; /* items that it will come by, and were met */
    PyObject *seen_key;
    ml_text text;
} ml_walk;

void ml_walk_init(ml_walk *walk, ml_graph *graph, PyTypeObject *some_class, uint64_t most_objects);
void ml_walk_free(ml_walk *walk);
/* All that the collector tracks, and all that it leads to. */
void ml_walk_tracked(ml_walk *walk);
/* What modules, running functions and threads hold. */
void ml_walk_roots(ml_walk *walk);

/* Meets an object that something refers to. False: it is one of those that are there once and for
 * all, and left out. */
bool ml_walk_meet(ml_walk *walk, PyObject *object);
void ml_walk_waiting(ml_walk *walk);

static inline bool ml_walk_is_over(const ml_walk *walk)
{
    return walk->graph->failed || walk->too_many;
}

#endif

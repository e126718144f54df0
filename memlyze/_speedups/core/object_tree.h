/* Two trees over a heap graph: by which shortest way each object is held, and which object it would
 * go with (its dominator).
 *
 * Objects are numbered from 0; their references stand one after the other, those of an object
 * together. What all this begins with is a root that holds the objects of `roots`; then those that
 * are held by something unseen, where nothing else leads to them; then what nobody holds. */
#ifndef MEMLYZE_OBJECT_TREE_H
#define MEMLYZE_OBJECT_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ML_HELD_BY_UNSEEN (-2) /* in place of a root's number */
#define ML_HELD_BY_NOBODY (-3)

typedef struct {
    size_t object_count;
    const int64_t *first_reference; /* object_count + 1 */
    const int32_t *referred;        /* objects, by reference; −1: none */
    const int32_t *type_objects;    /* what an object refers to besides: −1: nothing */
    const int64_t *sizes;
    const uint8_t *is_held_unseen;
    const uint8_t *is_left_out; /* as if these were not there; NULL: none is */
    size_t root_count;
    const int32_t *roots;  /* objects */
    const int32_t *levels; /* how many references a root counts for, from 0 on */
} ml_object_graph;

/* All by object. */
typedef struct {
    int32_t *holder;    /* the object before it on the shortest way; −1: a root */
    int64_t *reference; /* of the holder; −1: a root, or the holder's type */
    int32_t *root;      /* the number of the root that the way begins with, or ML_HELD_BY_… */
    int32_t *distance;  /* references on that way */
    int32_t *dominator; /* −1: none but the root of all */
    int64_t *retained;  /* bytes that would go with it */
} ml_object_tree;

/* The first four columns. What is left out is as if nobody held it, and holds nothing. False: no
 * memory. */
bool ml_object_tree_span(const ml_object_graph *graph, ml_object_tree *tree);
/* After the span, in which nothing may have been left out. */
bool ml_object_tree_dominate(const ml_object_graph *graph, ml_object_tree *tree);

/* Of a choice of objects, those that go with no other of the choice. `is_chosen` is turned into
 * that. False: no memory. */
bool ml_object_tree_outermost(size_t object_count, const int32_t *dominator, uint8_t *is_chosen);

#endif

/* core/object_tree.c: small random graphs, in which every answer can be found by trying; and large
 * ones of shapes that a recursion or a quadratic search would not survive. */
#include "core/object_tree.h"

#include <string.h>

#include "check.h"
#include "core/sampler.h"

#define MOST_OBJECTS 12
#define MOST_REFERENCES (4 * MOST_OBJECTS)

static uint64_t random_state = 11;

static int32_t below(int32_t limit)
{
    return (int32_t)(ml_random(&random_state) % (uint64_t)limit);
}

typedef struct {
    ml_object_graph graph;
    ml_object_tree tree;
} subject;

/* With room for so many; nothing refers to anything. */
static subject new_subject(size_t objects, size_t references, size_t roots)
{
    const size_t some = objects + references + roots + 2;
    return (subject){
        {objects, calloc(some, 8), calloc(some, 4), calloc(some, 4), calloc(some, 8),
         calloc(some, 1), calloc(some, 1), roots, calloc(some, 4), calloc(some, 4)},
        {malloc(objects * 4), malloc(objects * 8), malloc(objects * 4), malloc(objects * 4),
         malloc(objects * 4), malloc(objects * 8)},
    };
}

static void free_subject(subject *s)
{
    const void *all[] = {
        s->graph.first_reference, s->graph.referred,    s->graph.type_objects, s->graph.sizes,
        s->graph.is_held_unseen,  s->graph.is_left_out, s->graph.roots,        s->graph.levels,
        s->tree.holder,           s->tree.reference,    s->tree.root,          s->tree.distance,
        s->tree.dominator,        s->tree.retained};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free((void *)all[i]);
}

static subject some_subject(void)
{
    const int32_t objects = 1 + below(MOST_OBJECTS), roots = below(objects < 3 ? objects + 1 : 4);
    subject s = new_subject((size_t)objects, MOST_REFERENCES, (size_t)roots);
    int64_t *first = (int64_t *)s.graph.first_reference, references = 0;
    for (int32_t i = 0; i < objects; i++) {
        first[i] = references;
        for (int32_t left = below(4); left; left--) /* to nothing, at times */
            ((int32_t *)s.graph.referred)[references++] = below(objects + 1) - 1;
        ((int32_t *)s.graph.type_objects)[i] = below(3) ? -1 : below(objects);
        ((int64_t *)s.graph.sizes)[i] = 1 << i; /* a sum tells which are in it */
        ((uint8_t *)s.graph.is_held_unseen)[i] = below(5) == 0;
    }
    first[objects] = references;
    for (int32_t i = 0; i < roots; i++) {
        ((int32_t *)s.graph.roots)[i] = below(objects);
        ((int32_t *)s.graph.levels)[i] = below(3);
    }
    return s;
}

/* The bits of the objects that an object refers to. */
static uint32_t referred_by(const ml_object_graph *graph, size_t object)
{
    uint32_t to = 0;
    for (int64_t i = graph->first_reference[object]; i < graph->first_reference[object + 1]; i++)
        if (graph->referred[i] >= 0)
            to |= 1u << graph->referred[i];
    return graph->type_objects[object] >= 0 ? to | 1u << graph->type_objects[object] : to;
}

static uint32_t reached(const ml_object_graph *graph, uint32_t from, uint32_t without)
{
    uint32_t all = from & ~without, before = 0;
    while (all != before) {
        before = all;
        for (size_t object = 0; object < graph->object_count; object++)
            if (before >> object & 1)
                all |= referred_by(graph, object) & ~without;
    }
    return all;
}

static void check_distances(const subject *s)
{
    const ml_object_graph *graph = &s->graph;
    uint32_t are_reached = 0;
    for (int32_t distance = 0; distance < 2 * MOST_OBJECTS; distance++) {
        uint32_t next = 0;
        for (size_t object = 0; object < graph->object_count; object++)
            if (are_reached >> object & 1)
                next |= referred_by(graph, object);
        for (size_t i = 0; i < graph->root_count; i++)
            if (graph->levels[i] == distance)
                next |= 1u << graph->roots[i];
        next &= ~are_reached;
        for (size_t object = 0; object < graph->object_count; object++)
            if (next >> object & 1)
                CHECK(s->tree.root[object] >= 0 && s->tree.distance[object] == distance);
        are_reached |= next;
    }
    for (size_t object = 0; object < graph->object_count; object++)
        if (!(are_reached >> object & 1))
            CHECK(s->tree.root[object] ==
                      (graph->is_held_unseen[object] ? ML_HELD_BY_UNSEEN : ML_HELD_BY_NOBODY) ||
                  s->tree.holder[object] >= 0);
}

static void check_holders(const subject *s)
{
    const ml_object_tree *tree = &s->tree;
    for (size_t object = 0; object < s->graph.object_count; object++) {
        const int32_t holder = tree->holder[object];
        const int64_t reference = tree->reference[object];
        if (holder < 0)
            continue;
        CHECK(tree->distance[object] == tree->distance[holder] + 1);
        CHECK(tree->root[object] == tree->root[holder]);
        if (reference >= 0)
            CHECK(s->graph.referred[reference] == (int32_t)object &&
                  reference >= s->graph.first_reference[holder] &&
                  reference < s->graph.first_reference[holder + 1]);
        else
            CHECK(s->graph.type_objects[holder] == (int32_t)object);
    }
}

static bool goes_with(const ml_object_tree *tree, int32_t object, int32_t dominator)
{
    for (int32_t at = object; at >= 0; at = tree->dominator[at])
        if (at == dominator)
            return true;
    return false;
}

/* What goes with an object is what nothing reaches any more without it. */
static void check_dominators(const subject *s)
{
    const ml_object_graph *graph = &s->graph;
    uint32_t starts = 0;
    for (size_t i = 0; i < graph->root_count; i++)
        starts |= 1u << graph->roots[i];
    for (size_t object = 0; object < graph->object_count; object++)
        if (s->tree.holder[object] < 0)
            starts |= 1u << object;
    const uint32_t all = reached(graph, starts, 0);
    CHECK(all == (1u << graph->object_count) - 1);
    for (size_t object = 0; object < graph->object_count; object++) {
        const uint32_t gone = all & ~reached(graph, starts, 1u << object);
        CHECK(s->tree.retained[object] == (int64_t)gone);
        for (size_t other = 0; other < graph->object_count; other++)
            CHECK(goes_with(&s->tree, (int32_t)other, (int32_t)object) == (gone >> other & 1));
    }
}

static void check_outermost(const subject *s)
{
    uint8_t chosen[MOST_OBJECTS], outermost[MOST_OBJECTS];
    for (size_t object = 0; object < s->graph.object_count; object++)
        chosen[object] = outermost[object] = below(2) == 0;
    CHECK(ml_object_tree_outermost(s->graph.object_count, s->tree.dominator, outermost));
    for (size_t object = 0; object < s->graph.object_count; object++) {
        bool is_covered = false;
        for (int32_t at = s->tree.dominator[object]; at >= 0; at = s->tree.dominator[at])
            is_covered = is_covered || chosen[at];
        CHECK(outermost[object] == (chosen[object] && !is_covered));
    }
}

static void test_small_graphs_are_as_one_finds_by_trying(void)
{
    for (int round = 0; round < 20000; round++) {
        subject s = some_subject();
        CHECK(ml_object_tree_span(&s.graph, &s.tree));
        CHECK(ml_object_tree_dominate(&s.graph, &s.tree));
        check_distances(&s);
        check_holders(&s);
        check_dominators(&s);
        check_outermost(&s);
        free_subject(&s);
    }
}

/* As if an object were not there. */
static void isolate(ml_object_graph *graph, int32_t object)
{
    const int64_t end = graph->first_reference[object + 1];
    for (int64_t i = 0; i < graph->first_reference[graph->object_count]; i++)
        if (graph->referred[i] == object || (i >= graph->first_reference[object] && i < end))
            ((int32_t *)graph->referred)[i] = -1;
    for (size_t i = 0; i < graph->object_count; i++)
        if (graph->type_objects[i] == object || (int32_t)i == object)
            ((int32_t *)graph->type_objects)[i] = -1;
    for (size_t i = 0; i < graph->root_count; i++)
        if (graph->roots[i] == object)
            ((int32_t *)graph->roots)[i] = -1;
}

/* Once with an object left out, and once with all that refers to it referring to nothing. */
static void test_what_is_left_out_holds_nothing_and_is_not_passed(void)
{
    for (int round = 0; round < 20000; round++) {
        subject s = some_subject();
        const int32_t count = (int32_t)s.graph.object_count, left_out = below(count);
        ((uint8_t *)s.graph.is_left_out)[left_out] = 1;
        ((uint8_t *)s.graph.is_held_unseen)[left_out] = 0;
        CHECK(ml_object_tree_span(&s.graph, &s.tree));
        CHECK(s.tree.root[left_out] == ML_HELD_BY_NOBODY && s.tree.holder[left_out] == -1);
        int32_t distance[MOST_OBJECTS], root[MOST_OBJECTS];
        memcpy(distance, s.tree.distance, (size_t)count * 4);
        memcpy(root, s.tree.root, (size_t)count * 4);
        isolate(&s.graph, left_out);
        ((uint8_t *)s.graph.is_left_out)[left_out] = 0;
        CHECK(ml_object_tree_span(&s.graph, &s.tree));
        for (int32_t i = 0; i < count; i++)
            CHECK(root[i] == s.tree.root[i] && (root[i] < 0 || distance[i] == s.tree.distance[i]));
        free_subject(&s);
    }
}

/* A list linked both ways, as deep as it is long. */
static void test_a_long_list_needs_no_deep_recursion(void)
{
    const int32_t count = 300000;
    subject s = new_subject((size_t)count, 2 * (size_t)count, 1);
    int64_t *first = (int64_t *)s.graph.first_reference, references = 0;
    for (int32_t i = 0; i < count; i++) {
        first[i] = references;
        ((int32_t *)s.graph.referred)[references++] = i + 1 < count ? i + 1 : -1;
        ((int32_t *)s.graph.referred)[references++] = i - 1;
        ((int32_t *)s.graph.type_objects)[i] = -1;
        ((int64_t *)s.graph.sizes)[i] = 3;
    }
    first[count] = references;
    CHECK(ml_object_tree_span(&s.graph, &s.tree));
    CHECK(ml_object_tree_dominate(&s.graph, &s.tree));
    for (int32_t i = 0; i < count; i++) {
        CHECK(s.tree.distance[i] == i && s.tree.dominator[i] == i - 1);
        CHECK(s.tree.retained[i] == 3 * (int64_t)(count - i));
    }
    uint8_t *chosen = malloc((size_t)count);
    memset(chosen, 1, (size_t)count);
    CHECK(ml_object_tree_outermost((size_t)count, s.tree.dominator, chosen));
    CHECK(chosen[0] == 1 && !memchr(chosen + 1, 1, (size_t)count - 1));
    free(chosen);
    free_subject(&s);
}

static void test_nothing_is_a_graph_too(void)
{
    subject s = new_subject(0, 0, 0);
    CHECK(ml_object_tree_span(&s.graph, &s.tree));
    CHECK(ml_object_tree_dominate(&s.graph, &s.tree));
    uint8_t chosen = 1;
    CHECK(ml_object_tree_outermost(0, s.tree.dominator, &chosen));
    free_subject(&s);
}

int main(void)
{
    test_small_graphs_are_as_one_finds_by_trying();
    test_what_is_left_out_holds_nothing_and_is_not_passed();
    test_a_long_list_needs_no_deep_recursion();
    test_nothing_is_a_graph_too();
    return 0;
}

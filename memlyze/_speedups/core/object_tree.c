#include "object_tree.h"

#include <stdlib.h>
#include <string.h>

/* ---- the shortest ways
 * --------------------------------------------------------------------------- */

typedef struct {
    const ml_object_graph *graph;
    ml_object_tree *tree;
    int32_t *queue;
    size_t head, tail;
} span;

static void reach(span *s, int32_t object, int32_t holder, int64_t reference, int32_t root,
                  int32_t distance)
{
    if (object < 0 || s->tree->distance[object] >= 0)
        return;
    s->tree->holder[object] = holder;
    s->tree->reference[object] = reference;
    s->tree->root[object] = root;
    s->tree->distance[object] = distance;
    s->queue[s->tail++] = object;
}

static void leave(span *s, int32_t object)
{
    const ml_object_graph *graph = s->graph;
    const int32_t root = s->tree->root[object], distance = s->tree->distance[object] + 1;
    for (int64_t i = graph->first_reference[object]; i < graph->first_reference[object + 1]; i++)
        reach(s, graph->referred[i], object, i, root, distance);
    reach(s, graph->type_objects[object], object, -1, root, distance);
}

/* Roots of a higher level join in when the ways of the others have become as long. */
static void span_roots(span *s)
{
    int32_t level = 0;
    for (size_t joined = 0; joined < s->graph->root_count || s->head < s->tail; level++) {
        joined = 0;
        for (size_t i = 0; i < s->graph->root_count; i++) {
            if (s->graph->levels[i] == level)
                reach(s, s->graph->roots[i], -1, -1, (int32_t)i, level);
            joined += s->graph->levels[i] <= level;
        }
        const size_t end = s->tail;
        while (s->head < end)
            leave(s, s->queue[s->head++]);
    }
}

static void follow(span *s)
{
    while (s->head < s->tail)
        leave(s, s->queue[s->head++]);
}

static void span_rest(span *s)
{
    for (size_t object = 0; object < s->graph->object_count; object++)
        if (s->graph->is_held_unseen[object])
            reach(s, (int32_t)object, -1, -1, ML_HELD_BY_UNSEEN, 0);
    follow(s);
    for (size_t object = 0; object < s->graph->object_count; object++) {
        reach(s, (int32_t)object, -1, -1, ML_HELD_BY_NOBODY, 0);
        follow(s);
    }
}

/* What counts as reached before the walk begins is not reached by it. */
static void leave_out(const ml_object_graph *graph, ml_object_tree *tree)
{
    for (size_t object = 0; graph->is_left_out && object < graph->object_count; object++) {
        if (!graph->is_left_out[object])
            continue;
        tree->holder[object] = -1;
        tree->reference[object] = -1;
        tree->root[object] = ML_HELD_BY_NOBODY;
        tree->distance[object] = 0;
    }
}

bool ml_object_tree_span(const ml_object_graph *graph, ml_object_tree *tree)
{
    span s = {graph, tree, malloc((graph->object_count + 1) * sizeof(int32_t)), 0, 0};
    if (!s.queue)
        return false;
    for (size_t object = 0; object < graph->object_count; object++)
        tree->distance[object] = -1;
    leave_out(graph, tree);
    span_roots(&s);
    span_rest(&s);
    free(s.queue);
    return true;
}

/* ---- dominators: the semi-NCA algorithm (Georgiadis 2005), by the numbers of a depth-first walk
 * - */

typedef struct {
    size_t count;     /* of objects; numbers are from 1 on, 0 is the root of all */
    uint32_t *number; /* by object */
    int32_t *object;  /* the rest by number */
    uint32_t *parent, *semi, *label, *dominator;
    int64_t *first_before; /* where the objects that refer to each stand in `before` */
    uint32_t *before;
    uint32_t *stack;
    int64_t *next; /* reference of each object that the walk follows next */
} domination;

static bool is_start(const ml_object_tree *tree, size_t object)
{
    return tree->holder[object] < 0;
}

static int32_t successor(const ml_object_graph *graph, int32_t object, int64_t place)
{
    const int64_t first = graph->first_reference[object];
    const int64_t count = graph->first_reference[object + 1] - first;
    return place < count ? graph->referred[first + place] : graph->type_objects[object];
}

static void walk_from(const ml_object_graph *graph, domination *d, int32_t start, uint32_t *last)
{
    size_t depth = 0;
    if (d->number[start])
        return;
    d->number[start] = ++*last;
    d->object[*last] = start;
    d->parent[*last] = 0;
    d->stack[depth++] = (uint32_t)start;
    while (depth) {
        const int32_t object = (int32_t)d->stack[depth - 1];
        const int64_t count =
            graph->first_reference[object + 1] - graph->first_reference[object] + 1;
        if (d->next[object] == count) {
            depth--;
            continue;
        }
        const int32_t to = successor(graph, object, d->next[object]++);
        if (to < 0 || d->number[to])
            continue;
        d->number[to] = ++*last;
        d->object[*last] = to;
        d->parent[*last] = d->number[object];
        d->stack[depth++] = (uint32_t)to;
    }
}

static void walk(const ml_object_graph *graph, const ml_object_tree *tree, domination *d)
{
    uint32_t last = 0;
    for (size_t i = 0; i < graph->root_count; i++)
        if (graph->roots[i] >= 0)
            walk_from(graph, d, graph->roots[i], &last);
    for (size_t object = 0; object < d->count; object++)
        if (is_start(tree, object))
            walk_from(graph, d, (int32_t)object, &last);
}

static void count_or_put(const ml_object_graph *graph, domination *d, bool put)
{
    for (size_t object = 0; object < d->count; object++) {
        const int64_t count =
            graph->first_reference[object + 1] - graph->first_reference[object] + 1;
        for (int64_t i = 0; i < count; i++) {
            const int32_t to = successor(graph, (int32_t)object, i);
            if (to < 0)
                continue;
            if (put)
                d->before[d->first_before[d->number[to]]++] = d->number[object];
            else
                d->first_before[d->number[to] + 1]++;
        }
    }
}

static uint32_t evaluate(domination *d, uint32_t v, uint32_t last_linked)
{
    if (d->parent[v] < last_linked)
        return d->label[v];
    size_t depth = 0;
    do {
        d->stack[depth++] = v;
        v = d->parent[v];
    } while (d->parent[v] >= last_linked);
    uint32_t above = v, best = d->label[v];
    while (depth) {
        v = d->stack[--depth];
        d->parent[v] = d->parent[above];
        if (d->semi[best] < d->semi[d->label[v]])
            d->label[v] = best;
        else
            best = d->label[v];
        above = v;
    }
    return d->label[v];
}

static void find_dominators(const ml_object_tree *tree, domination *d, const uint8_t *is_root)
{
    const uint32_t count = (uint32_t)d->count;
    for (uint32_t i = 0; i <= count; i++) {
        d->semi[i] = d->label[i] = i;
        d->dominator[i] = d->parent[i];
    }
    for (uint32_t w = count; w >= 1; w--) {
        const int32_t object = d->object[w];
        d->semi[w] = d->parent[w];
        if (is_root[object] || is_start(tree, (size_t)object))
            d->semi[w] = 0;
        for (int64_t i = d->first_before[w - 1]; i < d->first_before[w]; i++) {
            const uint32_t semi = d->semi[evaluate(d, d->before[i], w + 1)];
            if (semi < d->semi[w])
                d->semi[w] = semi;
        }
    }
    for (uint32_t w = 1; w <= count; w++) {
        uint32_t candidate = d->dominator[w];
        while (candidate > d->semi[w])
            candidate = d->dominator[candidate];
        d->dominator[w] = candidate;
    }
}

static void retain(const ml_object_graph *graph, ml_object_tree *tree, const domination *d)
{
    for (size_t object = 0; object < d->count; object++)
        tree->retained[object] = graph->sizes[object];
    for (size_t w = d->count; w >= 1; w--) {
        const int32_t object = d->object[w];
        const uint32_t dominator = d->dominator[w];
        tree->dominator[object] = dominator ? d->object[dominator] : -1;
        if (dominator)
            tree->retained[d->object[dominator]] += tree->retained[object];
    }
}

bool ml_object_tree_dominate(const ml_object_graph *graph, ml_object_tree *tree)
{
    const size_t count = graph->object_count;
    const size_t references = (size_t)graph->first_reference[count];
    domination d = {.count = count,
                    .number = calloc(count + 1, sizeof(uint32_t)),
                    .object = malloc((count + 1) * sizeof(int32_t)),
                    .parent = calloc(count + 1, sizeof(uint32_t)),
                    .semi = malloc((count + 1) * sizeof(uint32_t)),
                    .label = malloc((count + 1) * sizeof(uint32_t)),
                    .dominator = malloc((count + 1) * sizeof(uint32_t)),
                    .first_before = calloc(count + 2, sizeof(int64_t)),
                    .before = malloc((references + count + 1) * sizeof(uint32_t)),
                    .stack = malloc((count + 1) * sizeof(uint32_t)),
                    .next = calloc(count + 1, sizeof(int64_t))};
    uint8_t *is_root = calloc(count + 1, 1);
    const bool has_memory = d.number && d.object && d.parent && d.semi && d.label && d.dominator &&
                            d.first_before && d.before && d.stack && d.next && is_root;
    if (has_memory) {
        for (size_t i = 0; i < graph->root_count; i++)
            if (graph->roots[i] >= 0)
                is_root[graph->roots[i]] = 1;
        walk(graph, tree, &d);
        count_or_put(graph, &d, false);
        for (size_t i = 1; i < count + 2; i++)
            d.first_before[i] += d.first_before[i - 1];
        count_or_put(graph, &d, true); /* moves each place to the end of its row */
        find_dominators(tree, &d, is_root);
        retain(graph, tree, &d);
    }
    void *all[] = {d.number,       d.object, d.parent, d.semi, d.label, d.dominator,
                   d.first_before, d.before, d.stack,  d.next, is_root};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    return has_memory;
}

/* ---- choices
 * ------------------------------------------------------------------------------------- */

enum { UNKNOWN, FREE, COVERED };

bool ml_object_tree_outermost(size_t object_count, const int32_t *dominator, uint8_t *is_chosen)
{
    /* Whether an object or one that it goes with is chosen. */
    uint8_t *state = calloc(object_count + 1, 1);
    if (!state)
        return false;
    uint8_t *outermost = calloc(object_count + 1, 1);
    if (!outermost) {
        free(state);
        return false;
    }
    for (size_t object = 0; object < object_count; object++) {
        if (!is_chosen[object])
            continue;
        int32_t at = dominator[object];
        while (at >= 0 && state[at] == UNKNOWN && !is_chosen[at])
            at = dominator[at];
        const bool is_covered = at >= 0 && (is_chosen[at] || state[at] == COVERED);
        const int32_t end = at;
        for (at = dominator[object]; at >= 0 && at != end; at = dominator[at])
            state[at] = is_covered ? COVERED : FREE;
        outermost[object] = !is_covered;
    }
    memcpy(is_chosen, outermost, object_count);
    free(state);
    free(outermost);
    return true;
}

# cython: language_level=3, boundscheck=False, wraparound=False
"""What holds the objects of a heap graph, and what would go with them: a literal wrapper of
`core/object_tree.h`.

Arrays are numpy's and the caller's; the GIL is released.
"""
from libc.stdint cimport int32_t, int64_t, uint8_t

import numpy

cdef extern from "object_tree.h" nogil:
    ctypedef struct ml_object_graph:
        size_t object_count
        const int64_t *first_reference
        const int32_t *referred
        const int32_t *type_objects
        const int64_t *sizes
        const uint8_t *is_held_unseen
        const uint8_t *is_left_out
        size_t root_count
        const int32_t *roots
        const int32_t *levels
    ctypedef struct ml_object_tree:
        int32_t *holder
        int64_t *reference
        int32_t *root
        int32_t *distance
        int32_t *dominator
        int64_t *retained
    bint ml_object_tree_span(const ml_object_graph *graph, ml_object_tree *tree)
    bint ml_object_tree_dominate(const ml_object_graph *graph, ml_object_tree *tree)
    bint ml_object_tree_outermost(size_t object_count, const int32_t *dominator, uint8_t *is_chosen)


cdef ml_object_graph checked_graph(
    size_t count,
    int64_t[::1] first_reference,
    int32_t[::1] referred,
    int32_t[::1] type_objects,
    uint8_t[::1] is_held_unseen,
    int32_t[::1] roots,
    int32_t[::1] levels,
) except *:
    """The graph of so many objects that the arrays say, without sizes; ValueError where they do not
    fit together.
    """
    cdef size_t references = referred.shape[0]
    cdef ml_object_graph graph
    cdef size_t k
    if not (
        first_reference.shape[0] == count + 1
        and type_objects.shape[0] == is_held_unseen.shape[0] == count
        and roots.shape[0] == levels.shape[0]
        and first_reference[0] == 0
        and first_reference[count] == <int64_t>references
    ):
        raise ValueError("the columns of the graph do not fit together")
    for k in range(count):
        if first_reference[k] > first_reference[k + 1] or type_objects[k] >= <int64_t>count:
            raise ValueError("the references are not in the order of their objects")
    for k in range(references):
        if referred[k] >= <int64_t>count:
            raise ValueError("a reference leads nowhere")
    for k in range(<size_t>roots.shape[0]):
        if roots[k] >= <int64_t>count or levels[k] < 0:
            raise ValueError("a root holds nothing")
    graph.object_count = count
    graph.first_reference = &first_reference[0]
    graph.referred = &referred[0] if references else NULL
    graph.type_objects = &type_objects[0] if count else NULL
    graph.sizes = NULL
    graph.is_held_unseen = &is_held_unseen[0] if count else NULL
    graph.is_left_out = NULL
    graph.root_count = roots.shape[0]
    graph.roots = &roots[0] if graph.root_count else NULL
    graph.levels = &levels[0] if graph.root_count else NULL
    return graph


cdef dict columns_of_ways(size_t count, ml_object_tree *tree):
    """The columns that a span fills, where `tree` then points."""
    columns = {
        "holder": numpy.empty(count + 1, numpy.int32),
        "reference": numpy.empty(count + 1, numpy.int64),
        "root": numpy.empty(count + 1, numpy.int32),
        "distance": numpy.empty(count + 1, numpy.int32),
    }
    cdef int32_t[::1] holder = columns["holder"]
    cdef int64_t[::1] reference = columns["reference"]
    cdef int32_t[::1] root = columns["root"]
    cdef int32_t[::1] distance = columns["distance"]
    tree.holder = &holder[0]
    tree.reference = &reference[0]
    tree.root = &root[0]
    tree.distance = &distance[0]
    return columns


def make_object_tree(
    int64_t[::1] first_reference not None,
    int32_t[::1] referred not None,
    int32_t[::1] type_objects not None,
    int64_t[::1] sizes not None,
    uint8_t[::1] is_held_unseen not None,
    int32_t[::1] roots not None,
    int32_t[::1] levels not None,
):
    """The columns holder, reference, root, distance, dominator and retained of each object.

    Raises ValueError where the arrays do not fit together, MemoryError without memory.
    """
    cdef size_t count = sizes.shape[0]
    cdef ml_object_tree tree
    cdef bint has_memory
    cdef ml_object_graph graph = checked_graph(
        count, first_reference, referred, type_objects, is_held_unseen, roots, levels
    )
    columns = columns_of_ways(count, &tree)
    columns["dominator"] = numpy.empty(count + 1, numpy.int32)
    columns["retained"] = numpy.empty(count + 1, numpy.int64)
    cdef int32_t[::1] dominator = columns["dominator"]
    cdef int64_t[::1] retained = columns["retained"]
    graph.sizes = &sizes[0] if count else NULL
    tree.dominator = &dominator[0]
    tree.retained = &retained[0]
    with nogil:
        has_memory = ml_object_tree_span(&graph, &tree) and ml_object_tree_dominate(&graph, &tree)
    if not has_memory:
        raise MemoryError("out of memory for the references of a trace")
    return {name: column[:count] for name, column in columns.items()}


def make_shortest_ways(
    int64_t[::1] first_reference not None,
    int32_t[::1] referred not None,
    int32_t[::1] type_objects not None,
    uint8_t[::1] is_held_unseen not None,
    uint8_t[::1] is_left_out not None,
    int32_t[::1] roots not None,
    int32_t[::1] levels not None,
):
    """The columns holder, reference, root and distance of each object, if those that are left out
    were not there.

    Raises ValueError where the arrays do not fit together, MemoryError without memory.
    """
    cdef size_t count = is_left_out.shape[0]
    cdef ml_object_tree tree
    cdef bint has_memory
    cdef ml_object_graph graph = checked_graph(
        count, first_reference, referred, type_objects, is_held_unseen, roots, levels
    )
    columns = columns_of_ways(count, &tree)
    graph.is_left_out = &is_left_out[0] if count else NULL
    with nogil:
        has_memory = ml_object_tree_span(&graph, &tree)
    if not has_memory:
        raise MemoryError("out of memory for the references of a trace")
    return {name: column[:count] for name, column in columns.items()}


def outermost(int32_t[::1] dominator not None, uint8_t[::1] is_chosen not None):
    """Leave chosen only the objects that go with no other chosen one."""
    if dominator.shape[0] != is_chosen.shape[0]:
        raise ValueError("the columns differ in length")
    cdef size_t count = dominator.shape[0]
    if count and not ml_object_tree_outermost(count, &dominator[0], &is_chosen[0]):
        raise MemoryError("out of memory for the references of a trace")

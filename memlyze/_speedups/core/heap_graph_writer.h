/* From a heap graph to blocks of the trace, in slices: the rings have to be emptied in between, and
 * a fork must not wait. Used by the helper thread alone. */
#ifndef MEMLYZE_HEAP_GRAPH_WRITER_H
#define MEMLYZE_HEAP_GRAPH_WRITER_H

#include "heap_graph.h"
#include "trace_file.h"

/* How far the ids of the file are given out. */
typedef struct {
    uint32_t checkpoints;
    uint64_t objects, types, names;
} ml_graph_ids;

/* Does some milliseconds' work. False: it is done, all is in the file. Ids are given out when the
 * first block is written; the row of the checkpoint comes last, so a checkpoint that has one is
 * whole; `failed` of the graph tells that there is none, for want of memory or of numbers. */
bool ml_graph_write_slice(ml_graph *graph, ml_graph_ids *ids, ml_trace_file *file);
/* Gives back what writing needs, when it is done or given up. */
void ml_graph_stop_writing(ml_graph *graph);

#endif

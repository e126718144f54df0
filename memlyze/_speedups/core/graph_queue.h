/* Heap graphs on their way from the program, which is to go on at once, to the helper thread, which
 * takes seconds to write one. */
#ifndef MEMLYZE_GRAPH_QUEUE_H
#define MEMLYZE_GRAPH_QUEUE_H

#include "heap_graph.h"

/* Hands a graph over, to be written and freed. Any thread, as the next two. */
void ml_graph_queue_add(ml_graph *graph);
bool ml_graph_queue_is_empty(void);
uint64_t ml_graph_queue_bytes(void);

/* The one that has waited longest; it stays until it is dropped. The helper thread's. */
ml_graph *ml_graph_queue_first(void);
void ml_graph_queue_drop_first(void);
/* In a forked child. `is_whole`: the helper thread was not at work. */
void ml_graph_queue_after_fork(bool is_whole);

#endif

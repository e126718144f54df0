#include "graph_queue.h"

#include "heap_graph_writer.h"
#include "platform.h"

static ml_spinlock lock;
static ml_graph *first;

void ml_graph_queue_add(ml_graph *graph)
{
    graph->next = NULL;
    ml_lock(&lock);
    ml_graph **last = &first;
    while (*last)
        last = &(*last)->next;
    *last = graph;
    ml_unlock(&lock);
}

ml_graph *ml_graph_queue_first(void)
{
    ml_lock(&lock);
    ml_graph *graph = first;
    ml_unlock(&lock);
    return graph;
}

bool ml_graph_queue_is_empty(void)
{
    return ml_graph_queue_first() == NULL;
}

uint64_t ml_graph_queue_bytes(void)
{
    uint64_t bytes = 0;
    ml_lock(&lock);
    for (const ml_graph *graph = first; graph; graph = graph->next)
        bytes += ml_graph_bytes(graph);
    ml_unlock(&lock);
    return bytes;
}

void ml_graph_queue_drop_first(void)
{
    ml_lock(&lock);
    ml_graph *graph = first;
    first = graph->next;
    ml_unlock(&lock);
    ml_graph_stop_writing(graph);
    ml_graph_free(graph);
}

void ml_graph_queue_after_fork(bool is_whole)
{
    lock = 0;
    if (!is_whole)
        first = NULL;
}

#include "checkpoint.h"

#include "object_walk.h"

#include "../core/graph_queue.h"
#include "../core/helper_thread.h"
#include "../core/memory_clock.h"
#include "../core/recorder.h"
#include "allocator_hooks.h"

static uint64_t most_at_exit;
static int64_t before_cleanup_ns; /* when the last one was taken; 0: it was not */
static PyTypeObject *known_class;

static void walk_all(ml_walk *walk)
{
    ml_walk_roots(walk);
    ml_walk_tracked(walk);
}

/* CPython remembers where attributes were found by the addresses of their names, and keeps a name
 * until another one falls on its place. Names that a program makes up lie at the same few addresses
 * again and again, those that are recorded and set apart at others, where nothing drives them out:
 * of these many stay where of all names hardly any does. No code runs when a name goes. */
static void let_go_of_names(void)
{
    PyType_ClearCache();
}

ml_checkpoint ml_checkpoint_take(const char *reason, uint64_t most_objects)
{
    static ml_walk walk; /* under the GIL */
    ml_checkpoint taken = {.outcome = ML_CHECKPOINT_NO_MEMORY};
    ml_memory_clock_rest(true);
    ml_hooks_pause_thread(); /* what this allocates is not the program's */
    const int64_t begin_ns = ml_monotonic_ns();
    ml_graph *graph = ml_graph_new(reason);
    if (graph) {
        ml_walk_init(&walk, graph, known_class, most_objects);
        graph->time_ns = ml_recorder_step_clock();
        let_go_of_names();
        walk_all(&walk);
        taken.objects = graph->objects.count;
        taken.references = graph->reference_count;
        taken.bytes = ml_graph_bytes(graph);
        taken.outcome = graph->failed   ? ML_CHECKPOINT_NO_MEMORY
                        : walk.too_many ? ML_CHECKPOINT_TOO_MANY_OBJECTS
                                        : ML_CHECKPOINT_TAKEN;
        ml_walk_free(&walk);
    }
    taken.pause_ns = ml_monotonic_ns() - begin_ns;
    if (taken.outcome == ML_CHECKPOINT_TAKEN) {
        graph->pause_ns = taken.pause_ns;
        ml_graph_queue_add(graph);
        ml_helper_wake();
    } else if (graph) {
        ml_graph_free(graph);
    }
    ml_hooks_resume_thread();
    ml_memory_clock_rest(false);
    return taken;
}

void ml_checkpoint_know_class(void *some_class)
{
    if (!known_class) {
        Py_INCREF(some_class);
        known_class = some_class;
    }
}

void ml_checkpoint_at_exit(uint64_t most_objects)
{
    most_at_exit = most_objects;
}

void ml_checkpoint_before_cleanup(void)
{
    if (most_at_exit && ml_session && !ml_checkpoint_is_last_taken() &&
        ml_checkpoint_take("exit", most_at_exit).outcome == ML_CHECKPOINT_TAKEN)
        before_cleanup_ns = ml_monotonic_ns();
}

void ml_checkpoint_forget(void)
{
    before_cleanup_ns = 0;
}

bool ml_checkpoint_is_last_taken(void)
{
    return before_cleanup_ns && ml_monotonic_ns() - before_cleanup_ns <=
                                    before_cleanup_ns - ml_recording.start_monotonic_ns;
}

void ml_checkpoint_exit(void)
{
    /* Only where somebody is there who will write it. */
    if (most_at_exit && ml_helper_is_running() && ml_helper_is_here() && !ml_helper_is_paused())
        ml_checkpoint_take("_exit", most_at_exit);
}

/* The heap graph of a checkpoint, as it was met: objects, the references that each has, what holds
 * objects from outside, and names for all of these.
 *
 * It is filled while the program stands still, so this only puts down words. Objects are known by
 * their addresses; to number them, to count who refers to whom, and to make blocks of it all is the
 * helper thread's work (heap_graph_writer.h). What an object is, is not known here. */
#ifndef MEMLYZE_HEAP_GRAPH_H
#define MEMLYZE_HEAP_GRAPH_H

#include "address_set.h"
#include "buffer.h"
#include "chunks.h"

/* How an object refers to another: the numbers of docs/format-spec.md. */
typedef enum {
    ML_HOW_OTHER = 0,
    ML_HOW_ATTRIBUTE = 1, /* its name */
    ML_HOW_KEY = 2,       /* of a mapping */
    ML_HOW_VALUE = 3,     /* of the key that stands before it; or of one that is a name */
    ML_HOW_ITEM = 4,      /* its index */
    ML_HOW_LOCAL = 5,     /* a variable of a suspended function: its name */
    ML_HOW_MEMBER = 6,    /* of a set */
} ml_how;

/* What holds an object from outside the graph: the numbers of docs/format-spec.md. */
typedef enum {
    ML_ROOT_MODULE = 0,
    ML_ROOT_LOCAL = 1,   /* a variable of a running function */
    ML_ROOT_GLOBALS = 2, /* the namespace of a running function */
    ML_ROOT_THREAD = 3,  /* what a thread keeps for itself */
} ml_root_kind;

typedef struct {
    uintptr_t address;
    uint64_t size_bytes;
    uint32_t type;
    uint32_t refcount;   /* UINT32_MAX: not counted */
    uint32_t references; /* that it has, names of values included */
    uint32_t length;     /* items + 1; 0: it has none */
} ml_graph_object;

/* A reference in one word: where to (8-byte granules), how, and a number of 15 bits. Of an item the
 * number is how many indexes were left out before it. A number that does not fit stands in a word
 * of its own before, and then it is absolute. */
#define ML_REFERENCE_WIDE ((uint64_t)1 << 63)
#define ML_REFERENCE_MAX_NUMBER ((1u << 15) - 1)
#define ML_REFERENCE_ADDRESS(word) ((uintptr_t)((word) & (((uint64_t)1 << 44) - 1)) << 3)
#define ML_REFERENCE_HOW(word) ((ml_how)((word) >> 44 & 15))
#define ML_REFERENCE_NUMBER(word) ((uint32_t)((word) >> 48 & ML_REFERENCE_MAX_NUMBER))
/* Once objects are numbered, the place of one stands where its address stood. */
#define ML_REFERENCE_PLACE(word) ((uint32_t)((word) & UINT32_MAX))

typedef struct {
    uintptr_t key; /* 0: empty */
    uint32_t number;
} ml_graph_key;

/* Numbers by pointer, from 1 on. */
typedef struct {
    ml_graph_key *slots;
    uint64_t capacity;
    uint32_t count;
} ml_graph_numbers;

/* With a text behind it: what an object or a name is called. */
typedef struct {
    uintptr_t address; /* or a number */
    uint32_t bytes;
} ml_graph_text;

typedef struct {
    uintptr_t object; /* 0: it is not one that was met */
    uint32_t name_bytes, module_bytes;
    bool is_counted; /* its instances refer to it */
} ml_graph_type;

typedef struct {
    uintptr_t object;
    ml_root_kind kind;
    uint32_t line;
    bool is_counted; /* it is a reference that the object counts, and no other was met for it */
    uint64_t os_thread_id; /* 0: of none */
    uint32_t texts[3];     /* bytes of name, function and file */
} ml_graph_root;

typedef struct {
    uint64_t place, allocation_id, buffer_allocation_id;
} ml_graph_allocation;

typedef struct ml_graph {
    ml_address_set addresses;
    ml_chunks objects;     /* ml_graph_object */
    ml_chunks references;  /* words */
    ml_chunks allocations; /* ml_graph_allocation */
    ml_graph_numbers type_numbers, name_numbers;
    ml_buffer types, names, texts, roots; /* structures of the above, each with its texts */
    const char *reason;
    int64_t time_ns, pause_ns;
    uint64_t reference_count; /* words less wide ones */
    bool failed;              /* no memory */
    struct ml_graph *next;    /* that waits to be written */
    struct ml_graph_writing *writing;
} ml_graph;

/* NULL: no memory. `reason` is kept. */
ml_graph *ml_graph_new(const char *reason);
void ml_graph_free(ml_graph *graph);
/* Memory that it takes. */
uint64_t ml_graph_bytes(const ml_graph *graph);

/* The number of a type or a name that is known by this pointer; 0: it is not known yet. */
uint32_t ml_graph_number(const ml_graph_numbers *numbers, uintptr_t key);
/* Both return its number, 0 without memory. Texts are UTF-8. */
uint32_t ml_graph_add_type(ml_graph *graph, uintptr_t key, ml_graph_type type, const char *name,
                           const char *module);
uint32_t ml_graph_add_name(ml_graph *graph, uintptr_t key, const char *name, size_t bytes);
void ml_graph_add_text(ml_graph *graph, uintptr_t object, const char *text, size_t bytes);
void ml_graph_add_root(ml_graph *graph, ml_graph_root root, const char *name, const char *function,
                       const char *file);

ML_INLINE void ml_graph_put_word(ml_graph *graph, uint64_t word)
{
    uint64_t *place = ml_chunks_add(&graph->references);
    if (ML_LIKELY(place != NULL))
        *place = word;
    else
        graph->failed = true;
}

/* A reference of the object that was added last. */
ML_INLINE void ml_graph_add_reference(ml_graph *graph, ml_graph_object *from, uintptr_t to,
                                      ml_how how, uint64_t number)
{
    uint64_t word = (uint64_t)to >> 3 | (uint64_t)how << 44;
    if (ML_LIKELY(number <= ML_REFERENCE_MAX_NUMBER))
        word |= number << 48;
    else
        ml_graph_put_word(graph, ML_REFERENCE_WIDE | number);
    ml_graph_put_word(graph, word);
    graph->reference_count++;
    from->references++;
}

#endif

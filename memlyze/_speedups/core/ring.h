/* The way of an event out of the program: one ring a thread, filled by that thread, emptied by the
 * writer.
 *
 * Words are 64 bits, the lowest three say what they are. Fixed width: composing a word costs the
 * same few instructions whatever it says, where a variable-length code mispredicts. Columns are the
 * writer's work. */
#ifndef MEMLYZE_RING_H
#define MEMLYZE_RING_H

#include "platform.h"

enum {
    ML_WORD_ALLOCATION = 0, /* number of its stack in 32..47, size in 8..31, allocator in 3..7 */
    /* The same with size 0; the next word is the size. Of a mapping another word follows: the id of
       the mapping that it is a rest of, and so has the stack of; 0: of none. */
    ML_WORD_BIG_ALLOCATION = 1,
    /* id of the freed allocation in 3..45, its sampling in 46..49 (where that changes), its size in
       52..63 */
    ML_WORD_FREE = 2,
    ML_WORD_BIG_FREE = 3, /* the same with size 0; the next word is the size; of a mapping
                             the allocator as well, in the highest bits */
    ML_WORD_TIME = 4,     /* nanoseconds since the start */
    ML_WORD_WINDOW = 5,   /* window that the following events belong to, in the low 32 bits of the
                             value; above them their sampling */
    ML_WORD_ID = 6,       /* id of this thread's next allocation */
    ML_WORD_STACK = 7,    /* the thread's next stack, see below */
};
#define ML_WORD_KIND(word) ((word) & 7)
#define ML_WORD_VALUE(word) ((word) >> 3)
#define ML_MAKE_WORD(kind, value) (((uint64_t)(value) << 3) | (kind))
#define ML_SMALL_SIZE_LIMIT ((size_t)1 << 24)
#define ML_SMALL_FREE_LIMIT ((size_t)1 << 12)
#define ML_WORD_FREED_ID(word) ((word) >> 3 & (((uint64_t)1 << 43) - 1))
#define ML_WORD_FREED_SAMPLING(word) ((word) >> 46 & 15)
#define ML_FREED_SAMPLING(sampling) ((uint64_t)(sampling) << 46)
#define ML_WORD_FREED_SIZE(word) ((word) >> 52)
#define ML_FREED_ALLOCATOR_SHIFT 56

/* A thread numbers the stacks that it meets, beginning with 1, and tells each one once: parent's
 * number in 3..18, code in 19..39, instruction in 40..63. Where code or instruction do not fit,
 * code is ML_STACK_WIDE and the next word has both, code in the upper half. Code 0 says that the
 * numbers begin anew. So no thread needs to know whether a stack is known already: to give each
 * stack one id is the helper thread's work. */
#define ML_STACK_NUMBERS ((uint32_t)1 << 16)
#define ML_STACK_DROPPED UINT32_MAX /* no number: there was no room to tell of new stacks */
#define ML_STACK_WIDE (((uint64_t)1 << 21) - 1)
#define ML_WORD_STACK_PARENT(word) ((word) >> 3 & (ML_STACK_NUMBERS - 1))
#define ML_WORD_STACK_CODE(word) ((word) >> 19 & ML_STACK_WIDE)
#define ML_WORD_STACK_INSTRUCTION(word) ((word) >> 40)

/* The most that one event can put in besides stacks: window, time, id, free, allocation and its
 * size. */
#define ML_WORDS_PER_EVENT 8
#define ML_WORDS_PER_STACK 2

typedef struct {
    uint64_t *words;
    uint64_t mask;
    uint64_t limit; /* up to here there is surely room; the producer's */
    _Atomic uint64_t
        head; /* moved by the producer; the writer looks a thousand times a second at most */
    _Atomic uint64_t tail __attribute__((aligned(64))); /* moved by the writer */
} ml_ring;

ML_INLINE bool ml_ring_init(ml_ring *ring, uint64_t capacity_words)
{
    ring->words = ml_map(capacity_words * sizeof(uint64_t));
    ring->mask = capacity_words - 1;
    ring->limit = capacity_words / 2;
    atomic_store_explicit(&ring->head, 0, memory_order_relaxed);
    atomic_store_explicit(&ring->tail, 0, memory_order_relaxed);
    return ring->words != NULL;
}

ML_INLINE uint64_t ml_ring_capacity(const ml_ring *ring)
{
    return ring->mask + 1;
}

ML_INLINE void ml_ring_destroy(ml_ring *ring)
{
    ml_unmap(ring->words, ml_ring_capacity(ring) * sizeof(uint64_t));
    ring->words = NULL;
}

ML_INLINE uint64_t ml_ring_head(const ml_ring *ring)
{
    return atomic_load_explicit(&ring->head, memory_order_relaxed);
}

/* Words are put at a head of the producer's own, and become visible to the writer when that is
 * published. */
ML_INLINE void ml_ring_put(ml_ring *ring, uint64_t *head, uint64_t word)
{
    ring->words[(*head)++ & ring->mask] = word;
}

ML_INLINE void ml_ring_publish(ml_ring *ring, uint64_t head)
{
    atomic_store_explicit(&ring->head, head, memory_order_release);
}

#endif

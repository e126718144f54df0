/* The memory clock: at each tick what is resident, what is live of what was recorded, what the
 * recorder holds and how much the program has worked; and where it is worth it, what the resident
 * memory consists of. The helper thread's, save where noted. */
#ifndef MEMLYZE_MEMORY_CLOCK_H
#define MEMLYZE_MEMORY_CLOCK_H

#include "event_encoder.h"
#include "trace_file.h"

/* `meanwhile` is called again and again while a tick takes long; `tracer_bytes` says what the
 * recorder holds. */
void ml_memory_clock_init(uint32_t interval_ms, void (*meanwhile)(void),
                          int64_t (*tracer_bytes)(void));
void ml_memory_clock_free(void);
/* In the thread that will take the ticks, when its descriptor table is known; and before it ends.
 */
void ml_memory_clock_open(void);
void ml_memory_clock_close(void);

int64_t ml_memory_clock_interval_ns(void);
/* Any thread. While a heap graph is taken the program stands still, and what grows is the
 * recorder's memory. */
void ml_memory_clock_rest(bool rests);
/* When it is time; live are what `encoder` says. */
void ml_memory_clock_turn(int64_t now_ns, const ml_event_encoder *encoder);
/* At what may be the end: whatever the time. */
void ml_memory_clock_end(int64_t now_ns, const ml_event_encoder *encoder);
void ml_memory_clock_write(ml_trace_file *file);
void ml_memory_clock_put_statistics(void);
/* In a forked child; `has_descriptors`: copies of the parent's are open here. */
void ml_memory_clock_after_fork(bool has_descriptors);

#endif

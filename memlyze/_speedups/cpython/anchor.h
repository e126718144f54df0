/* Frames that need not be compared.
 *
 * A capture compares the live frames with those of the last one, because a frame that has ended may
 * be followed by another at the same address. Of most frames of a deep stack that cannot be: they
 * run for seconds. It takes a sign that a frame has not ended, and CPython has one: of a frame that
 * somebody asks for it makes a frame object, once, which goes when the frame ends. So as long as
 * the frame names that object, and the object's block was not freed, it is the same frame; and
 * since a frame does not end before those that it has called, its callers stand where they stood.
 *
 * Frame objects are made outside of the allocators, where Python may be called: by the main thread
 * when the interpreter runs pending calls, by any thread after a collection. One that exists still
 * when the thread looks again has shown that its frame is a lasting one: the innermost of these is
 * the anchor. From 3.11 on; before that, frames are objects throughout, and are not freed.
 */
#ifndef MEMLYZE_ANCHOR_H
#define MEMLYZE_ANCHOR_H

#include "frames.h"

#include "../core/recorder.h"

/* Right after a capture from `top`: makes the innermost frame that has an object the anchor, and
 * asks for more frame objects. */
void ml_look_for_anchor(ml_thread *thread, const ml_frame *top);

/* Makes frame objects of the calling thread's frames, if it has asked for them. Where Python may be
 * called, with the GIL and no exception set. */
void ml_make_frame_objects(void);

#endif

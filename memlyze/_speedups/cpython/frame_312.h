/* Frames of CPython 3.12: as 3.11, and a frame without a function for each entry from C. */
#include <internal/pycore_frame.h>

typedef struct _PyInterpreterFrame ml_frame;

static inline ml_frame *ml_frame_top(PyThreadState *thread)
{
    /* NULL while a thread state is being set up or torn down. */
    return thread->cframe ? thread->cframe->current_frame : NULL;
}

static inline ml_frame *ml_frame_previous(const ml_frame *frame)
{
    return frame->previous;
}

/* The instruction lies inside its code object, so its address names both. */
static inline uint64_t ml_frame_position(const ml_frame *frame)
{
    return (uint64_t)(uintptr_t)frame->prev_instr;
}

static inline bool ml_frame_is_transparent(const ml_frame *frame)
{
    return frame->owner == FRAME_OWNED_BY_CSTACK;
}

static inline PyCodeObject *ml_frame_code(const ml_frame *frame)
{
    return frame->f_code;
}

/* Between push and first traceable instruction (cells being made, …) the caller is what the program
 * is doing. */
static inline bool ml_frame_is_incomplete(const ml_frame *frame)
{
    if (ml_frame_is_transparent(frame))
        return true;
    const PyCodeObject *code = ml_frame_code(frame);
    return frame->owner != FRAME_OWNED_BY_GENERATOR &&
           frame->prev_instr < _PyCode_CODE(code) + code->_co_firsttraceable;
}

static inline uint32_t ml_frame_instruction(const ml_frame *frame, const PyCodeObject *code)
{
    ptrdiff_t offset = frame->prev_instr - _PyCode_CODE(code);
    return offset > 0 ? (uint32_t)offset * (uint32_t)sizeof(_Py_CODEUNIT) : 0;
}

/* The block of the frame object that was made of this frame, if one was: no other otherwise. */
static inline uintptr_t ml_frame_object_block(const ml_frame *frame)
{
    return (uintptr_t)frame->frame_obj - ML_GC_HEAD_BYTES;
}

/* A generator's frame does not qualify: it has another caller each time. */
static inline bool ml_frame_can_be_anchor(const ml_frame *frame)
{
    return frame->owner == FRAME_OWNED_BY_THREAD && frame->frame_obj;
}

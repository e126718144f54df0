/* Frames of CPython 3.14: tagged references. */
#include <internal/pycore_interpframe.h>

typedef struct _PyInterpreterFrame ml_frame;

static inline ml_frame *ml_frame_top(PyThreadState *thread)
{
    return thread->current_frame;
}

static inline ml_frame *ml_frame_previous(const ml_frame *frame)
{
    return frame->previous;
}

/* The instruction lies inside its code object, so its address names both. */
static inline uint64_t ml_frame_position(const ml_frame *frame)
{
    return (uint64_t)(uintptr_t)frame->instr_ptr;
}

static inline bool ml_frame_is_transparent(const ml_frame *frame)
{
    /* The owner first: only then the executable means something. */
    if (frame->owner >= FRAME_OWNED_BY_INTERPRETER || PyStackRef_IsNull(frame->f_executable))
        return true;
    return !PyCode_Check(PyStackRef_AsPyObjectBorrow(frame->f_executable));
}

static inline PyCodeObject *ml_frame_code(const ml_frame *frame)
{
    return (PyCodeObject *)PyStackRef_AsPyObjectBorrow(frame->f_executable);
}

/* Between push and first traceable instruction (cells being made, …) the caller is what the program
 * is doing. */
static inline bool ml_frame_is_incomplete(const ml_frame *frame)
{
    if (ml_frame_is_transparent(frame))
        return true;
    const PyCodeObject *code = ml_frame_code(frame);
    return frame->owner != FRAME_OWNED_BY_GENERATOR &&
           frame->instr_ptr < _PyCode_CODE(code) + code->_co_firsttraceable;
}

static inline uint32_t ml_frame_instruction(const ml_frame *frame, const PyCodeObject *code)
{
    ptrdiff_t offset = frame->instr_ptr - _PyFrame_GetBytecode((ml_frame *)frame);
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

/* Frames of CPython 3.8 to 3.10: frame objects, linked by f_back. */
#include <frameobject.h>

typedef PyFrameObject ml_frame;

static inline ml_frame *ml_frame_top(PyThreadState *thread)
{
    return thread->frame;
}

static inline ml_frame *ml_frame_previous(const ml_frame *frame)
{
    return frame->f_back;
}

/* Code and instruction in one number. Code objects are aligned to 16 bytes, so their address leaves
 * the lowest 20 bits to the instruction. */
static inline uint64_t ml_frame_position(const ml_frame *frame)
{
    return (uint64_t)(uintptr_t)frame->f_code << 16 ^ (uint32_t)frame->f_lasti;
}

static inline bool ml_frame_is_transparent(const ml_frame *frame)
{
    (void)frame;
    return false;
}

static inline bool ml_frame_is_incomplete(const ml_frame *frame)
{
    (void)frame;
    return false;
}

static inline PyCodeObject *ml_frame_code(const ml_frame *frame)
{
    return frame->f_code;
}

static inline uint32_t ml_frame_instruction(const ml_frame *frame, const PyCodeObject *code)
{
    (void)code;
    if (frame->f_lasti < 0)
        return 0;
#if PY_VERSION_HEX >= 0x030a0000
    return (uint32_t)frame->f_lasti * 2; /* counted in code units from 3.10 on */
#else
    return (uint32_t)frame->f_lasti;
#endif
}

/* These are frame objects themselves, and are kept for the next call when they end: nothing tells
 * of that. */
static inline uintptr_t ml_frame_object_block(const ml_frame *frame)
{
    (void)frame;
    return UINTPTR_MAX;
}

static inline bool ml_frame_can_be_anchor(const ml_frame *frame)
{
    (void)frame;
    return false;
}

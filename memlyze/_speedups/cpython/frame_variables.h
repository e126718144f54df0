/* The local variables of a frame, and their names. */
#ifndef MEMLYZE_FRAME_VARIABLES_H
#define MEMLYZE_FRAME_VARIABLES_H

#include "frames.h"
#if PY_VERSION_HEX >= 0x030e0000
#define Py_BUILD_CORE 1
#include <internal/pycore_frame.h>
#undef Py_BUILD_CORE
#endif

static inline Py_ssize_t ml_frame_variable_count(const PyCodeObject *code)
{
#if PY_VERSION_HEX >= 0x030b0000
    return code->co_nlocalsplus;
#else
    return code->co_nlocals + PyTuple_GET_SIZE(code->co_cellvars) +
           PyTuple_GET_SIZE(code->co_freevars);
#endif
}

static inline PyObject *ml_frame_variable_name(const PyCodeObject *code, Py_ssize_t number)
{
#if PY_VERSION_HEX >= 0x030b0000
    return PyTuple_GET_ITEM(code->co_localsplusnames, number);
#else
    if (number < code->co_nlocals)
        return PyTuple_GET_ITEM(code->co_varnames, number);
    number -= code->co_nlocals;
    if (number < PyTuple_GET_SIZE(code->co_cellvars))
        return PyTuple_GET_ITEM(code->co_cellvars, number);
    return PyTuple_GET_ITEM(code->co_freevars, number - PyTuple_GET_SIZE(code->co_cellvars));
#endif
}

/* NULL: unbound. */
static inline PyObject *ml_frame_variable(const ml_frame *frame, Py_ssize_t number)
{
#if PY_VERSION_HEX >= 0x030e0000
    const uintptr_t bits = frame->localsplus[number].bits;
    return (bits & 3) == 3 ? NULL : (PyObject *)(bits & ~(uintptr_t)3); /* 3: no object */
#elif PY_VERSION_HEX >= 0x030b0000
    return frame->localsplus[number];
#else
    return frame->f_localsplus[number];
#endif
}

/* Whether the frame is what keeps its variables: no object that the collector tracks does. */
static inline bool ml_frame_holds_variables(const ml_frame *frame)
{
#if PY_VERSION_HEX >= 0x030b0000
    return frame->owner == FRAME_OWNED_BY_THREAD;
#else
    (void)frame;
    return false;
#endif
}

/* The frame of a generator or coroutine that has not ended; NULL: none, or an object of its own. */
static inline const ml_frame *ml_generator_frame(PyObject *generator)
{
#if PY_VERSION_HEX >= 0x030b0000
    PyGenObject *state = (PyGenObject *)generator;
    return state->gi_frame_state <= FRAME_EXECUTING ? (const ml_frame *)&state->gi_iframe : NULL;
#else
    (void)generator;
    return NULL;
#endif
}

/* The frame that a frame object keeps; NULL: it is another's. */
static inline const ml_frame *ml_frame_of_object(PyObject *object)
{
#if PY_VERSION_HEX >= 0x030b0000
    const ml_frame *frame = ((PyFrameObject *)object)->f_frame;
    return frame && frame->owner == FRAME_OWNED_BY_FRAME_OBJECT ? frame : NULL;
#else
    return (PyFrameObject *)object;
#endif
}

#endif

/* Interpreter frames, read as they lie in memory: one header for each layout. The only place that
 * sees CPython's internal headers. */
#ifndef MEMLYZE_FRAMES_H
#define MEMLYZE_FRAMES_H

#define Py_BUILD_CORE 1
#include <Python.h>
#include <stdbool.h>

/* What the collector keeps before each of its objects. */
#define ML_GC_HEAD_BYTES (2 * sizeof(uintptr_t))

#if PY_VERSION_HEX >= 0x030e0000
#include "frame_314.h"
#elif PY_VERSION_HEX >= 0x030d0000
#include "frame_313.h"
#elif PY_VERSION_HEX >= 0x030c0000
#include "frame_312.h"
#elif PY_VERSION_HEX >= 0x030b0000
#include "frame_311.h"
#else
#include "frame_38.h"
#endif
#if PY_VERSION_HEX < 0x030c0000
#include <internal/pycore_pystate.h>
#endif
#undef Py_BUILD_CORE

/* The thread state of whoever holds the GIL; NULL when nobody does. Touches nothing. */
static inline PyThreadState *ml_current_python_thread(void)
{
#if PY_VERSION_HEX >= 0x030d0000
    return PyThreadState_GetUnchecked();
#elif PY_VERSION_HEX >= 0x030c0000
    return _PyThreadState_UncheckedGet();
#else
    return _PyThreadState_GET(); /* one load */
#endif
}

#endif

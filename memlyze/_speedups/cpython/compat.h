/* Small differences between CPython versions; the larger one, frames, has a header per layout
 * beside this. */
#ifndef MEMLYZE_COMPAT_H
#define MEMLYZE_COMPAT_H

#include <Python.h>

/* Which of CPython's line tables `ml_code_line_table` gives; the numbers of docs/format-spec.md. */
#if PY_VERSION_HEX >= 0x030b0000
#define ML_LINE_TABLE_KIND 3
#elif PY_VERSION_HEX >= 0x030a0000
#define ML_LINE_TABLE_KIND 2
#else
#define ML_LINE_TABLE_KIND 1
#endif

static inline PyObject *ml_code_line_table(const PyCodeObject *code)
{
#if PY_VERSION_HEX >= 0x030a0000
    return code->co_linetable;
#else
    return code->co_lnotab;
#endif
}

static inline PyObject *ml_code_name(const PyCodeObject *code)
{
#if PY_VERSION_HEX >= 0x030b0000
    return code->co_qualname;
#else
    return code->co_name;
#endif
}

static inline int ml_unicode_is_ready(PyObject *text)
{
#if PY_VERSION_HEX >= 0x030c0000
    (void)text;
    return 1;
#else
    return PyUnicode_IS_READY(text);
#endif
}

/* Functions of `sys.settrace` and `sys.setprofile` are not called by this thread until it is over;
 * nests. */
#if PY_VERSION_HEX >= 0x030b0000
static inline void ml_enter_untraced(void)
{
    PyThreadState_EnterTracing(PyThreadState_Get());
}

static inline void ml_leave_untraced(void)
{
    PyThreadState_LeaveTracing(PyThreadState_Get());
}
#else
static inline void ml_enter_untraced(void)
{
    PyThreadState_Get()->tracing++;
}

static inline void ml_leave_untraced(void)
{
    PyThreadState_Get()->tracing--;
}
#endif

#endif

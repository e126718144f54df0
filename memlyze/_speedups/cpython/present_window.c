#include "present_window.h"

#include <string.h>

PyObject *ml_window_variable;
static PyObject *variable_to_be;
static PyInterpreterState *interpreter; /* the one that the variable belongs to */
static uint32_t first_window_id;        /* of this recording: lower ones are of an earlier one */

void ml_window_look_up(ml_thread *thread, PyThreadState *python)
{
    PyObject *value = NULL;
    uint32_t window_id = 0;
    /* Finds, and takes a reference; allocates nothing and runs no code: the key is compared by
     * identity. Another interpreter has another GIL, and must not touch the variable. */
    if (python->context && python->interp == interpreter &&
        PyContextVar_Get(ml_window_variable, NULL, &value) == 0 && value) {
        if (PyLong_CheckExact(value))
            window_id = (uint32_t)PyLong_AsUnsignedLong(value);
        Py_DECREF(value); /* the context holds another */
    }
    ml_thread_set_window(thread, window_id < first_window_id ? 0 : window_id);
    thread->binding[ML_BOUND_CONTEXT] = python->context;
    thread->binding[ML_BOUND_VERSION] = ml_context_version(python);
}

void ml_window_set_variable(PyObject *variable)
{
    interpreter = PyThreadState_Get()->interp;
    variable_to_be = variable;
}

void ml_window_set_first(unsigned int window_id)
{
    first_window_id = window_id;
}

void ml_window_changed(void)
{
    ml_window_variable = variable_to_be;
    ml_thread *thread = ml_current_thread;
    if (thread == &ml_no_thread)
        return;
    memset(thread->binding, 0, sizeof thread->binding);
    /* At once: what comes next may be recorded without the GIL. */
    PyThreadState *python = ml_own_python_thread(thread);
    if (python && thread->session == atomic_load(&ml_session))
        ml_window_look_up(thread, python);
}
